import type { Report, Service, Spread } from '../twin/report.ts'
import type { ForeseeOptions } from './foreseeOptions.ts'
import type { Plan, Row } from './foreseeRuns.ts'

/** Everything that a report shows. */
export interface Foreseen {
  readonly plan: Plan
  /** At least one. */
  readonly rows: readonly Row[]
  readonly options: ForeseeOptions
  /** Of the trace, as it was given. */
  readonly path: string
}

/** Tenants that a table shows; JSON has all of them. */
const SHOWN_TENANTS = 10
/** Figures of the tables, in their order. */
const FIGURES: readonly (readonly [name: string, of: (report: Report) => string])[] = [
  ['requests', ({ requests }) => whole(requests)],
  ['completed', ({ completed }) => whole(completed)],
  ['TTFT p50', report => milliseconds(report.timeToFirstTokenMs.p50)],
  ['TTFT p99', report => milliseconds(report.timeToFirstTokenMs.p99)],
  ['TPOT p50', report => milliseconds(report.timePerOutputTokenMs.p50)],
  ['TPOT p99', report => milliseconds(report.timePerOutputTokenMs.p99)],
  ['goodput/s', report => short(report.goodputPerSecond)],
  ['output tokens/s', report => whole(report.outputTokensPerSecond)],
  ['utilisation', report => percent(report.utilisation)],
  ['KV use', report => percent(report.kvUse)],
  ['cached', report => percent(report.cachedShare)],
  ['dollars', report => Number(report.dollars).toFixed(2)],
  ['watts', report => whole(report.watts)],
]

/** Heads and cells of a table with a line for each row. */
export function comparisonOf({ rows }: Pick<Foreseen, 'rows'>): {
  readonly head: string[]
  readonly lines: string[][]
} {
  const varied = rows[0]!.variant.varied?.name
  const head = [...(varied === undefined ? [] : [varied]), 'policy', ...FIGURES.map(([name]) => name)]
  const lines = rows.map(({ variant, report }) => [
    ...(variant.varied === null ? [] : [String(variant.varied.value)]),
    variant.policy,
    ...FIGURES.map(([, of]) => of(report)),
  ])
  return { head, lines }
}

/** Figures of one report that belong to all of it. */
export function figureLines(report: Report): string[][] {
  return [
    ['virtual time', `${(report.durationMs / 1000).toFixed(1)} s`],
    ['output tokens', `${whole(report.outputTokens)} (${whole(report.outputTokensPerSecond)} a second)`],
    ['utilisation', percent(report.utilisation)],
    ['KV use', `${percent(report.kvUse)} on average, ${percent(report.mostKvUse)} at most`],
    ['cached share of input', percent(report.cachedShare)],
    ['waited in the gateway', spread(report.queueMs)],
    ['dollars', Number(report.dollars).toFixed(4)],
    ['energy', `${(report.joules / 3_600_000).toFixed(3)} kWh, ${whole(report.watts)} W on average`],
    ...Object.entries(report.unserved).map(([why, count]) => [`not served: ${why}`, whole(count)]),
  ]
}

/** All, each tier, and the tenants with the most requests. */
export function serviceLines(report: Report): string[][] {
  const tenants = Object.entries(report.perTenant)
  const most = tenants
    .sort(([oneName, one], [otherName, other]) => other.requests - one.requests || (oneName < otherName ? -1 : 1))
    .slice(0, SHOWN_TENANTS)
  const parts = (name: string, entries: [string, Service][]) =>
    entries.length > 1 ? entries.map(([part, service]) => serviceLine(`${name} ${part}`, service)) : []
  return [
    serviceLine('all', report),
    ...parts('tier', Object.entries(report.perTier)),
    ...parts('tenant', most),
    ...(tenants.length > SHOWN_TENANTS
      ? [[`${tenants.length - SHOWN_TENANTS} tenants more`, ...Array<string>(10).fill('')]]
      : []),
  ]
}

function serviceLine(name: string, service: Service): string[] {
  const { timeToFirstTokenMs: first, timePerOutputTokenMs: each } = service
  return [
    name,
    whole(service.requests),
    whole(service.completed),
    ...[first.p50, first.p90, first.p99, each.p50, each.p90, each.p99].map(milliseconds),
    short(service.goodputPerSecond),
    percent(service.cachedShare),
  ]
}

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })

function whole(value: number): string {
  return WHOLE.format(value)
}

function short(value: number): string {
  return value.toFixed(value >= 100 ? 0 : 3)
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`
}

function milliseconds(value: number | null): string {
  if (value === null) return 'none'
  if (value >= 10_000) return `${(value / 1000).toFixed(1)} s`
  return `${value >= 100 ? whole(value) : value.toFixed(1)} ms`
}

function spread({ p50, p90, p99 }: Spread): string {
  return `${milliseconds(p50)}, p90 ${milliseconds(p90)}, p99 ${milliseconds(p99)}`
}
