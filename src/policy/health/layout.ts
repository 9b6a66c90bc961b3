import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import type { BreakerTerms } from '../../vocabulary/resilience.ts'

/** Threads that may share a board: each has a column of its own in the counts of outstanding calls. */
export const MAX_THREADS = 65

/** How many numbers of each kind one row takes. */
export interface RowSize {
  readonly ints: number
  readonly floats: number
}

/** Where a row begins in each of the two views of the memory. */
export interface Place {
  readonly int: number
  readonly float: number
}

export interface RowSizes {
  readonly deployment: RowSize
  readonly replica: RowSize
  readonly breaker: RowSize
  readonly hedges: RowSize
}

/** What all models that share a deployment share of it: what was learnt, what is outstanding, until when it is quiet. */
export interface DeploymentPlace {
  readonly place: Place
  readonly replicas: ReplicaPlace[]
}

export interface ReplicaPlace {
  readonly place: Place
  /** Which of all replicas it is: its place in each thread's column. */
  readonly index: number
}

/** Places at the beginning of the memory, as 32-bit integers. */
export const HEADER = { threads: 0, fingerprint: 1, words: 2 } as const

/** Integers of a cache line, so that two threads' columns never share one. */
const LINE = 16

/**
 * Where everything lies, reckoned from the models alone: threads that have the same models find the same places. Times
 * are 64-bit floats, read and written under the lock of their deployment; everything else are 32-bit integers.
 */
export class Layout {
  readonly deployments = new Map<string, DeploymentPlace>()
  /** By `breakerKey`; one for each replica. */
  readonly breakers = new Map<string, Place[]>()
  /** By the model's name. */
  readonly hedges = new Map<string, Place>()
  #replicas = 0
  #ints: number = HEADER.words
  #floats = 0

  constructor(models: readonly Model[], sizes: RowSizes) {
    for (const { name, deployments, resilience } of models) {
      if (!this.hedges.has(name)) this.hedges.set(name, this.#row(sizes.hedges))
      for (const deployment of deployments) this.#add(deployment, resilience.breaker, sizes)
    }
  }

  /** Of the memory, in bytes: floats first, then integers, then a column for each thread. */
  get bytes(): number {
    return 8 * this.#floats + 4 * (this.#firstColumn + MAX_THREADS * this.columnWords)
  }

  get floats(): number {
    return this.#floats
  }

  /** Integers from one thread's column to the next one's. */
  get columnWords(): number {
    return Math.ceil(this.#replicas / LINE) * LINE
  }

  /** Where in the integers a thread's column begins. */
  columnOf(thread: number): number {
    return this.#firstColumn + thread * this.columnWords
  }

  /** Differs, but for rare chance, where the places differ or mean something else; never 0. */
  get fingerprint(): number {
    let hash = 0x811c9dc5
    for (const key of [...this.hedges.keys(), ...this.breakers.keys(), String(this.bytes)]) {
      for (let i = 0; i < key.length; i++) hash = Math.imul(hash ^ key.charCodeAt(i), 0x01000193)
      hash = Math.imul(hash ^ 0x1f, 0x01000193)
    }
    return hash | 1
  }

  get #firstColumn(): number {
    return Math.ceil(this.#ints / LINE) * LINE
  }

  #add(deployment: Deployment, terms: BreakerTerms, sizes: RowSizes): void {
    let found = this.deployments.get(deployment.name)
    if (found === undefined) {
      found = { place: this.#row(sizes.deployment), replicas: [] }
      this.deployments.set(deployment.name, found)
    }
    while (found.replicas.length < deployment.replicas) {
      found.replicas.push({ place: this.#row(sizes.replica), index: this.#replicas++ })
    }
    const key = breakerKey(deployment.name, terms)
    const breakers = this.breakers.get(key) ?? []
    while (breakers.length < deployment.replicas) breakers.push(this.#row(sizes.breaker))
    this.breakers.set(key, breakers)
  }

  #row({ ints, floats }: RowSize): Place {
    const place = { int: this.#ints, float: this.#floats }
    this.#ints += ints
    this.#floats += floats
    return place
  }
}

/** Models that share a deployment share its breakers where they have equal terms. */
export function breakerKey(deployment: string, { failures, withinMs, openMs }: BreakerTerms): string {
  return `${deployment} ${failures} ${withinMs} ${openMs}`
}
