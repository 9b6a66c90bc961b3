import { type DurationMs, type EpochMs, formatTime } from '../../units/time.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { type LimitUnit, type LimitView, showQuantity } from '../../vocabulary/limit.ts'

/** What a dialect calls that which a limit counts; null where it has no word for it. */
type UnitNames = Readonly<Record<LimitUnit, string | null>>

/** OpenAI tells no kinds of tokens apart. Neither dialect knows money; its name follows theirs. */
const OPENAI_UNITS: UnitNames = {
  requests: 'requests',
  tokens: 'tokens',
  inputTokens: 'tokens',
  outputTokens: 'tokens',
  dollars: 'dollars',
  concurrency: null,
}
const ANTHROPIC_UNITS: UnitNames = { ...OPENAI_UNITS, inputTokens: 'input-tokens', outputTokens: 'output-tokens' }

/**
 * How much room a limit has, in the headers in which the dialect's own servers say it.
 *
 * @returns names and values in turn; none for calls at once, and no reset where nothing has to come back
 */
export function rateLimitHeaders(dialect: DialectName, view: LimitView, now: EpochMs): string[] {
  const { unit, amount, left, resetsAt } = view
  const name = (dialect === 'openai' ? OPENAI_UNITS : ANTHROPIC_UNITS)[unit]
  if (name === null) return []
  const header = (part: string) =>
    dialect === 'openai' ? `x-ratelimit-${part}-${name}` : `anthropic-ratelimit-${name}-${part}`
  const show = (quantity: number) => showQuantity(unit, quantity).toString()
  const headers = [header('limit'), show(amount), header('remaining'), show(left)]
  if (resetsAt === null) return headers
  headers.push(header('reset'), dialect === 'openai' ? durationText(resetsAt - now) : formatTime(resetsAt))
  return headers
}

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** A duration as OpenAI writes it: `250ms`, `6s`, `1m30s`, `2h0m5s`. Rounded up, lest somebody come too early. */
function durationText(duration: DurationMs): string {
  if (duration <= 0) return '0s'
  if (duration < SECOND_MS) return `${Math.ceil(duration)}ms`
  const whole = Math.ceil(duration / SECOND_MS) * SECOND_MS
  const seconds = `${(whole % MINUTE_MS) / SECOND_MS}s`
  if (whole < MINUTE_MS) return seconds
  const minutes = `${Math.floor((whole % HOUR_MS) / MINUTE_MS)}m${seconds}`
  return whole < HOUR_MS ? minutes : `${Math.floor(whole / HOUR_MS)}h${minutes}`
}
