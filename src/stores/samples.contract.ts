import fc from 'fast-check'
import type { UsageDimension, UsageQuery, UsageReport, UsageSums } from '../ports/ledger.ts'
import { ENDPOINTS } from '../vocabulary/dialect.ts'
import { callIdToInteger, encodeCallId, ID_EPOCH_MS } from '../vocabulary/id.ts'
import { ATTEMPT_OUTCOMES, CALL_OUTCOMES } from '../vocabulary/outcome.ts'
import type { AttemptRecord, CallRecord } from '../vocabulary/record.ts'
import { ROUTES, type RouteRecord } from '../vocabulary/route.ts'
import type { PlacementRecord, SpillRecord } from '../vocabulary/scheduling.ts'

/** The first day of the samples, at midnight UTC. */
export const FIRST_DAY = Date.parse('2026-03-02T00:00:00Z')
export const DAY_MS = 86_400_000

/** A plain completed call, this many milliseconds after FIRST_DAY; parts of it may be replaced. */
export function plainCall(offsetMs: number, changes: Partial<CallRecord> = {}): CallRecord {
  const at = FIRST_DAY + offsetMs
  const attempt = plainAttempt({ startedAt: at + 1 })
  return {
    id: encodeCallId(at - ID_EPOCH_MS, 0),
    at,
    model: 'fast',
    dialect: 'openai',
    endpoint: 'chat/completions',
    caller: { key: 'ci', team: 'search', user: 'ana', tags: { project: 'atlas' }, run: null },
    outcome: 'completed',
    status: 200,
    streamed: true,
    heldDollars: 4_100_000n,
    dollars: attempt.dollars,
    durationMs: 812.4,
    timeToFirstTokenMs: 190.2,
    limited: false,
    overrunDollars: null,
    downgradedTo: null,
    tier: 'standard',
    queueMs: 0,
    attempts: [attempt],
    ...changes,
  }
}

/** The same of a call that waited, was placed on an owned engine and left it for a hosted deployment. */
export function placedCall(offsetMs: number): CallRecord {
  const startedAt = FIRST_DAY + offsetMs + 1
  const spill = {
    why: 'target',
    expectedMs: 9_000,
    targetMs: 1_000,
    harmDollars: 10_000_000n,
    moreDollars: 1_500n,
  } as const
  return plainCall(offsetMs, {
    tier: offsetMs % 2 === 0 ? 'interactive' : 'batch',
    queueMs: offsetMs % 7,
    attempts: [
      plainAttempt({ startedAt, replica: 1, placement: { expectedCachedTokens: offsetMs % 1_000, spill: null } }),
      plainAttempt({ startedAt, placement: { expectedCachedTokens: null, spill } }),
    ],
  })
}

export function plainAttempt(changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    deployment: 'openai/gpt-5-mini',
    outcome: 'completed',
    status: 200,
    startedAt: FIRST_DAY,
    durationMs: 801,
    timeToFirstTokenMs: 188,
    usage: {
      inputTokens: 1_200,
      cachedInputTokens: 1_024,
      cacheWrite5mTokens: 0,
      cacheWrite1hTokens: 0,
      outputTokens: 300,
      reasoningTokens: 128,
      source: 'reported',
    },
    rate: { perMillion: { input: '0.25', cachedInput: '0.025', output: '2' }, priceBook: 'genai-prices 0.1.8' },
    dollars: 1_200_000n,
    replica: null,
    route: null,
    placement: null,
    ...changes,
  }
}

/** A choice among three deployments. */
export function plainRoute(changes: Partial<RouteRecord> = {}): RouteRecord {
  return {
    by: 'cheapest',
    candidates: [
      { deployment: 'openai/gpt-5-mini', score: 1_200_000, dollars: 1_200_000n },
      { deployment: 'pool/llama', score: 1_500_000, dollars: 1_500_000n },
      { deployment: 'other/llama', score: null, dollars: null },
    ],
    passedOver: [{ deployment: 'old/llama', why: 'its breaker is open' }],
    ...changes,
  }
}

