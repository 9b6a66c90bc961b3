import type { DurationMs, MonotonicMs } from '../../units/time.ts'

/** A slot that was left is not given to another so soon, where another is free: what is known of its replica would be taken for the new one's. */
export const SLOT_REST_MS: DurationMs = 60_000

interface Slot {
  key: string
  /** Null while it is held. */
  leftAt: MonotonicMs | null
}

/** The numbers of the replicas of one upstream, and who has them. */
export class Slots {
  readonly #most: number
  readonly #slots: Slot[] = []

  /** @param most how many there are at most */
  constructor(most: number) {
    this.#most = most
  }

  /**
   * The slot that it had before, if that is still free; else the first that was never taken or has rested; else the one that
   * was left first.
   *
   * @returns null where all are taken
   */
  take(key: string, now: MonotonicMs): number | null {
    const slot = this.#find(key, now)
    if (slot !== null) this.#slots[slot] = { key, leftAt: null }
    return slot
  }

  leave(slot: number, now: MonotonicMs): void {
    this.#slots[slot]!.leftAt = now
  }

  /** Gives a held slot to another that is the same replica. */
  rename(slot: number, key: string): void {
    this.#slots[slot] = { key, leftAt: null }
  }

  #find(key: string, now: MonotonicMs): number | null {
    const own = this.#slots.findIndex(slot => slot.leftAt !== null && slot.key === key)
    if (own >= 0) return own
    const rested = this.#slots.findIndex(({ leftAt }) => leftAt !== null && now - leftAt >= SLOT_REST_MS)
    if (rested >= 0) return rested
    if (this.#slots.length < this.#most) return this.#slots.length
    let first: number | null = null
    for (const [at, { leftAt }] of this.#slots.entries()) {
      if (leftAt !== null && (first === null || leftAt < this.#slots[first]!.leftAt!)) first = at
    }
    return first
  }
}
