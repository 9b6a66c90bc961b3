/**
 * What the health of deployments costs a call: what stands of each, the replica that is taken, what comes of it. Every
 * call asks twice; the aim is less than a microsecond each.
 */
import { type DeploymentHealth, HealthBoard } from '../../src/policy/health/board.ts'
import type { Deployment, Model } from '../../src/vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../../src/vocabulary/resilience.ts'
import { median } from '../statistics.ts'

/** How many times an operation is timed, and for how long each time; the median is told. */
const ROUNDS = 7
const ROUND_MS = 60
const START = Date.UTC(2026, 9, 1)
const CALLS_PER_MS = 12
/** Threads whose columns are added up, with more than one. */
const THREADS = 8
const NONE: readonly number[] = []
const CONTENT = { waitedMs: 190, streamed: true }

/** @returns nanoseconds of one operation */
function time(operation: (now: number) => void): number {
  let batch = 500
  let calls = 0
  const rounds = Array.from({ length: ROUNDS }, () => {
    let operations = 0
    const began = process.hrtime.bigint()
    let elapsed = 0
    while (elapsed < ROUND_MS * 1e6) {
      for (let i = 0; i < batch; i++) operation(START + Math.floor(calls++ / CALLS_PER_MS))
      operations += batch
      elapsed = Number(process.hrtime.bigint() - began)
    }
    batch = Math.max(500, Math.floor(operations / 20))
    return elapsed / operations
  })
  return median(rounds)!
}

/** Mulberry32, as cheap as real chance is. */
let state = 1
function random(): number {
  state = (state + 0x6d2b79f5) | 0
  let mixed = Math.imul(state ^ (state >>> 15), state | 1)
  mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
  return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
}

function deploymentOf(name: string, replicas: number): Deployment {
  return { name, upstream: name, model: 'm', dialects: ['openai'], engine: null, replicas, grams: null }
}

const LONE = deploymentOf('lone/m', 1)
const POOL = deploymentOf('pool/m', 8)
const MODEL: Model = {
  name: 'fast',
  deployments: [LONE, POOL],
  route: 'inOrder',
  maxOutputTokens: null,
  resilience: DEFAULT_RESILIENCE,
  createdAt: 0,
}

function boardOf(threads: number): HealthBoard {
  const memory = HealthBoard.memoryFor([MODEL])
  const boards = Array.from({ length: threads }, (_, thread) => new HealthBoard([MODEL], memory, thread))
  return boards[0]!
}

function whole(health: DeploymentHealth): (now: number) => void {
  return now => {
    const taken = health.take(now, random, NONE)
    if (taken === null) throw new Error('nothing to take')
    taken.answered(now, CONTENT)
    taken.ended('well', now, null)
  }
}

/** One whose breaker is open for longer than is measured. */
function dead(): DeploymentHealth {
  const model = {
    ...MODEL,
    resilience: { ...DEFAULT_RESILIENCE, breaker: { failures: 1, withinMs: 1_000, openMs: 1e9 } },
  }
  const health = new HealthBoard([model], HealthBoard.memoryFor([model]), 0).of(model, LONE)
  health.take(START, random, NONE)?.ended('failed', START, null)
  return health
}

const tell = (name: string, nanoseconds: number) =>
  console.log(`${name.padEnd(48)} ${nanoseconds.toFixed(0).padStart(7)} ns`)

const found = boardOf(1)
let seen = 0
tell(
  'find a deployment of a model and how it stands',
  time(now => {
    if (found.of(MODEL, LONE).standing(now).kind === 'ready') seen++
  }),
)
const open = dead()
tell(
  'how one stands whose breaker is open',
  time(now => {
    if (open.standing(now).kind === 'open') seen++
  }),
)
for (const [name, deployment] of [
  ['1 replica', LONE],
  ['8 replicas', POOL],
] as const) {
  for (const threads of [1, THREADS]) {
    const health = boardOf(threads).of(MODEL, deployment)
    tell(`take, answered and ended, ${name}, ${threads} threads`, time(whole(health)))
  }
}
const learnt = boardOf(1).of(MODEL, LONE)
whole(learnt)(START)
tell(
  'learnt time, share of failures, outstanding',
  time(now => {
    learnt.timeToFirstTokenMs(now)
    learnt.failureShare(now)
    seen += learnt.outstanding()
  }),
)
const hedges = boardOf(1).hedges(MODEL)
tell(
  'count a call and claim a hedge',
  time(() => {
    hedges.called()
    if (hedges.claim()) seen++
  }),
)
if (seen === 0) console.log('nothing was seen')
