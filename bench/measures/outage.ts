import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Ending, endingOf, readStream } from '../ending.ts'
import { ask, type Seen } from '../load/caller.ts'
import { HEALTHY_HOST, type Started, startProgram } from '../load/faulty.ts'
import { TEXT } from '../load/speech.ts'
import { freePort } from '../process.ts'
import { percentile } from '../statistics.ts'
import { type Running, type Subject, start } from '../subject.ts'
import { OUTAGE_HOST } from '../subjects/resilient.ts'
import { ROOT } from '../workshop.ts'
import type { Found, Keep } from './sideBySide.ts'

/** Streams at once, over both models. */
export const STREAMS = 200
/** The models of the gateway: what becomes of a stream that breaks after something was shown. */
export const POLICIES = ['fail', 'continue'] as const
const PATIENCE_MS = 30_000
/** Of a stream, from the call to its end. */
const STREAM_MS = 3_300
/** When the upstream dies and returns, and when the last stream is opened, in milliseconds of the load. */
const DIES_MS = 5_000
const RETURNS_MS = 8_000
const ENDS_MS = 18_000
/** A program of Node listens after about so long. */
const STARTS_MS = 1_000
/** Streams of the load's last part tell whether the upstream that came back is used. */
const LATE_MS = 2_000

/** One stream, with the times of its load. */
export interface Watched {
  readonly seen: Seen
  readonly begunMs: number
  readonly ending: Ending
}

/** One of two upstreams dies under 200 streams, and returns. */
export async function measureOutages(
  subject: Subject,
  { rounds }: { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const port = await freePort()
    const steady = startModel(HEALTHY_HOST, port, 'steady')
    let dying = startModel(OUTAGE_HOST, port, 'dying')
    let target: Running | null = null
    try {
      target = await start(subject, port)
      await pause(STARTS_MS)
      const load = loadOf(target)
      await pause(DIES_MS)
      // A process that ends takes its connections with it, and its port refuses from then on.
      const diedMs = performance.now()
      dying.process.child.kill('SIGKILL')
      await dying.close()
      await pause(RETURNS_MS - DIES_MS)
      dying = startModel(OUTAGE_HOST, port, 'returned')
      const watched = await load
      keep(round, subject.name, await found(target, watched, diedMs))
    } finally {
      await target?.stop()
      await dying.close()
      await steady.close()
    }
  }
}

function startModel(host: string, port: number, name: string): Started {
  const argv = [process.execPath, join(ROOT, 'bench', 'load', 'continuing.ts'), host, String(port), name]
  return startProgram(name, { argv })
}

type ByPolicy = ReadonlyMap<string, readonly Watched[]>

/** Callers that open a stream when theirs has ended, half of them with each model. */
async function loadOf(target: Running): Promise<ByPolicy> {
  const end = performance.now() + ENDS_MS
  const all = new Map<string, Watched[]>(POLICIES.map(policy => [policy, []]))
  const caller = async (model: string, number: number): Promise<void> => {
    // Spread over a stream's length, so that the death meets streams of every age.
    await pause((number / STREAMS) * STREAM_MS)
    for (let i = 0; performance.now() < end; i++) {
      const messages = [{ role: 'user', content: `What is done at gate ${number} on day ${i} when a valve jams?` }]
      const body = { model, messages, max_tokens: 128, stream: true }
      const begunMs = performance.now()
      const seen = await ask(target.port, { headers: target.headers, body, patienceMs: PATIENCE_MS })
      all.get(model)!.push({ seen, begunMs, ending: endingOf(seen, { streamed: true, text: TEXT }) })
    }
  }
  const callers = Array.from({ length: STREAMS }, (_, i) => caller(POLICIES[i % POLICIES.length]!, i))
  await Promise.all(callers)
  return all
}

async function found(target: Running, watched: ByPolicy, diedMs: number): Promise<Found> {
  const figures: Record<string, number> = {}
  for (const [policy, all] of watched) {
    for (const [name, value] of Object.entries(outageFigures(all, diedMs))) figures[`${policy}.${name}`] = value
    const gaps = await gapsOf(target, all.filter(hasMoved))
    figures[`${policy}.movedGapP50Ms`] = percentile(gaps, 0.5) ?? 0
    figures[`${policy}.movedGapMaxMs`] = percentile(gaps, 1) ?? 0
  }
  return { figures, faults: [] }
}

interface Receipt {
  readonly attempts: readonly { readonly startedAt: string; readonly durationMs: number }[]
}

/** Milliseconds from the end of a failed attempt to the start of the next one, as receipts tell: what a move takes. */
async function gapsOf(target: Running, moved: readonly Watched[]): Promise<number[]> {
  const gaps: number[] = []
  for (const { seen } of moved) {
    const url = `http://127.0.0.1:${target.port}/v1/receipts/${seen.headers['x-penstock-request-id']}`
    const { attempts } = (await (await fetch(url, { headers: target.headers })).json()) as Receipt
    for (const [i, { startedAt }] of attempts.entries()) {
      const before = attempts[i - 1]
      if (before) gaps.push(Math.max(0, Date.parse(startedAt) - Date.parse(before.startedAt) - before.durationMs))
    }
  }
  return gaps
}

function hasMoved({ seen, ending }: Watched): boolean {
  return ending === 'survived' && Number(seen.headers['x-penstock-attempts']) > 1
}

/** What became of the streams of one model. */
export function outageFigures(all: readonly Watched[], diedMs: number): Readonly<Record<string, number>> {
  const hasShown = ({ seen }: Watched) => readStream(seen.text).text !== ''
  const isDying = ({ seen }: Watched) => /-1\//.test(String(seen.headers['x-penstock-deployment']))
  const caught = all.filter(one => isDying(one) && wasShowingAt(one, diedMs))
  const became = (ending: Ending) => caught.filter(one => one.ending === ending).length
  const whole = all.filter(({ ending }) => ending === 'survived')
  const moved = whole.filter(one => hasMoved(one) && !caught.includes(one))
  const still = whole.filter(one => !hasMoved(one) && !caught.includes(one))
  const firstMs = (some: readonly Watched[], share: number) =>
    percentile(
      some.flatMap(({ seen }) => seen.firstContentMs ?? []),
      share,
    )
  const usual = firstMs(still, 0.5) ?? 0
  const added = (share: number) => Math.max(0, (firstMs(moved, share) ?? usual) - usual)
  const lastMs = Math.max(...all.map(({ begunMs }) => begunMs))
  const late = all.filter(({ begunMs }) => begunMs > lastMs - LATE_MS)
  return {
    streams: all.length,
    whole: whole.length,
    shown: caught.length,
    shownSurvived: became('survived'),
    shownHonest: became('honest'),
    shownOtherwise: caught.length - became('survived') - became('honest'),
    moved: moved.length,
    movedAddedP50Ms: added(0.5),
    movedAddedMaxMs: added(1),
    failedUnshown: all.filter(one => one.ending !== 'survived' && !hasShown(one)).length,
    otherFailures: all.filter(one => one.ending !== 'survived' && hasShown(one) && !caught.includes(one)).length,
    usualFirstMs: usual,
    onReturnedPercent: late.length === 0 ? 0 : (100 * late.filter(isDying).length) / late.length,
  }
}

function wasShowingAt({ seen, begunMs }: Watched, atMs: number): boolean {
  return seen.firstContentMs !== null && begunMs + seen.firstContentMs < atMs && begunMs + seen.ms > atMs
}
