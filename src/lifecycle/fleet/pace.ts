import type { DurationMs, EpochMs } from '../../units/time.ts'

const SLOTS = 10
const SLOT_MS: DurationMs = 1_000

/** How many places came free at a pool over the last ten seconds, and how much work their calls had been. */
export class Pace {
  readonly #freed = new Float64Array(SLOTS)
  readonly #work = new Float64Array(SLOTS)
  #slot = -1
  #firstSlot = -1

  freed(work: number, now: EpochMs): void {
    this.#moveTo(now)
    const at = this.#slot % SLOTS
    this.#freed[at]! += 1
    this.#work[at]! += work
  }

  /** @returns `overMs` is how far back it looks, less where less is known */
  of(now: EpochMs): { readonly freed: number; readonly work: number; readonly overMs: DurationMs } {
    this.#moveTo(now)
    let freed = 0
    let work = 0
    for (let i = 0; i < SLOTS; i++) {
      freed += this.#freed[i]!
      work += this.#work[i]!
    }
    const seconds = Math.min(SLOTS, this.#slot - this.#firstSlot + 1)
    return { freed, work, overMs: seconds * SLOT_MS }
  }

  #moveTo(now: EpochMs): void {
    const slot = Math.floor(now / SLOT_MS)
    // A clock that was put back goes on in the slot that there is.
    if (this.#slot < 0) {
      this.#slot = slot
      this.#firstSlot = slot
    }
    for (let left = Math.min(SLOTS, slot - this.#slot); left > 0; left--) {
      const at = (slot - left + 1) % SLOTS
      this.#freed[at] = 0
      this.#work[at] = 0
    }
    if (slot > this.#slot) this.#slot = slot
  }
}
