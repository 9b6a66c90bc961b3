/** How often a lock is tried before its thread naps: some microseconds, where holding one takes a tenth of that. */
const SPINS = 500
const NAP_MS = 1
/** After so many naps without a change the owner counts as dead. */
const NAPS = 50

/**
 * A lock in memory that threads share, held for a few hundred nanoseconds and never while anything else is waited for.
 *
 * A thread can be ended while it holds one. Its lock is freed when that is told (`free`); until then whoever needs it
 * takes it over after a bounded wait, so that nobody hangs. Should the owner have been asleep rather than dead, both are
 * inside for a moment: what must hold even then is decided by a compare-and-exchange of its own.
 */
export class Lock {
  readonly #ints: Int32Array
  readonly #at: number
  readonly #token: number

  constructor(ints: Int32Array, at: number, thread: number) {
    this.#ints = ints
    this.#at = at
    this.#token = thread + 1
  }

  acquire(): void {
    for (let spins = 0; spins < SPINS; spins++) {
      if (Atomics.compareExchange(this.#ints, this.#at, 0, this.#token) === 0) return
    }
    while (!this.#acquireSlowly());
  }

  /** Leaves the lock alone when another thread took it over meanwhile. */
  release(): void {
    Atomics.compareExchange(this.#ints, this.#at, this.#token, 0)
  }

  /** Frees what a thread held that is no more. */
  free(thread: number): void {
    Atomics.compareExchange(this.#ints, this.#at, thread + 1, 0)
  }

  #acquireSlowly(): boolean {
    const owner = Atomics.load(this.#ints, this.#at)
    for (let naps = 0; naps < NAPS; naps++) {
      if (Atomics.compareExchange(this.#ints, this.#at, 0, this.#token) === 0) return true
      if (Atomics.wait(this.#ints, this.#at, owner, NAP_MS) === 'not-equal') return false
    }
    return Atomics.compareExchange(this.#ints, this.#at, owner, this.#token) === owner
  }
}
