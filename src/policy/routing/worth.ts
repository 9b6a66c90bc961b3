import type { NanoDollars } from '../../units/money.ts'
import type { Candidate } from './candidate.ts'

/**
 * What waiting and warming are worth, so that seconds, grams and dollars can be compared. These numbers decide where a
 * call goes and are never billed, so they need not be exact.
 */

/**
 * Dollars an hour that a software developer costs. Median annual wage 133,080 dollars (US Bureau of Labor Statistics,
 * May 2024), at 2,080 hours a year, where wages are 70 % of what an employer pays (Employer Costs for Employee
 * Compensation, same bureau).
 */
const DEVELOPER_DOLLARS_PER_HOUR = 133_080 / 2_080 / 0.7
/** Of calls, so many have somebody who waits for them; others are steps of agents and jobs. An assumption. */
const WATCHED_SHARE = 0.1
const MS_PER_HOUR = 3_600_000
const NANO = 1e9
export const NANO_DOLLARS_PER_MS = (DEVELOPER_DOLLARS_PER_HOUR * WATCHED_SHARE * NANO) / MS_PER_HOUR

/** Social cost of carbon: 190 dollars a tonne at 2 % discount (US EPA, Report on the Social Cost of Greenhouse Gases, 2023). */
export const NANO_DOLLARS_PER_GRAM = (190 * NANO) / 1e6

/** Learnt times differ by this part, or by so many milliseconds, without meaning anything. */
const NOISE_PART = 0.1
const NOISE_MS = 10

/** Whether a time is no longer than the best, but for noise. */
export function isAsFast(ms: number, bestMs: number): boolean {
  return ms <= bestMs * (1 + NOISE_PART) + NOISE_MS
}

/** What it is worth, in nano-dollars, to have the one instead of the other, dollars aside; what is unknown is worth nothing. */
export function worthOver(better: Candidate, worse: Candidate): number {
  const [fast, slow] = [better.option.timeToFirstTokenMs, worse.option.timeToFirstTokenMs]
  const ms = fast === null || slow === null ? 0 : slow - fast
  const grams = better.grams === null || worse.grams === null ? 0 : worse.grams - better.grams
  return ms * NANO_DOLLARS_PER_MS + grams * NANO_DOLLARS_PER_GRAM
}

/**
 * What leaving a warm prompt cache for another deployment costs: what is paid more there, as far as the cache is to
 * blame for it. Where the other one is dearer anyway, the route has accepted that.
 */
export function leavingCosts(warm: Candidate, other: Candidate): NanoDollars {
  const lost = warm.saved - other.saved
  if (warm.dollars === null || other.dollars === null) return lost
  const more = other.dollars - warm.dollars
  return more < lost ? more : lost
}
