import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { Fleet } from '../../ports/fleet.ts'
import type { Counting } from './counting.ts'
import { fleetGauges } from './fleet.ts'
import { genAiHistograms } from './gen-ai.ts'
import { healthGauges, type ReplicaHealth } from './health.ts'
import type { CallSeries } from './series.ts'
import type { Tally } from './tally.ts'

export type Labels = Readonly<Record<string, string>>
export type CountedRow = readonly [labels: Labels, value: number]
export type TalliedRow = readonly [labels: Labels, tally: Tally]

/** A histogram whose values were counted elsewhere and are read when it is scraped. */
class TalliedHistogram extends Histogram {
  readonly #described: { readonly name: string; readonly help: string; readonly type: string }
  readonly #rows: () => readonly TalliedRow[]

  constructor(name: string, help: string, registry: Registry, rows: () => readonly TalliedRow[]) {
    super({ name, help, registers: [registry] })
    this.#described = { name, help, type: 'histogram' }
    this.#rows = rows
  }

  /** What the library asks of a histogram when it writes text; its own reads the values that it counted itself. */
  async getForPromString() {
    const { name } = this.#described
    return { ...this.#described, values: this.#rows().flatMap(([labels, tally]) => valuesOf(name, labels, tally)) }
  }
}

/** The labels that a histogram's lines share are an object of their own, which the library writes once for all. */
function valuesOf(name: string, sharedLabels: Labels, { bounds, counts, sum }: Tally) {
  let count = 0
  const buckets = counts.map((counted, at) => {
    count += counted
    return { sharedLabels, labels: { le: bounds[at] ?? '+Inf' }, value: count, metricName: `${name}_bucket` }
  })
  return [
    ...buckets,
    { sharedLabels, labels: {}, value: sum, metricName: `${name}_sum` },
    { sharedLabels, labels: {}, value: count, metricName: `${name}_count` },
  ]
}

export interface Exposition {
  readonly contentType: string
  text(): Promise<string>
}

/** What `GET /metrics` shows besides what was counted of calls. */
export interface Watched {
  readonly log: { readonly droppedBytes: number }
  readonly health: () => Iterable<ReplicaHealth>
  readonly fleet: Fleet['report']
}

/** Everything that `GET /metrics` shows: what was counted, by our names and OpenTelemetry's, and the process itself. */
export function exposition(counting: Counting, { log, health, fleet }: Watched): Exposition {
  const registry = new Registry()
  callCounters(registry, counting)
  tierCounters(registry, counting)
  callHistograms(registry, counting)
  for (const { name, help, rows } of genAiHistograms(counting.series)) new TalliedHistogram(name, help, registry, rows)
  counter(
    registry,
    { name: 'penstock_log_dropped_bytes_total', help: 'Bytes of the log that nobody took in time.', labelNames: [] },
    () => [[{}, log.droppedBytes]],
  )
  healthGauges(registry, health)
  fleetGauges(registry, fleet)
  collectDefaultMetrics({ register: registry })
  return {
    contentType: registry.contentType,
    // The library misspells what is not a number, such as the mean of no measurement, and the whole scrape would be lost.
    text: async () => (await registry.metrics()).replaceAll(/ Nan$/gm, ' NaN'),
  }
}

function counter(
  registry: Registry,
  of: { name: string; help: string; labelNames: string[] },
  rows: () => Iterable<CountedRow>,
) {
  return new Counter({
    ...of,
    registers: [registry],
    collect() {
      this.reset()
      for (const [labels, value] of rows()) this.inc(labels, value)
    },
  })
}

const OF_CALL = ['model', 'deployment', 'endpoint']

function labelsOf({ model, deployment, endpoint }: CallSeries): Labels {
  return { model, deployment, endpoint }
}

function callCounters(registry: Registry, counting: Counting): void {
  const { series } = counting
  const perSeries = (name: string, help: string, read: (of: CallSeries) => number) =>
    counter(registry, { name, help, labelNames: OF_CALL }, () => series.all.map(one => [labelsOf(one), read(one)]))
  const perKind = (
    of: { readonly name: string; readonly help: string; readonly label: string },
    read: (of: CallSeries) => Readonly<Record<string, number>>,
  ) =>
    counter(registry, { name: of.name, help: of.help, labelNames: [...OF_CALL, of.label] }, () =>
      series.all.flatMap(one =>
        Object.entries(read(one))
          .filter(([, count]) => count > 0)
          .map(([kind, count]): CountedRow => [{ ...labelsOf(one), [of.label]: kind }, count]),
      ),
    )
  perKind(
    { name: 'penstock_calls_total', help: 'Calls that ended, by the deployment that decided how.', label: 'outcome' },
    one => one.calls,
  )
  perKind({ name: 'penstock_attempts_total', help: 'Attempts at upstreams.', label: 'outcome' }, one => one.attempts)
  perKind({ name: 'penstock_tokens_total', help: 'Tokens; no token counts in two types.', label: 'type' }, tokensOf)
  perSeries('penstock_dollars_total', 'Dollars of all attempts, wasted ones included.', one => dollars(one.nanoDollars))
  perKind(
    {
      name: 'penstock_wasted_dollars_total',
      help: 'Dollars of attempts that bought nothing, by how they ended.',
      label: 'outcome',
    },
    one => Object.fromEntries(Object.entries(one.wastedNanoDollars).map(([outcome, sum]) => [outcome, dollars(sum)])),
  )
  perKind(
    {
      name: 'penstock_hedges_total',
      help: 'Races between an attempt and its rival that one of them won, by the deployment that lost.',
      label: 'winner',
    },
    one => one.races,
  )
  perKind(
    {
      name: 'penstock_continuations_total',
      help: 'Attempts that went on from what another had shown before it broke off.',
      label: 'outcome',
    },
    one => one.continuations,
  )
  perSeries('penstock_unrated_attempts_total', 'Attempts whose price is unknown.', one => one.unratedAttempts)
  const refusals = {
    name: 'penstock_refusals_total',
    help: 'Calls that ended without an attempt.',
    labelNames: ['cause'],
  }
  counter(registry, refusals, () => [...counting.refusals].map(([cause, count]): CountedRow => [{ cause }, count]))
  new Gauge({
    name: 'penstock_calls_in_flight',
    help: 'Calls that have begun and not ended.',
    registers: [registry],
    collect() {
      this.set(counting.inFlight)
    },
  })
}

/** Counts of tiers, which have labels of their own. */
function tierCounters(registry: Registry, { tiers }: Counting): void {
  const spills = {
    name: 'penstock_spills_total',
    help: 'Attempts that left the queue of owned engines for a hosted deployment.',
    labelNames: ['tier', 'why'],
  }
  counter(registry, spills, () =>
    [...tiers].flatMap(([tier, { spills }]) =>
      Object.entries(spills)
        .filter(([, count]) => count > 0)
        .map(([why, count]): CountedRow => [{ tier, why }, count]),
    ),
  )
}

function tokensOf(one: CallSeries) {
  return {
    input: one.inputTokens,
    cachedInput: one.cachedInputTokens,
    cacheWrite5m: one.cacheWrite5mTokens,
    cacheWrite1h: one.cacheWrite1hTokens,
    output: one.outputTokens,
  }
}

/** For a graph, not for a bill: the ledger has the exact sums. */
function dollars(nanoDollars: bigint): number {
  return Number(nanoDollars) / 1e9
}

function callHistograms(registry: Registry, counting: Counting): void {
  const { series, tiers, gatewaySeconds, commitSeconds } = counting
  const histogram = (name: string, help: string, rows: () => readonly TalliedRow[]) =>
    new TalliedHistogram(name, help, registry, rows)
  histogram('penstock_call_duration_seconds', 'From arrival to the end of the answer.', () =>
    series.all.flatMap(one =>
      Object.entries(one.durations)
        .filter(([outcome]) => one.calls[outcome as keyof typeof one.calls] > 0)
        .map(([outcome, tally]): TalliedRow => [{ ...labelsOf(one), outcome }, tally]),
    ),
  )
  histogram('penstock_time_to_first_token_seconds', 'From arrival to the first content of a stream.', () =>
    series.all.filter(one => one.timeToFirstToken.count > 0).map(one => [labelsOf(one), one.timeToFirstToken]),
  )
  histogram('penstock_gateway_seconds', 'Time that the gateway itself took for a call.', () => [[{}, gatewaySeconds]])
  histogram('penstock_queue_seconds', 'Time that a call waited for room in limits and for a place on an engine.', () =>
    [...tiers].map(([tier, { queueSeconds }]): TalliedRow => [{ tier }, queueSeconds]),
  )
  histogram('penstock_commit_seconds', 'Time until the record of a call was on disk.', () => [[{}, commitSeconds]])
}
