import { formatDollars, type NanoDollars } from '../units/money.ts'
import type { DurationMs } from '../units/time.ts'
import type { ModelledFleet, Targets } from './fleet.ts'
import type { Results } from './results.ts'
import type { Played } from './traffic.ts'
import type { WorkDone } from './work.ts'

/** Milliseconds that half, nine tenths and 99 of 100 values do not exceed; null where there is none. */
export interface Spread {
  readonly p50: number | null
  readonly p90: number | null
  readonly p99: number | null
}

/** What was given to all, to one tenant or to one tier. */
export interface Service {
  readonly requests: number
  readonly completed: number
  readonly timeToFirstTokenMs: Spread
  readonly timePerOutputTokenMs: Spread
  /** Requests within both targets, a second. */
  readonly goodputPerSecond: number
  readonly outputTokensPerSecond: number
  /** Of the input tokens of those that completed, the share that a cache had. */
  readonly cachedShare: number
}

/** What a rehearsal showed. Rates, dollars and joules run to the last completion. */
export interface Report extends Service {
  /** Refused, and failed at an engine, by their reasons. */
  readonly unserved: Readonly<Record<string, number>>
  /** From the beginning of the recording to the last completion. */
  readonly durationMs: DurationMs
  readonly queueMs: Spread
  readonly inputTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  /** Share of the replicas' time in which they computed, 0 to 1. */
  readonly utilisation: number
  /** Share of the KV caches in use over all of the time, 0 to 1; that of the fullest replica at its fullest. */
  readonly kvUse: number
  readonly mostKvUse: number
  /** The price of the replicas' time. */
  readonly dollars: string
  readonly joules: number
  readonly watts: number
  readonly perTier: Readonly<Record<string, Service>>
  readonly perTenant: Readonly<Record<string, Service>>
}

/** Significant digits that a report shows: more would only say how a float was rounded. */
const DIGITS = 8
const MS_PER_HOUR = 3_600_000

interface Within {
  readonly results: Results
  readonly targets: Targets
}

/** Makes the report of a rehearsal that has ended. @param work of every replica, in the order of the fleet */
export function reportOf(
  requests: readonly Played[],
  { fleet, work, ...within }: Within & { readonly fleet: ModelledFleet; readonly work: readonly WorkDone[] },
): Report {
  const { results } = within
  const all = requests.map(({ number }) => number)
  const replicas = fleet.upstreams.reduce((sum, { replicas }) => sum + replicas, 0)
  // The clock of a rehearsal begins at 0.
  const completedAt: number = results.completedAt
  const busyMs = sumOf(work, ({ busyMs }) => busyMs)
  const joules = sumOf(work, done => done.joules)
  return {
    ...serviceOf(all, within),
    unserved: Object.fromEntries([...results.reasons].sort(([one], [other]) => (one < other ? -1 : 1))),
    durationMs: rounded(completedAt),
    queueMs: spreadOf(all.filter(number => results.isCompleted(number)).map(number => results.queueMs[number]!)),
    inputTokens: sumOf(all, number => results.inputTokens[number]!),
    cachedTokens: sumOf(all, number => results.cachedTokens[number]!),
    outputTokens: sumOf(all, number => results.outputTokens[number]!),
    utilisation: completedAt > 0 ? rounded(Math.min(1, busyMs / (replicas * completedAt))) : 0,
    kvUse: rounded(sumOf(work, ({ kvUse }) => kvUse) / replicas),
    mostKvUse: rounded(work.reduce((most, { mostKvUse }) => Math.max(most, mostKvUse), 0)),
    dollars: formatDollars(dollarsOf(fleet, completedAt)),
    joules: rounded(joules),
    watts: completedAt > 0 ? rounded((joules * 1000) / completedAt) : 0,
    perTier: partsOf(requests, ({ tier }) => tier, within),
    perTenant: partsOf(requests, ({ tenant }) => tenant, within),
  }
}

function dollarsOf({ upstreams }: ModelledFleet, durationMs: DurationMs): NanoDollars {
  let perHour = 0n
  for (const { dollarsPerHour, replicas } of upstreams) perHour += dollarsPerHour * BigInt(replicas)
  return (perHour * BigInt(Math.round(durationMs))) / BigInt(MS_PER_HOUR)
}

/** The requests of each tenant or tier, in the order of their names. */
function partsOf(
  requests: readonly Played[],
  nameOf: (request: Played) => string,
  within: Within,
): Readonly<Record<string, Service>> {
  const parts = new Map<string, number[]>()
  for (const request of requests) {
    const name = nameOf(request)
    const part = parts.get(name)
    if (part === undefined) parts.set(name, [request.number])
    else part.push(request.number)
  }
  const sorted = [...parts].sort(([one], [other]) => (one < other ? -1 : 1))
  return Object.fromEntries(sorted.map(([name, numbers]) => [name, serviceOf(numbers, within)]))
}

function serviceOf(numbers: readonly number[], { results, targets }: Within): Service {
  const completed = numbers.filter(number => results.isCompleted(number))
  const seconds = results.completedAt / 1000
  const perSecond = (amount: number) => (seconds > 0 ? rounded(amount / seconds) : 0)
  const inputTokens = sumOf(completed, number => results.inputTokens[number]!)
  const cachedTokens = sumOf(completed, number => results.cachedTokens[number]!)
  return {
    requests: numbers.length,
    completed: completed.length,
    timeToFirstTokenMs: spreadOf(completed.map(number => results.timeToFirstTokenMs[number]!)),
    timePerOutputTokenMs: spreadOf(
      completed.map(number => results.timePerOutputTokenMs[number]!).filter(value => !Number.isNaN(value)),
    ),
    goodputPerSecond: perSecond(completed.filter(number => isGood(number, results, targets)).length),
    outputTokensPerSecond: perSecond(sumOf(completed, number => results.outputTokens[number]!)),
    cachedShare: inputTokens > 0 ? rounded(cachedTokens / inputTokens) : 0,
  }
}

/** Whether a request that completed was given what its caller is to be given. */
export function isGood(number: number, results: Results, targets: Targets): boolean {
  if (results.timeToFirstTokenMs[number]! > targets.timeToFirstTokenMs) return false
  // An answer of one token has no time per output token to miss.
  return !(results.timePerOutputTokenMs[number]! > targets.timePerOutputTokenMs)
}

function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) return { p50: null, p90: null, p99: null }
  const sorted = Float64Array.from(values).sort()
  // Nearest rank: the smallest value that so much of all is not above.
  const at = (share: number) => rounded(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!)
  return { p50: at(0.5), p90: at(0.9), p99: at(0.99) }
}

function sumOf<Item>(items: readonly Item[], amountOf: (item: Item) => number): number {
  let sum = 0
  for (const item of items) sum += amountOf(item)
  return sum
}

function rounded(value: number): number {
  return Number(value.toPrecision(DIGITS))
}
