import type { EpochMs } from '../../units/time.ts'

/** Names and values in turn, names in lower case. */
type Headers = readonly string[]

function headerValue(headers: Headers, name: string): string | null {
  for (let i = 0; i + 1 < headers.length; i += 2) if (headers[i] === name) return headers[i + 1]!.trim()
  return null
}

/** Digits with at most one point between them: what `Number` takes besides is no duration. */
const DECIMAL = /^\d{1,12}(\.\d{1,9})?$/

/** Dates of HTTP begin with the day of the week, in whichever of their three forms. */
const STARTS_WITH_DAY = /^[A-Za-z]{3,9},? /

/**
 * When an upstream that refused may be asked again, by its own word: `retry-after-ms` (milliseconds) before `retry-after`
 * (seconds, or a date of HTTP).
 *
 * @param now what durations count from
 * @param parseDate the milliseconds since 1970 of a date, NaN for what is none
 * @returns null when it said nothing that can be read
 * Source: RFC 9110, section 10.2.3; `retry-after-ms` as the clients of OpenAI and Anthropic read it.
 */
export function quietUntil(headers: Headers, now: EpochMs, parseDate: (text: string) => number): EpochMs | null {
  const inMilliseconds = headerValue(headers, 'retry-after-ms')
  if (inMilliseconds !== null && DECIMAL.test(inMilliseconds)) return now + Number(inMilliseconds)
  const told = headerValue(headers, 'retry-after')
  if (told === null) return null
  if (DECIMAL.test(told)) return now + Number(told) * 1_000
  if (!STARTS_WITH_DAY.test(told)) return null
  const date = parseDate(told)
  return Number.isNaN(date) ? null : Math.max(now, date)
}

/** Whether an upstream said that asking again can't help, as the clients of OpenAI and Anthropic read it. */
export function forbidsRetry(headers: Headers): boolean {
  return headerValue(headers, 'x-should-retry') === 'false'
}
