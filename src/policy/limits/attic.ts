import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'

/** A run without a call for so long is over: its name may come again, with all its room. At most twice so long is it remembered. */
export const RUN_MEMORY_MS: DurationMs = 86_400_000
/** Of one limit. When so many have come in less than a day, the oldest are forgotten early: memory is bounded first. */
export const MAX_RUNS_A_GENERATION = 1_000_000

/** What is left of a run at rest. */
export interface Resting {
  readonly used: Quantity
  /** Null where the limit says the amount. */
  readonly budget: Quantity | null
}

/**
 * Runs at rest whose use never resets, in as little memory as will do: a name and a number. Two generations, the elder
 * forgotten as a whole, so that no run needs a time of its own.
 */
export class Attic {
  #young = new Map<string, Quantity | Resting>()
  #old = new Map<string, Quantity | Resting>()
  #turnedAt: EpochMs

  constructor(now: EpochMs) {
    this.#turnedAt = now
  }

  put(name: string, { used, budget }: Resting, now: EpochMs): void {
    if (now - this.#turnedAt >= RUN_MEMORY_MS || this.#young.size >= MAX_RUNS_A_GENERATION) {
      this.#old = this.#young
      this.#young = new Map()
      this.#turnedAt = now
    }
    this.#old.delete(name)
    this.#young.set(name, budget === null ? used : { used, budget })
  }

  peek(name: string): Resting | null {
    const found = this.#young.get(name) ?? this.#old.get(name)
    if (found === undefined) return null
    return typeof found === 'number' ? { used: found, budget: null } : found
  }

  take(name: string): Resting | null {
    const found = this.peek(name)
    if (found !== null && !this.#young.delete(name)) this.#old.delete(name)
    return found
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  *entries(): Generator<readonly [name: string, resting: Resting, since: EpochMs]> {
    for (const name of this.#old.keys()) yield [name, this.peek(name)!, this.#turnedAt - RUN_MEMORY_MS]
    for (const name of this.#young.keys()) yield [name, this.peek(name)!, this.#turnedAt]
  }
}
