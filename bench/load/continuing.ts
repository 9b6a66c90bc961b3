/**
 * A model of its own process, so that it can really die: `node bench/load/continuing.ts HOST PORT NAME`. It thinks a
 * while, speaks at a steady pace, and goes on with an answer that somebody else began.
 */
import { serveOn } from './server.ts'
import { answerWell } from './speech.ts'

const [host = '127.0.0.1', port = '0', name = 'model'] = process.argv.slice(2)
/** Long enough that a death meets some calls before their first word, and most of them after it. */
const SPEED = { firstMs: 500, wordMs: 100 }

let count = 0
await serveOn(host, Number(port), asked => answerWell(asked, `${name}-${++count}`, SPEED))
