import { parentPort, workerData } from 'node:worker_threads'
import { HealthBoard } from './board.ts'
import { deploymentOf, modelOf, START } from './health.fixture.ts'

/** What a thread that contends with others is told. */
export interface ContenderOrders {
  readonly memory: SharedArrayBuffer
  /** Each counts itself in before a round, and begins when all have. */
  readonly gate: SharedArrayBuffer
  readonly threads: number
  readonly thread: number
  readonly rounds: number
}

/** What it found. */
export interface ContenderFound {
  /** Of each round: whether it got the probe. */
  readonly probes: readonly boolean[]
  readonly hedges: number
}

export const RACED = deploymentOf('openai/gpt', 2)
export const RACED_TERMS = { failures: 1, withinMs: 20_000, openMs: 1_000 }
export const RACED_MODEL = modelOf('fast', [RACED], RACED_TERMS)

const SPINS = 20_000

/** Waits until every thread has come so far: busily, so that all go on at one moment, but not for ever. */
function meet(gate: Int32Array, threads: number, meeting: number): void {
  Atomics.add(gate, 0, 1)
  for (let spins = 0; ; spins++) {
    const come = Atomics.load(gate, 0)
    if (come >= threads * meeting) return
    if (spins > SPINS) Atomics.wait(gate, 0, come, 1)
  }
}

/** Fails both replicas in each round and then wants the probes of both, at the same moment as the other threads. */
function contend({ memory, gate, threads, thread, rounds }: ContenderOrders): ContenderFound {
  const board = new HealthBoard([RACED_MODEL], memory, thread)
  const health = board.of(RACED_MODEL, RACED)
  const budget = board.hedges(RACED_MODEL)
  const counter = new Int32Array(gate)
  const probes: boolean[] = []
  let hedges = 0
  let meetings = 0
  for (let round = 0; round < rounds; round++) {
    const now = START + round * 100_000
    meet(counter, threads, ++meetings)
    for (let i = 0; i < 6; i++) health.take(now, () => (thread + i) / 8, [])?.ended('failed', now, null)
    meet(counter, threads, ++meetings)
    const later = now + RACED_TERMS.openMs
    const taken = [health.take(later, () => 0, []), health.take(later, () => 0, []), health.take(later, () => 0, [])]
    for (const each of taken) if (each !== null) probes.push(each.isProbe)
    for (let i = 0; i < 10; i++) {
      budget.called()
      if (budget.claim()) hedges++
    }
    meet(counter, threads, ++meetings)
    for (const each of taken) each?.ended('well', later, null)
  }
  return { probes, hedges }
}

if (parentPort !== null && workerData?.rounds !== undefined) parentPort.postMessage(contend(workerData))