const tokens = fc.oneof(fc.constant(0), fc.nat({ max: 2_000_000 }), fc.nat({ max: 2 ** 40 }))
const durations = fc.double({ min: 0, max: 3_600_000, noNaN: true })
const dollars = fc.bigInt({ min: 0n, max: 10n ** 15n })
const texts = fc.oneof(fc.constantFrom('a', 'b', 'c'), fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }))
const specials = fc.record(
  {
    inputAudioTokens: tokens,
    outputImageTokens: tokens,
    webSearches: fc.nat({ max: 9 }),
    serviceTier: fc.constantFrom('default', 'flex', 'priority'),
    inferenceGeo: fc.constantFrom('us', 'global'),
  },
  { requiredKeys: [] },
)
const usages = fc.record(
  {
    inputTokens: tokens,
    cachedInputTokens: tokens,
    cacheWrite5mTokens: tokens,
    cacheWrite1hTokens: tokens,
    outputTokens: tokens,
    reasoningTokens: tokens,
    source: fc.constantFrom('reported' as const, 'estimated' as const),
    special: specials,
  },
  {
    requiredKeys: [
      'inputTokens',
      'cachedInputTokens',
      'cacheWrite5mTokens',
      'cacheWrite1hTokens',
      'outputTokens',
      'reasoningTokens',
      'source',
    ],
  },
)
const rates = fc.record({
  perMillion: fc.dictionary(fc.constantFrom('input', 'output', 'webSearch'), fc.constantFrom('0.25', '2', '10.125')),
  priceBook: fc.constantFrom('book one', 'book two, 2026-09-23'),
})
const scores = fc.oneof(
  fc.nat({ max: 1_000 }),
  fc.double({ min: 1e-9, max: 1e12, noNaN: true }),
  fc.double({ min: -1e12, max: -1e-9, noNaN: true }),
)
const routes: fc.Arbitrary<RouteRecord> = fc.record({
  by: fc.constantFrom(...ROUTES),
  candidates: fc.array(
    fc.record({
      deployment: fc.constantFrom('openai/gpt-5-mini', 'pool/llama', 'never/asked'),
      score: fc.option(scores),
      dollars: fc.option(dollars),
    }),
    { maxLength: 4 },
  ),
  passedOver: fc.array(
    fc.record({
      deployment: fc.constantFrom('pool/ünïcode', 'never/asked'),
      why: fc.oneof(fc.constantFrom('its breaker is open', 'überlastet bis 12:30'), texts),
    }),
    { maxLength: 3 },
  ),
})
const spills: fc.Arbitrary<SpillRecord> = fc.record({
  why: fc.constantFrom('target' as const, 'full' as const),
  expectedMs: fc.option(durations),
  targetMs: fc.option(durations),
  harmDollars: fc.option(dollars),
  // The hosted deployment may be the cheaper one.
  moreDollars: fc.option(fc.bigInt({ min: -(10n ** 12n), max: 10n ** 15n })),
})
const placements: fc.Arbitrary<PlacementRecord> = fc.record({
  expectedCachedTokens: fc.option(tokens),
  spill: fc.option(spills),
})
const attempts: fc.Arbitrary<AttemptRecord> = fc.record({
  deployment: fc.constantFrom('openai/gpt-5-mini', 'pool/llama', 'pool/ünïcode'),
  outcome: fc.constantFrom(...ATTEMPT_OUTCOMES),
  status: fc.option(fc.integer({ min: 100, max: 599 })),
  startedAt: fc.integer({ min: FIRST_DAY - DAY_MS, max: FIRST_DAY + 4 * DAY_MS }),
  durationMs: durations,
  timeToFirstTokenMs: fc.option(durations),
  usage: fc.option(usages),
  rate: fc.option(rates),
  dollars: fc.option(dollars),
  replica: fc.option(fc.nat({ max: 9 })),
  placement: fc.option(placements, { freq: 2 }),
  route: fc.option(routes, { freq: 2 }),
})

/** Records of every kind, over three days; ids are those of their time and place, so that no two are the same. */
export const records: fc.Arbitrary<readonly CallRecord[]> = fc
  .array(
    fc.record({
      offsetMs: fc.integer({ min: 0, max: 3 * DAY_MS - 1 }),
      clockSetBackMs: fc.oneof(fc.constant(0), fc.nat({ max: 10_000 })),
      record: fc.record({
        model: texts,
        dialect: fc.constantFrom('openai' as const, 'anthropic' as const),
        endpoint: fc.constantFrom(...ENDPOINTS),
        caller: fc.record({
          key: fc.constantFrom('ci', 'web', 'batch'),
          team: fc.option(fc.constantFrom('search', 'ads')),
          user: fc.option(texts),
          tags: fc.dictionary(fc.constantFrom('project', 'feature', 'a"b', '__x'), texts, { maxKeys: 3 }),
          run: fc.option(texts),
        }),
        outcome: fc.constantFrom(...CALL_OUTCOMES),
        status: fc.integer({ min: 100, max: 599 }),
        streamed: fc.boolean(),
        heldDollars: fc.option(dollars),
        dollars: fc.option(dollars),
        durationMs: durations,
        timeToFirstTokenMs: fc.option(durations),
        limited: fc.boolean(),
        overrunDollars: fc.option(dollars),
        downgradedTo: fc.option(texts),
        tier: fc.option(fc.oneof(fc.constantFrom('interactive', 'batch'), texts)),
        queueMs: fc.oneof(fc.constant(0), durations),
        attempts: fc.array(attempts, { maxLength: 4 }),
      }),
    }),
    { minLength: 1, maxLength: 25 },
  )
  .map(all =>
    all.map(({ offsetMs, clockSetBackMs, record }, place) => ({
      id: encodeCallId(FIRST_DAY - ID_EPOCH_MS + offsetMs, place),
      at: FIRST_DAY + offsetMs - clockSetBackMs,
      ...record,
    })),
  )

