import { readFileSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import type { Case } from './load/faulty.ts'
import { type Command, cpuSeconds, freePort, GATEWAY_CORE, type Pinned, startPinned } from './process.ts'
import { DIRECT } from './ratios.ts'
import type { MeasureName } from './result.ts'
import { type Body, plainBody } from './traffic.ts'
import { discard, scratch, Unavailable } from './workshop.ts'

const READY_MS = 120_000
const PROBE_EVERY_MS = 2
/** A subject is quiet when it uses at most this share of its core for so long; it is waited for at most `QUIET_MS`. */
const QUIET_SHARE = 0.15
const QUIET_WINDOW_MS = 200
const QUIET_MS = 30_000

/** What a subject is started with. */
export interface Place {
  readonly port: number
  readonly upstreamPort: number
  /** Its own and empty. */
  readonly directory: string
}

/** A gateway that can be measured. */
export interface Subject {
  readonly name: string
  /** What it is, with its version. */
  readonly describe: () => string
  /** Whether it serves the Anthropic dialect too. */
  readonly messages: boolean
  /** Brings what it needs; throws `Unavailable` with the reason when that can't be had. */
  readonly prepare: () => void
  readonly command: (place: Place) => Command
  /** Headers that its calls need: a key, or where to send them. */
  readonly headers: (place: Place) => Readonly<Record<string, string>>
  /** A path whose 200 says that it has started; a call is tried where there is none. */
  readonly livePath?: string
  /** Where its directory is made, when not on the checkout's disk. */
  readonly disk?: string
  /** Its memory isn't measured: it differs from another one only in speed. */
  readonly aside?: boolean
  /** The one measure that it exists for. */
  readonly only?: MeasureName
  /** How a call reaches the deployments that stand behind a fault: its model, and headers where these say where to. */
  readonly reach?: (fault: Case, upstreamPort: number) => Reach
}

export interface Reach {
  readonly model: string
  readonly headers: Readonly<Record<string, string>>
}

/** A subject that has started, or the mock upstream itself, which is the ceiling of load generator and upstream. */
export interface Running {
  readonly name: string
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  readonly directory: string | null
  /** Null for the mock upstream itself. */
  readonly process: Pinned | null
  /** From spawning it to its first answer. */
  readonly startedMs: number | null
  readonly stop: () => Promise<void>
}

/** The mock upstream itself. */
export function direct(upstreamPort: number): Running {
  const nothing = { headers: {}, directory: null, process: null, startedMs: null, stop: async () => undefined }
  return { name: DIRECT, port: upstreamPort, ...nothing }
}

/** Starts a subject on its core, or on more of them, and waits until it serves a call. */
export async function start(
  subject: Subject,
  upstreamPort: number,
  cores: number | string = GATEWAY_CORE,
): Promise<Running> {
  const place: Place = { port: await freePort(), upstreamPort, directory: scratch(subject.name, subject.disk) }
  const begun = performance.now()
  const process = startPinned(subject.command(place), cores, join(place.directory, 'output.log'))
  const headers = subject.headers(place)
  const stop = async (): Promise<void> => {
    await process.stop()
    discard(place.directory)
  }
  const running = { name: subject.name, port: place.port, headers, directory: place.directory, process, stop }
  try {
    if (subject.livePath) await answers(process, () => get(place.port, subject.livePath!))
    const startedMs = performance.now() - begun
    await answers(process, () => call(running, plainBody('openai')))
    return { ...running, startedMs: subject.livePath ? startedMs : performance.now() - begun }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Waits until a subject has done with what an earlier load left in its queues. */
export async function quiet(target: Running): Promise<void> {
  if (!target.process) return
  for (const end = performance.now() + QUIET_MS; performance.now() < end; ) {
    const before = cpuSeconds(target.process.pid)
    await new Promise(resolve => setTimeout(resolve, QUIET_WINDOW_MS))
    if ((cpuSeconds(target.process.pid) - before) * 1000 <= QUIET_WINDOW_MS * QUIET_SHARE) return
  }
}

/** Asks until a 200 comes. */
export async function answers(process: Pinned, ask: () => Promise<Answer>): Promise<Answer> {
  const begun = performance.now()
  let last = 'nothing'
  while (performance.now() - begun < READY_MS) {
    const ended = process.exited()
    if (ended !== null)
      throw new Unavailable(`it ended with ${ended} before it answered: ${lastWords(process.logFile)}`)
    const answer = await ask().catch((error: Error) => ({ status: 0, text: error.message, headers: {} }))
    if (answer.status === 200) return answer
    last = `${answer.status} ${answer.text.slice(0, 200)}`
    await new Promise(resolve => setTimeout(resolve, PROBE_EVERY_MS))
  }
  throw new Unavailable(`no answer within ${READY_MS / 1000} s (last: ${last})`)
}

/** The last line that speaks of an error, else the last one. */
function lastWords(file: string): string {
  const lines = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line.trim() !== '')
  return (lines.findLast(line => /error|refused|cannot/i.test(line)) ?? lines.at(-1) ?? 'it said nothing')
    .trim()
    .slice(0, 300)
}

export interface Answer {
  readonly status: number
  readonly text: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export function get(port: number, path: string): Promise<Answer> {
  return exchange(port, 'GET', path, {}, '')
}

/** One call with a fresh connection. */
export function call(target: Pick<Running, 'port' | 'headers'>, body: Body): Promise<Answer> {
  const headers = { ...target.headers, 'content-type': 'application/json', 'content-length': body.json.length }
  return exchange(target.port, 'POST', body.path, headers, body.json)
}

function exchange(
  port: number,
  method: string,
  path: string,
  headers: Record<string, string | number>,
  body: string,
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const options = { host: '127.0.0.1', port, method, path, headers, agent: false as const, timeout: 10_000 }
    const sent = request(options, response => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part: string) => {
        text += part
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text, headers: response.headers }))
      response.on('error', reject)
    })
    sent.on('timeout', () => sent.destroy(new Error('no answer within 10 s')))
    sent.on('error', reject)
    sent.end(body)
  })
}
