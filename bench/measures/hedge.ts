import { endingOf } from '../ending.ts'
import { ask, type Seen } from '../load/caller.ts'
import { serveOn } from '../load/server.ts'
import { answerWell, TEXT } from '../load/speech.ts'
import { freePort } from '../process.ts'
import { percentile } from '../statistics.ts'
import { type Running, type Subject, start } from '../subject.ts'
import { ADMIN_TOKEN } from '../subjects/resilient.ts'
import type { Found, Keep } from './sideBySide.ts'

/** Every so manieth call of the first deployment is slow, which is 3 % of them. */
const SLOW_EVERY = 33
const SLOW_MS = 2_000
const USUAL_MS = 20
const CALLERS = 8
const PATIENCE_MS = 20_000
/** Measured that much longer than other things, because what is asked for is the slowest hundredth of calls. */
const TIMES_AS_LONG = 2
/** Calls that a model answers before it may hedge, with some to spare. */
const WARM_UPS = 80

/** Models of one gateway: the same upstream, with and without a rival. */
export const HEDGES = ['off', 'on'] as const

/** What upstreams were asked, by path. */
type Account = Map<string, number>

/** Calls of both models at once, plain and streamed by turns, so that what else the machine does counts for both. */
export async function measureHedges(
  subject: Subject,
  { rounds, seconds }: { readonly rounds: number; readonly seconds: number },
  keep: Keep,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const port = await freePort()
    const account: Account = new Map()
    const upstream = await serveOn('127.0.0.1', port, async asked => {
      const path = asked.path.split('/')[1]!
      const count = (account.get(path) ?? 0) + 1
      account.set(path, count)
      const isSlow = path.endsWith('-first') && count > WARM_UPS && count % SLOW_EVERY === 0
      await answerWell(asked, `${path}-${count}`, { firstMs: isSlow ? SLOW_MS : USUAL_MS, wordMs: 0 })
    })
    let target: Running | null = null
    try {
      target = await start(subject, port)
      await warm(target)
      keep(round, subject.name, await load(target, account, seconds * TIMES_AS_LONG))
    } finally {
      await target?.stop()
      await upstream.close()
    }
  }
}

async function warm(target: Running): Promise<void> {
  for (const model of HEDGES) for (let i = 0; i < WARM_UPS; i++) await callOf(target, model, i)
}

async function load(target: Running, account: Account, seconds: number): Promise<Found> {
  const before = new Map(account)
  const end = performance.now() + seconds * 1_000
  const found = await Promise.all(
    HEDGES.map(async model => {
      const seen: Seen[] = []
      const caller = async (first: number): Promise<void> => {
        for (let i = first; performance.now() < end; i++) seen.push(await callOf(target, model, i))
      }
      await Promise.all(Array.from({ length: CALLERS }, (_, i) => caller(i)))
      return { model, seen }
    }),
  )
  const usage = await usageByModel(target.port)
  const figures: Record<string, number> = {}
  const faults: string[] = []
  for (const { model, seen } of found) {
    const first = seen.flatMap(({ firstContentMs }) => firstContentMs ?? [])
    const hedges = (account.get(`${model}-rival`) ?? 0) - (before.get(`${model}-rival`) ?? 0)
    const { dollars = 0, wastedDollars = 0 } = usage.get(model) ?? {}
    Object.assign(figures, {
      [`${model}.calls`]: seen.length,
      [`${model}.p50Ms`]: percentile(first, 0.5) ?? 0,
      [`${model}.p99Ms`]: percentile(first, 0.99) ?? 0,
      [`${model}.maxMs`]: percentile(first, 1) ?? 0,
      [`${model}.hedgedPercent`]: (100 * hedges) / seen.length,
      [`${model}.losersPercent`]: dollars > 0 ? (100 * wastedDollars) / dollars : 0,
    })
    const failed = seen.filter(one => endingOf(one, { streamed: isStreamed(one), text: TEXT }) !== 'survived').length
    if (failed > 0) faults.push(`${failed} of ${seen.length} calls of ${model} had no whole answer`)
  }
  return { figures, faults }
}

/** Every other call is streamed. */
function callOf(target: Running, model: string, i: number): Promise<Seen> {
  const messages = [{ role: 'user', content: `How wide do the gates of pipe ${i} open?` }]
  const body = { model, messages, max_tokens: 64, ...(i % 2 === 0 ? { stream: true } : {}) }
  return ask(target.port, { headers: target.headers, body, patienceMs: PATIENCE_MS })
}

function isStreamed({ headers }: Seen): boolean {
  return String(headers['content-type']).startsWith('text/event-stream')
}

interface Usage {
  readonly dollars: number
  readonly wastedDollars: number
}

async function usageByModel(port: number): Promise<Map<string, Usage>> {
  const answer = await fetch(`http://127.0.0.1:${port}/admin/v1/usage?by=model`, {
    headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
  })
  const { rows } = (await answer.json()) as {
    rows: readonly { model: string; dollars: string; wastedDollars: string }[]
  }
  return new Map(
    rows.map(row => [row.model, { dollars: Number(row.dollars), wastedDollars: Number(row.wastedDollars) }]),
  )
}
