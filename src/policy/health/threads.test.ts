import { Worker } from 'node:worker_threads'
import { describe, expect, it } from 'vitest'
import { HealthBoard } from './board.ts'
import { type ContenderFound, type ContenderOrders, RACED, RACED_MODEL } from './contender.fixture.ts'
import { Lock } from './lock.ts'

const THREADS = 2
const ROUNDS = 300

function run(orders: ContenderOrders): Promise<ContenderFound> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./contender.fixture.ts', import.meta.url), { workerData: orders })
    worker.once('message', resolve)
    worker.once('error', reject)
  })
}

describe('threads that share a board', () => {
  it('get one probe for each replica whose breaker has been open, and no more hedges than all their calls allow', async () => {
    const memory = HealthBoard.memoryFor([RACED_MODEL])
    const gate = new SharedArrayBuffer(4)
    const found = await Promise.all(
      Array.from({ length: THREADS }, (_, thread) => run({ memory, gate, threads: THREADS, thread, rounds: ROUNDS })),
    )
    const probes = found.flatMap(each => each.probes)
    expect(probes).toHaveLength(2 * ROUNDS)
    expect(probes.every(isProbe => isProbe)).toBe(true)
    // Both had some, or there was no race.
    for (const each of found) expect(each.probes.length).toBeGreaterThan(0)
    expect(found.reduce((sum, each) => sum + each.hedges, 0)).toBe((10 * THREADS * ROUNDS) / 20)
    expect(new HealthBoard([RACED_MODEL], memory, THREADS).of(RACED_MODEL, RACED).outstanding()).toBe(0)
  })
})

describe('a lock that a thread took with it', () => {
  it('is free again once the thread is known to be dead', () => {
    const ints = new Int32Array(new SharedArrayBuffer(4))
    const lock = new Lock(ints, 0, 0)
    new Lock(ints, 0, 1).acquire()
    lock.free(0)
    expect(ints[0]).toBe(2)
    lock.free(1)
    expect(ints[0]).toBe(0)
  })

  it('is taken over by who needs it before that, and is not freed by its old owner', () => {
    const ints = new Int32Array(new SharedArrayBuffer(4))
    const dead = new Lock(ints, 0, 1)
    dead.acquire()
    const lock = new Lock(ints, 0, 0)
    lock.acquire()
    dead.release()
    expect(ints[0]).toBe(1)
    lock.release()
    expect(ints[0]).toBe(0)
  })
})
