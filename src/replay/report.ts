import { formatDollars, parseDollars } from '../units/money.ts'
import type { Ending } from './exchange.ts'

/** The usual three of a distribution. */
export interface Spread {
  readonly p50: number
  readonly p90: number
  readonly p99: number
}

/** What a replay found. Spreads are null when nothing was measured. */
export interface ReplayReport {
  /** Of the trace, within its limits. */
  readonly requests: number
  readonly completed: number
  readonly failed: number
  /** Not sent, since as many as allowed were under way. */
  readonly shed: number
  /** Not sent, since the replay was stopped. */
  readonly unsent: number
  /** Sent with a shorter prompt or a smaller maximum than recorded. */
  readonly shortened: number
  /** How many failed for which reason: an HTTP status, `unreachable`, `cut`, `errorInStream`, `timedOut`, `stopped`. */
  readonly failures: Readonly<Record<string, number>>
  /** One message for each reason. */
  readonly messages: Readonly<Record<string, string>>
  /** From the beginning to the last ending. */
  readonly durationMs: number
  readonly timeToFirstTokenMs: Spread | null
  readonly timePerOutputTokenMs: Spread | null
  readonly endToEndMs: Spread | null
  /** How late requests left this generator. Large next to the times above: they are those of a busy generator. */
  readonly latenessMs: (Spread & { readonly most: number }) | null
  readonly mostInFlight: number
  /** As the answers reported it. */
  readonly inputTokens: number
  readonly cachedInputTokens: number
  readonly outputTokens: number
  readonly inputTokensPerSecond: number
  readonly outputTokensPerSecond: number
  readonly requestsPerSecond: number
  /** Of the reported input, 0 to 1; null when no input was reported. */
  readonly cachedShare: number | null
  /** Sum over the calls that told theirs; null when none did. */
  readonly dollars: string | null
  /** Completed calls whose price is not known. */
  readonly unrated: number
}

function spread(values: number[]): Spread | null {
  if (values.length === 0) return null
  const sorted = Float64Array.from(values).sort()
  // Nearest rank: the smallest value that so much of all is not above.
  const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

/** Gathers endings and makes the report of them. */
export class Tally {
  readonly #timeToFirstToken: number[] = []
  readonly #timePerOutputToken: number[] = []
  readonly #endToEnd: number[] = []
  readonly #lateness: number[] = []
  readonly #failures = new Map<string, number>()
  readonly #messages = new Map<string, string>()
  #dollars: bigint | null = null
  #unrated = 0
  #inputTokens = 0
  #cachedTokens = 0
  #outputTokens = 0
  #shortened = 0
  #mostInFlight = 0
  completed = 0
  failed = 0
  shed = 0

  started(latenessMs: number, shortened: boolean, inFlight: number): void {
    this.#lateness.push(latenessMs)
    if (shortened) this.#shortened++
    this.#mostInFlight = Math.max(this.#mostInFlight, inFlight)
  }

  ended(ending: Ending): void {
    if (ending.kind === 'failed') {
      this.failed++
      this.#failures.set(ending.why, (this.#failures.get(ending.why) ?? 0) + 1)
      if (!this.#messages.has(ending.why)) this.#messages.set(ending.why, ending.message)
      return
    }
    const { heard, startedMs, endedMs } = ending
    this.completed++
    this.#endToEnd.push(endedMs - startedMs)
    if (heard.firstContentMs !== null) this.#timeToFirstToken.push(heard.firstContentMs - startedMs)
    const outputTokens = heard.outputTokens ?? 0
    if (outputTokens > 1 && heard.firstContentMs !== null) {
      this.#timePerOutputToken.push((heard.lastContentMs! - heard.firstContentMs) / (outputTokens - 1))
    }
    this.#inputTokens += heard.inputTokens ?? 0
    this.#cachedTokens += heard.cachedTokens
    this.#outputTokens += outputTokens
    const dollars = typeof heard.dollars === 'string' ? parseDollars(heard.dollars) : null
    if (dollars !== null) this.#dollars = (this.#dollars ?? 0n) + dollars
    else if (heard.dollars !== undefined) this.#unrated++
  }

  report(requests: number, durationMs: number): ReplayReport {
    const seconds = durationMs / 1000
    const perSecond = (amount: number) => (seconds > 0 ? amount / seconds : 0)
    const lateness = spread(this.#lateness)
    return {
      requests,
      completed: this.completed,
      failed: this.failed,
      shed: this.shed,
      unsent: requests - this.completed - this.failed - this.shed,
      shortened: this.#shortened,
      failures: Object.fromEntries([...this.#failures].sort(([a], [b]) => (a < b ? -1 : 1))),
      messages: Object.fromEntries([...this.#messages].sort(([a], [b]) => (a < b ? -1 : 1))),
      durationMs,
      timeToFirstTokenMs: spread(this.#timeToFirstToken),
      timePerOutputTokenMs: spread(this.#timePerOutputToken),
      endToEndMs: spread(this.#endToEnd),
      latenessMs: lateness && { ...lateness, most: this.#lateness.reduce((a, b) => Math.max(a, b), 0) },
      mostInFlight: this.#mostInFlight,
      inputTokens: this.#inputTokens,
      cachedInputTokens: this.#cachedTokens,
      outputTokens: this.#outputTokens,
      inputTokensPerSecond: perSecond(this.#inputTokens),
      outputTokensPerSecond: perSecond(this.#outputTokens),
      requestsPerSecond: perSecond(this.completed),
      cachedShare: this.#inputTokens > 0 ? this.#cachedTokens / this.#inputTokens : null,
      dollars: this.#dollars === null ? null : formatDollars(this.#dollars),
      unrated: this.#unrated,
    }
  }
}
