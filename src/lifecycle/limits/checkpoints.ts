import type { LimitBook } from '../../policy/limits/book.ts'
import type { Cancel, Clock } from '../../ports/clock.ts'
import type { LimitStore } from '../../ports/ledger.ts'
import type { DurationMs } from '../../units/time.ts'
import type { Balance } from '../../vocabulary/limit.ts'
import type { NumberedUses } from './uses.ts'

/** Between two checkpoints: so many seconds of uses are counted again at a start after a crash. */
const INTERVAL_MS: DurationMs = 5_000
/** Members of `each:` limits that are looked at with each checkpoint, of each limit, whether they can be forgotten. */
const SWEEP_STEPS = 2_000

interface Parts {
  readonly book: LimitBook
  readonly uses: NumberedUses
  readonly store: Pick<LimitStore, 'checkpoint'>
  readonly clock: Clock
}

/** Writes the balances that changed, now and then, so that the uses which they cover can be forgotten. */
export class Checkpoints {
  readonly #parts: Parts
  /** Balances of a checkpoint that failed: still true where nothing was used since. */
  readonly #owed = new Map<string, Balance>()
  #cancel: Cancel | null = null
  #last = 0
  #isClosed = false

  constructor(parts: Parts) {
    this.#parts = parts
    this.#plan()
  }

  #plan(): void {
    if (this.#isClosed) return
    this.#cancel = this.#parts.clock.after(INTERVAL_MS, () => {
      void this.#take().then(() => this.#plan())
    })
  }

  /** Never throws: what could not be written stays owed, and its uses stay in the store. */
  async #take(): Promise<void> {
    const { book, uses, store, clock } = this.#parts
    const now = clock.now()
    book.sweep(now, SWEEP_STEPS)
    for (const balance of book.changes()) this.#owed.set(`${balance.limit}\n${balance.member}`, balance)
    const upTo = uses.last
    if (this.#owed.size === 0 && upTo === this.#last) return
    const balances = [...this.#owed.values()]
    this.#owed.clear()
    try {
      await store.checkpoint(balances, upTo, now)
      this.#last = upTo
    } catch {
      // The disk's fault reaches callers through their own records.
      for (const balance of balances) {
        const name = `${balance.limit}\n${balance.member}`
        if (!this.#owed.has(name)) this.#owed.set(name, balance)
      }
    }
  }

  /** Takes a last one, so that the next start has nothing to count again. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#cancel?.()
    await this.#take()
  }
}
