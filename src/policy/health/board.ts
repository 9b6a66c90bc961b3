import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import { BREAKER_ROW, Breaker, freeProbe } from './breaker.ts'
import { DeploymentHealth } from './deployment.ts'
import { ESTIMATES_ROW, Estimates } from './estimates.ts'
import { HEDGES_ROW, HedgeBudget } from './hedges.ts'
import { breakerKey, HEADER, Layout, MAX_THREADS, type Place, type RowSize, type RowSizes } from './layout.ts'
import { Lock } from './lock.ts'
import { Outstanding } from './outstanding.ts'
import { REPLICA_ROW, Replica } from './replica.ts'

/** The lock stands before what it guards. */
const DEPLOYMENT_ROW: RowSize = { ints: 1 + ESTIMATES_ROW.ints, floats: ESTIMATES_ROW.floats }
const SIZES: RowSizes = { deployment: DEPLOYMENT_ROW, replica: REPLICA_ROW, breaker: BREAKER_ROW, hedges: HEDGES_ROW }

/**
 * The health of every deployment and replica: breakers, outstanding calls, what was learnt of their speed, and how many
 * rivals a model's calls may have. One board for all threads of the data plane, in memory that they share; each thread
 * reads and writes it through an instance of its own.
 */
export class HealthBoard {
  readonly #layout: Layout
  readonly #ints: Int32Array
  readonly #floats: Float64Array
  readonly #thread: number
  readonly #deployments = new WeakMap<Model, WeakMap<Deployment, DeploymentHealth>>()
  readonly #hedges = new WeakMap<Model, HedgeBudget>()

  /** Memory for a board of these models, on which nothing has happened yet. */
  static memoryFor(models: readonly Model[]): SharedArrayBuffer {
    return new SharedArrayBuffer(new Layout(models, SIZES).bytes)
  }

  /**
   * @param models the same, in the same order, in every thread
   * @param memory of `memoryFor`; one thread alone may have an ordinary buffer of that size
   * @param thread from 0 to 64: no other living thread has the same
   */
  constructor(models: readonly Model[], memory: SharedArrayBuffer | ArrayBuffer, thread: number) {
    const layout = new Layout(models, SIZES)
    if (!Number.isInteger(thread) || thread < 0 || thread >= MAX_THREADS) {
      throw new RangeError(`a board has threads 0 to ${MAX_THREADS - 1}, none numbered ${thread}`)
    }
    if (memory.byteLength !== layout.bytes) throw new RangeError('the memory was made for other models')
    this.#layout = layout
    this.#floats = new Float64Array(memory, 0, layout.floats)
    this.#ints = new Int32Array(memory, 8 * layout.floats)
    this.#thread = thread
    this.#enrol(layout.fingerprint)
  }

  /** The handle of a deployment as that model sees it; made once, found by identity. */
  of(model: Model, deployment: Deployment): DeploymentHealth {
    let handles = this.#deployments.get(model)
    if (handles === undefined) {
      handles = new WeakMap()
      this.#deployments.set(model, handles)
    }
    let handle = handles.get(deployment)
    if (handle === undefined) {
      handle = this.#handleOf(model, deployment)
      handles.set(deployment, handle)
    }
    return handle
  }

  hedges(model: Model): HedgeBudget {
    let budget = this.#hedges.get(model)
    if (budget === undefined) {
      const place = this.#layout.hedges.get(model.name)
      if (place === undefined) throw new Error(`the board has no model ${model.name}`)
      budget = new HedgeBudget(this.#ints, place)
      this.#hedges.set(model, budget)
    }
    return budget
  }

  /** A thread is no more: what it had outstanding is over, what it probed is free. Before another takes its number. */
  clearThread(thread: number): void {
    const column = this.#layout.columnOf(thread)
    for (let i = 0; i < this.#layout.columnWords; i++) Atomics.store(this.#ints, column + i, 0)
    for (const { place } of this.#layout.deployments.values()) this.#lockAt(place).free(thread)
    for (const [, places] of this.#layout.breakers) {
      for (const place of places) freeProbe(this.#ints, place, thread)
    }
  }

  #enrol(fingerprint: number): void {
    const found = Atomics.compareExchange(this.#ints, HEADER.fingerprint, 0, fingerprint)
    if (found !== 0 && found !== fingerprint) throw new RangeError('the memory is used by a board of other models')
    for (;;) {
      const threads = Atomics.load(this.#ints, HEADER.threads)
      if (threads > this.#thread) return
      Atomics.compareExchange(this.#ints, HEADER.threads, threads, this.#thread + 1)
    }
  }

  #handleOf(model: Model, deployment: Deployment): DeploymentHealth {
    const terms = model.resilience.breaker
    const row = this.#layout.deployments.get(deployment.name)
    const breakers = this.#layout.breakers.get(breakerKey(deployment.name, terms))
    if (row === undefined || breakers === undefined || breakers.length < deployment.replicas) {
      throw new Error(`the board has no deployment ${deployment.name} of model ${model.name}`)
    }
    const ints = this.#ints
    const floats = this.#floats
    const replicas = Array.from({ length: deployment.replicas }, (_, i) => {
      const { place, index } = row.replicas[i]!
      const breaker = new Breaker(ints, floats, breakers[i]!, terms)
      const outstanding = new Outstanding(ints, this.#layout, index, this.#thread)
      return new Replica({ ints, floats, place, breaker, outstanding })
    })
    const estimates = new Estimates(ints, floats, { int: row.place.int + 1, float: row.place.float })
    return new DeploymentHealth({ replicas, estimates, lock: this.#lockAt(row.place), thread: this.#thread })
  }

  #lockAt({ int }: Place): Lock {
    return new Lock(this.#ints, int, this.#thread)
  }
}

export type { DeploymentHealth } from './deployment.ts'
export type { HedgeBudget } from './hedges.ts'
export type { Standing } from './replica.ts'
export type { Answer, Taken, Verdict } from './taken.ts'
