import type { DurationMs, MonotonicMs } from '../units/time.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { decidingAttempt } from '../vocabulary/record.ts'
import type { RefusalCause } from '../vocabulary/refusal.ts'

/** How a request ended; 0 while it has not. */
export const ENDINGS = ['', 'completed', 'failed', 'refused'] as const
export type Ending = (typeof ENDINGS)[number]
const COMPLETED = 1
const FAILED = 2
const REFUSED = 3

/** What became of each request, by its number. */
export class Results {
  readonly endings: Uint8Array
  /** From its arrival at the gateway to its first token; NaN where none came. */
  readonly timeToFirstTokenMs: Float64Array
  /** Of the tokens after the first; NaN where there was none. */
  readonly timePerOutputTokenMs: Float64Array
  readonly queueMs: Float64Array
  readonly inputTokens: Float64Array
  readonly cachedTokens: Float64Array
  readonly outputTokens: Float64Array
  readonly attempts: Uint8Array
  /** How many were refused or failed for which reason. */
  readonly reasons = new Map<string, number>()
  ended = 0
  /** The last completion. */
  completedAt: MonotonicMs = 0

  constructor(requests: number) {
    const floats = () => new Float64Array(requests)
    this.endings = new Uint8Array(requests)
    this.timeToFirstTokenMs = floats().fill(Number.NaN)
    this.timePerOutputTokenMs = floats().fill(Number.NaN)
    this.queueMs = floats()
    this.inputTokens = floats()
    this.cachedTokens = floats()
    this.outputTokens = floats()
    this.attempts = new Uint8Array(requests)
  }

  /** @throws Error for a request that has ended before: nothing may be counted twice */
  recorded(number: number, record: CallRecord, endedAt: MonotonicMs): void {
    const attempt = decidingAttempt(record)
    this.attempts[number] = record.attempts.length
    this.queueMs[number] = record.queueMs
    if (record.outcome !== 'completed') return this.#end(number, FAILED, attempt?.outcome ?? record.outcome)
    const { usage } = attempt!
    const outputTokens = usage!.outputTokens
    const waitedMs: DurationMs = record.timeToFirstTokenMs!
    this.timeToFirstTokenMs[number] = waitedMs
    if (outputTokens > 1) this.timePerOutputTokenMs[number] = (record.durationMs - waitedMs) / (outputTokens - 1)
    this.inputTokens[number] = usage!.inputTokens
    this.cachedTokens[number] = usage!.cachedInputTokens
    this.outputTokens[number] = outputTokens
    this.completedAt = Math.max(this.completedAt, endedAt)
    this.#end(number, COMPLETED, null)
  }

  refused(number: number, cause: RefusalCause): void {
    this.#end(number, REFUSED, cause)
  }

  isCompleted(number: number): boolean {
    return this.endings[number] === COMPLETED
  }

  #end(number: number, ending: number, reason: string | null): void {
    if (this.endings[number] !== 0) throw new Error(`request ${number} has ended before`)
    this.endings[number] = ending
    this.ended++
    if (reason !== null) this.reasons.set(reason, (this.reasons.get(reason) ?? 0) + 1)
  }
}
