import { Agent, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import { type Account, type Script, ScriptedModel } from '../load/scripted.ts'
import { type Running, type Subject, start } from '../subject.ts'
import { MODEL } from '../traffic.ts'
import type { Found, Keep } from './sideBySide.ts'

export const CALLERS = 200
/** Dollars for a million tokens, so that a call of the prompt and 200 tokens costs exactly a cent. */
export const PRICE = { input: 5, output: 49 } as const
const ANSWER_TOKENS = 200
/** What ten calls cost. */
const CAP_DOLLARS = 0.1
/** What ten calls and a half cost: an eleventh must not be let through for what is left. */
const UNEVEN_CAP_DOLLARS = 0.105
/** Races of each kind, each with a fresh key. */
const RACES = 3
/** So long callers may wait for a decision before the model answers nevertheless. */
const DECIDED_MS = 60_000
const POLL_MS = 20
/** `PROMPT_TOKENS` long, with what a chat adds. */
const PROMPT =
  'What does a penstock do, where does it stand between reservoir and turbine, and what is measured in it? Answer for a reader who has never seen one.'

interface Kind extends Script {
  readonly name: string
  /** What the report calls it. */
  readonly title: string
  readonly maxTokens: number
  readonly stream: boolean
  readonly capDollars: number
}

const EVEN = { capDollars: CAP_DOLLARS }
const HONEST = { ...EVEN, maxTokens: ANSWER_TOKENS, outputTokens: ANSWER_TOKENS, obeys: true }
const GENEROUS = { ...EVEN, maxTokens: 20 * ANSWER_TOKENS, outputTokens: ANSWER_TOKENS, obeys: true }
const DEAF = { ...EVEN, maxTokens: ANSWER_TOKENS, outputTokens: 3 * ANSWER_TOKENS, obeys: false }

export const KINDS: readonly Kind[] = [
  { name: 'honestPlain', title: 'plain, honest maxima', stream: false, ...HONEST },
  { name: 'honestStream', title: 'streamed, honest maxima', stream: true, ...HONEST },
  {
    name: 'unevenPlain',
    title: 'plain, honest maxima, cap of 10.5 calls',
    stream: false,
    ...HONEST,
    capDollars: UNEVEN_CAP_DOLLARS,
  },
  { name: 'generousPlain', title: 'plain, maxima 20 times too high', stream: false, ...GENEROUS },
  { name: 'generousStream', title: 'streamed, maxima 20 times too high', stream: true, ...GENEROUS },
  { name: 'deafPlain', title: 'plain, model ignores max_tokens (3 times)', stream: false, ...DEAF },
  { name: 'deafStream', title: 'streamed, model ignores max_tokens (3 times)', stream: true, ...DEAF },
]

/** A key that races. */
export interface RaceKey {
  readonly secret: string
  readonly capDollars: number
}

/** Every race has a key of its own. */
export function raceKeys(): readonly RaceKey[] {
  return KINDS.flatMap(kind => Array.from({ length: RACES }, (_, i) => raceKey(kind, i + 1)))
}

function raceKey({ name, capDollars }: Kind, round: number): RaceKey {
  return { secret: `sk-race-${name}-${round}-7d1f0c5b9e3a4826`, capDollars }
}

/**
 * Races of 200 callers for one key's cap. The model holds its answers back until every caller was either let through or
 * refused, so that what is counted is the decision and not who was quick.
 */
export async function measureRaces(subject: Subject, keep: Keep): Promise<void> {
  const model = await ScriptedModel.listen()
  let target: Running | null = null
  try {
    target = await start(subject, model.port)
    for (let round = 1; round <= RACES; round++) {
      const found = []
      for (const kind of KINDS) found.push(await race(target, model, { kind, key: raceKey(kind, round).secret }))
      keep(round, subject.name, joined(found))
    }
  } finally {
    await target?.stop()
    await model.close()
  }
}

function joined(all: readonly Found[]): Found {
  const figures = Object.assign({}, ...all.map(({ figures }) => figures)) as Found['figures']
  return { figures, faults: all.flatMap(({ faults }) => faults) }
}

async function race(target: Running, model: ScriptedModel, of: { kind: Kind; key: string }): Promise<Found> {
  const { kind, key } = of
  model.hold(kind)
  let answered = 0
  const asked = Array.from({ length: CALLERS }, async () => {
    const ending = await ask(target.port, key, kind)
    answered++
    return ending
  })
  const end = performance.now() + DECIDED_MS
  while (model.account.calls + answered < CALLERS && performance.now() < end) await pause(POLL_MS)
  const undecided = CALLERS - model.account.calls - answered
  model.letGo()
  const endings = await Promise.all(asked)
  const faults: string[] = []
  if (undecided > 0) faults.push(`${kind.title}: ${undecided} callers had no decision in ${DECIDED_MS / 1000} s`)
  const failed = endings.filter(ending => ending === 'failed').length
  if (failed > 0) faults.push(`${kind.title}: ${failed} calls failed, and not by their limit`)
  return { figures: figuresOf(kind, model.account), faults }
}

function figuresOf({ name, capDollars }: Kind, { calls, cut, inputTokens, outputTokens }: Account): Found['figures'] {
  const dollars = (inputTokens * PRICE.input + outputTokens * PRICE.output) / 1e6
  return {
    [`${name}.admitted`]: calls,
    [`${name}.cut`]: cut,
    [`${name}.dollars`]: dollars,
    [`${name}.overDollars`]: Math.max(0, dollars - capDollars),
    [`${name}.wastedPercent`]: 100 * Math.max(0, 1 - dollars / capDollars),
  }
}

type Ending = 'served' | 'refused' | 'failed'

function ask(port: number, key: string, { maxTokens, stream }: Kind): Promise<Ending> {
  const body = JSON.stringify({
    model: MODEL.openai,
    messages: [{ role: 'user', content: PROMPT }],
    max_tokens: maxTokens,
    ...(stream ? { stream, stream_options: { include_usage: true } } : {}),
  })
  const headers = { authorization: `Bearer ${key}`, 'content-type': 'application/json' }
  const options = { host: '127.0.0.1', port, method: 'POST', path: '/v1/chat/completions', headers }
  return new Promise(resolve => {
    const sent = request({ ...options, agent: new Agent({ keepAlive: false }) }, response => {
      let text = ''
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
      })
      response.on('close', () => resolve(endingOf(response.statusCode ?? 0, text)))
    })
    sent.on('error', () => resolve('failed'))
    sent.end(body)
  })
}

/** Gateways refuse with different statuses: what they say tells a refusal from a failure. */
function endingOf(status: number, text: string): Ending {
  if (status === 200) return 'served'
  return status < 500 && /limit_reached|budget_exceeded/.test(text) ? 'refused' : 'failed'
}