/** What a ledger gives back: lengths of time are whole microseconds, scores have six digits, a placement that says nothing is none. */
export function asKept(record: CallRecord): CallRecord {
  const kept = <T extends CallRecord | AttemptRecord>(part: T): T => ({
    ...part,
    durationMs: keptMs(part.durationMs),
    timeToFirstTokenMs: keptMs(part.timeToFirstTokenMs),
  })
  const attempts = record.attempts.map(attempt => ({
    ...kept(attempt),
    route: keptRoute(attempt.route),
    placement: keptPlacement(attempt.placement),
  }))
  return { ...kept(record), queueMs: keptMs(record.queueMs), attempts }
}

function keptMs<Duration extends number | null>(duration: Duration): Duration {
  return (duration === null ? null : Math.round(duration * 1_000) / 1_000) as Duration
}

function keptPlacement(placement: PlacementRecord | null): PlacementRecord | null {
  if (placement === null || (placement.expectedCachedTokens === null && placement.spill === null)) return null
  const { spill } = placement
  if (spill === null) return placement
  return { ...placement, spill: { ...spill, expectedMs: keptMs(spill.expectedMs), targetMs: keptMs(spill.targetMs) } }
}

function keptRoute(route: RouteRecord | null): RouteRecord | null {
  if (route === null) return null
  const candidates = route.candidates.map(candidate => ({
    ...candidate,
    score: candidate.score === null ? null : Number(candidate.score.toPrecision(6)),
  }))
  return { ...route, candidates }
}

/** The time that an id carries. */
function timeOf(id: string): number {
  return Number(callIdToInteger(id)! >> 22n) + ID_EPOCH_MS
}

function dimensionOf(dimension: UsageDimension, record: CallRecord, attempt: AttemptRecord | null): string | null {
  if (dimension === 'model') return record.model
  if (dimension === 'deployment') return attempt?.deployment ?? null
  if (dimension === 'key' || dimension === 'team' || dimension === 'user') return record.caller[dimension]
  const name = dimension.slice('tag:'.length)
  return Object.hasOwn(record.caller.tags, name) ? record.caller.tags[name]! : null
}

/** A call with one of its attempts, or with none when it had none. */
interface Part {
  readonly record: CallRecord
  readonly attempt: AttemptRecord | null
}

function isWasted(record: CallRecord, { outcome, timeToFirstTokenMs }: AttemptRecord): boolean {
  const isContinued = record.outcome === 'completed' && outcome !== 'superseded' && timeToFirstTokenMs !== null
  return outcome !== 'completed' && !isContinued
}

function sumsOf(parts: readonly Part[]): UsageSums {
  const attempts = parts.flatMap(part => part.attempt ?? [])
  const sum = (numberOf: (attempt: AttemptRecord) => number) =>
    attempts.reduce((total, attempt) => total + numberOf(attempt), 0)
  const money = (some: readonly AttemptRecord[]) => some.reduce((total, attempt) => total + (attempt.dollars ?? 0n), 0n)
  return {
    requests: new Set(parts.map(part => part.record.id)).size,
    inputTokens: sum(attempt => attempt.usage?.inputTokens ?? 0),
    cachedInputTokens: sum(attempt => attempt.usage?.cachedInputTokens ?? 0),
    outputTokens: sum(attempt => attempt.usage?.outputTokens ?? 0),
    dollars: money(attempts),
    wastedDollars: money(
      parts.flatMap(({ record, attempt }) => (attempt && isWasted(record, attempt) ? [attempt] : [])),
    ),
    unratedAttempts: attempts.filter(attempt => attempt.dollars === null).length,
  }
}

/** Usage, added up the plain way: what every store must come to. Rows in no particular order. */
export function usageOf(all: readonly CallRecord[], query: UsageQuery): UsageReport {
  const parts = all
    .filter(({ id }) => timeOf(id) >= (query.since ?? 0) && timeOf(id) < (query.until ?? Number.POSITIVE_INFINITY))
    .flatMap((record): readonly Part[] => {
      const { attempts } = record
      return attempts.length === 0 ? [{ record, attempt: null }] : attempts.map(attempt => ({ record, attempt }))
    })
  const groups = Map.groupBy(parts, ({ record, attempt }) =>
    JSON.stringify(query.by.map(dimension => dimensionOf(dimension, record, attempt))),
  )
  const rows = [...groups].map(([name, group]) => {
    const values = JSON.parse(name) as (string | null)[]
    return {
      group: Object.fromEntries(query.by.map((dimension, place) => [dimension, values[place]!])),
      ...sumsOf(group),
    }
  })
  return { rows, totals: sumsOf(parts) }
}
