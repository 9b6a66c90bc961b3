import type { Cancel, Clock } from '../ports/clock.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'

/** A deadline further away is none: no call lasts that long. */
const LONGEST_MS: DurationMs = 86_400_000

/** The bounds on a call as a whole: its model's total, the caller's deadline for its start, and the drain of one whose caller left. */
export class Times {
  readonly #clock: Clock
  readonly #timeUp: (isCallers: boolean) => void
  #totalAt: EpochMs | null = null
  #deadlineAt: EpochMs | null = null
  #cancelTotal: Cancel | null = null
  #cancelDeadline: Cancel | null = null
  #cancelDrain: Cancel | null = null

  /** @param timeUp told whether it is the caller's bound that was reached */
  constructor(clock: Clock, timeUp: (isCallers: boolean) => void) {
    this.#clock = clock
    this.#timeUp = timeUp
  }

  /** @param deadlineAt when the answer has to have begun; null for no such bound */
  begin(totalMs: DurationMs | null, deadlineAt: EpochMs | null): void {
    const now = this.#clock.now()
    if (totalMs !== null) this.#boundTotal(now + totalMs)
    if (deadlineAt === null) return
    const left = Math.max(0, deadlineAt - now)
    if (left > LONGEST_MS) return
    this.#deadlineAt = deadlineAt
    this.#cancelDeadline = this.#clock.after(left, () => this.#timeUp(true))
  }

  /** The call waited for a place on an engine, which has bounds of its own: its total does not count that. */
  waited(ms: DurationMs): void {
    if (this.#totalAt !== null && ms > 0) this.#boundTotal(this.#totalAt + ms)
  }

  #boundTotal(at: EpochMs): void {
    this.#cancelTotal?.()
    this.#totalAt = at
    this.#cancelTotal = this.#clock.after(Math.max(0, at - this.#clock.now()), () => this.#timeUp(false))
  }

  /** When the call has to be over, as far as is known now; null for never. */
  get endsAt(): EpochMs | null {
    if (this.#totalAt === null || this.#deadlineAt === null) return this.#totalAt ?? this.#deadlineAt
    return Math.min(this.#totalAt, this.#deadlineAt)
  }

  /** Whether the call had to be over by now. */
  get isUp(): boolean {
    return this.endsAt !== null && this.#clock.now() >= this.endsAt
  }

  /** Something is shown: a deadline is for that. */
  answerBegan(): void {
    this.#cancelDeadline?.()
    this.#cancelDeadline = null
    this.#deadlineAt = null
  }

  drain(ms: DurationMs, ended: () => void): void {
    this.#cancelDrain = this.#clock.after(ms, ended)
  }

  end(): void {
    this.answerBegan()
    this.#cancelTotal?.()
    this.#cancelDrain?.()
    this.#cancelTotal = null
    this.#cancelDrain = null
  }
}
