import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { memoryFleet } from '../../control/fleet.fixture.ts'
import { recordOf } from '../../control/stage.fixture.ts'
import type { Fleet } from '../../ports/fleet.ts'
import type { CallTimings } from '../../ports/observer.ts'
import { ENDPOINTS } from '../../vocabulary/dialect.ts'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import { Counting } from './counting.ts'
import { exposition } from './exposition.ts'
import type { ReplicaHealth } from './health.ts'
import { MAX_SERIES } from './series.ts'
import { Tally } from './tally.ts'

const TIMINGS: CallTimings = { gatewayMs: 0.1, queueMs: 0, upstreamMs: 5, commitMs: 1.2, traceparent: null }

function attemptOf(over: Partial<AttemptRecord> = {}): AttemptRecord {
  return { ...recordOf(0).attempts[0]!, ...over }
}

function counted(...records: readonly CallRecord[]): Counting {
  const counting = new Counting()
  for (const record of records) {
    counting.inFlight += 1
    counting.callEnded(record, TIMINGS)
  }
  return counting
}

/** A sample as Prometheus reads it; the labels with their escapes. */
const SAMPLE =
  /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?:[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*",?)*\})? (-?[0-9.]+(?:[eE][+-]?\d+)?|NaN|[+-]Inf)$/

/** Reads exposition text strictly; fails for a line that Prometheus would not read and for a series that comes twice. */
async function scrape(
  counting: Counting,
  health: () => Iterable<ReplicaHealth> = () => [],
  fleet: Fleet['report'] = () => ({ upstreams: [], tiers: [] }),
): Promise<ReadonlyMap<string, number>> {
  const text = await exposition(counting, { log: { droppedBytes: 0 }, health, fleet }).text()
  expect(text.endsWith('\n')).toBe(true)
  const samples = new Map<string, number>()
  const types = new Set<string>()
  for (const line of text.split('\n')) {
    const type = /^# TYPE (\S+) (counter|gauge|histogram)$/.exec(line)
    if (type) {
      expect(types).not.toContain(type[1])
      types.add(type[1]!)
    }
    if (line === '' || line.startsWith('# HELP ') || type) continue
    const found = SAMPLE.exec(line)
    expect(found, line).not.toBeNull()
    const series = found![1]! + (found![2] ?? '')
    expect(samples.has(series), series).toBe(false)
    samples.set(series, Number(found![3]!.replace('Inf', 'Infinity')))
  }
  return samples
}

const LABELS = 'model="fast",deployment="mock/check-chat",endpoint="chat/completions"'

describe('metrics', () => {
  it('count calls, attempts, tokens and dollars by model, deployment and endpoint', async () => {
    const samples = await scrape(counted(recordOf(0), recordOf(1), recordOf(2, { outcome: 'callerLeft', status: 499 })))
    expect(samples.get(`penstock_calls_total{${LABELS},outcome="completed"}`)).toBe(2)
    expect(samples.get(`penstock_calls_total{${LABELS},outcome="callerLeft"}`)).toBe(1)
    expect(samples.get(`penstock_attempts_total{${LABELS},outcome="completed"}`)).toBe(3)
    expect(samples.get(`penstock_tokens_total{${LABELS},type="input"}`)).toBe(3 * 800)
    expect(samples.get(`penstock_tokens_total{${LABELS},type="cachedInput"}`)).toBe(3 * 200)
    expect(samples.get(`penstock_tokens_total{${LABELS},type="output"}`)).toBe(3 * 100)
    expect(samples.get(`penstock_dollars_total{${LABELS}}`)).toBe(0.0045)
    expect(samples.get('penstock_commit_seconds_count')).toBe(3)
    expect(samples.get('penstock_commit_seconds_bucket{le="0.0025"}')).toBe(3)
    expect(samples.get('penstock_commit_seconds_bucket{le="0.001"}')).toBe(0)
  })

  it('tell wasted and unrated attempts apart from the rest', async () => {
    const attempts = [
      attemptOf({ outcome: 'stalled', dollars: 500_000_000n }),
      attemptOf({ deployment: 'other/x', dollars: null }),
    ]
    const samples = await scrape(counted(recordOf(0, { attempts, dollars: null })))
    expect(samples.get(`penstock_wasted_dollars_total{${LABELS},outcome="stalled"}`)).toBe(0.5)
    const other = LABELS.replace('mock/check-chat', 'other/x')
    expect(samples.get(`penstock_unrated_attempts_total{${other}}`)).toBe(1)
    expect(samples.get(`penstock_calls_total{${other},outcome="completed"}`)).toBe(1)
    expect(samples.has(`penstock_calls_total{${LABELS},outcome="completed"}`)).toBe(false)
  })

  it('tell who won a race, and count the call where the winner is', async () => {
    const first = attemptOf({ startedAt: 1_000, durationMs: 900 })
    const rival = attemptOf({ deployment: 'other/x', startedAt: 1_500, durationMs: 400 })
    const lost = { outcome: 'superseded', dollars: 250_000_000n } as const
    const samples = await scrape(
      counted(
        recordOf(0, { attempts: [{ ...first, ...lost }, rival] }),
        recordOf(1, { attempts: [first, { ...rival, ...lost }] }),
        recordOf(2, { attempts: [first, { ...rival, ...lost }] }),
      ),
    )
    const other = LABELS.replace('mock/check-chat', 'other/x')
    expect(samples.get(`penstock_hedges_total{${LABELS},winner="rival"}`)).toBe(1)
    expect(samples.get(`penstock_hedges_total{${other},winner="first"}`)).toBe(2)
    expect(samples.get(`penstock_wasted_dollars_total{${other},outcome="superseded"}`)).toBe(0.5)
    expect(samples.get(`penstock_calls_total{${LABELS},outcome="completed"}`)).toBe(2)
    expect(samples.get(`penstock_calls_total{${other},outcome="completed"}`)).toBe(1)
  })

  it('count attempts that went on from what another had shown, and no waste where they succeeded', async () => {
    const cut = attemptOf({ outcome: 'cut', timeToFirstTokenMs: 5, startedAt: 1_000, durationMs: 900 })
    // It lost to the one that was cut only later, not to the one that went on.
    const loser = attemptOf({ outcome: 'superseded', startedAt: 1_100, durationMs: 10, dollars: 1_000_000_000n })
    const unseen = attemptOf({ deployment: 'other/x', outcome: 'unreachable', usage: null, dollars: 0n })
    const next = attemptOf({ deployment: 'other/x', startedAt: 1_901 })
    const samples = await scrape(
      counted(
        recordOf(0, { attempts: [cut, loser, unseen, next] }),
        recordOf(1, { attempts: [cut, { ...next, outcome: 'rejected' }], outcome: 'failed' }),
        recordOf(2, { attempts: [unseen, next] }),
      ),
    )
    const other = LABELS.replace('mock/check-chat', 'other/x')
    expect(samples.get(`penstock_continuations_total{${other},outcome="completed"}`)).toBe(1)
    expect(samples.get(`penstock_continuations_total{${other},outcome="unreachable"}`)).toBe(1)
    expect(samples.get(`penstock_continuations_total{${other},outcome="rejected"}`)).toBe(1)
    expect([...samples.keys()].filter(series => series.startsWith('penstock_continuations_total'))).toHaveLength(3)
    expect(samples.get(`penstock_hedges_total{${LABELS},winner="first"}`)).toBe(1)
    expect(samples.get(`penstock_wasted_dollars_total{${LABELS},outcome="superseded"}`)).toBe(1)
    expect(samples.get(`penstock_wasted_dollars_total{${LABELS},outcome="cut"}`)).toBe(0.0015)
  })

  it('show how the replicas of deployments stand at the moment of the scrape', async () => {
    let all: readonly ReplicaHealth[] = [
      { deployment: 'pool/llama', replica: 0, state: 'ready', outstanding: 3 },
      { deployment: 'pool/llama', replica: 1, state: 'open', outstanding: 0 },
    ]
    const counting = new Counting()
    const told = await scrape(counting, () => all)
    const of = (replica: number, state: string) =>
      `penstock_deployment_state{deployment="pool/llama",replica="${replica}",state="${state}"}`
    expect([told.get(of(0, 'ready')), told.get(of(0, 'open')), told.get(of(1, 'open'))]).toEqual([1, 0, 1])
    expect(told.get('penstock_deployment_outstanding{deployment="pool/llama",replica="0"}')).toBe(3)
    all = all.slice(0, 1)
    expect((await scrape(counting, () => all)).has(of(1, 'open'))).toBe(false)
  })

  it('show owned engines and who waits for them as they are at the moment of the scrape', async () => {
    const samples = await scrape(new Counting(), () => [], memoryFleet().report)
    const of = (name: string, replica: number) =>
      samples.get(`penstock_replica_${name}{upstream="pool",replica="${replica}"}`)
    expect(['running', 'waiting', 'kv_use', 'in_flight', 'places'].map(name => of(name, 0))).toEqual([
      5, 3, 0.42, 4, 64,
    ])
    expect(['running', 'waiting', 'kv_use', 'in_flight', 'places'].map(name => of(name, 1))).toEqual([
      undefined,
      undefined,
      undefined,
      0,
      undefined,
    ])
    const waiting = ['interactive', 'standard', 'batch'].map(tier =>
      samples.get(`penstock_queue_calls{tier="${tier}"}`),
    )
    expect(waiting).toEqual([0, 0, 8])
  })

  it('count by tier how long calls waited, and what left the queue for a hosted deployment', async () => {
    const sum = { expectedMs: 9, targetMs: 1, harmDollars: null, moreDollars: null }
    const spilt = (why: 'target' | 'full') =>
      attemptOf({ placement: { expectedCachedTokens: null, spill: { why, ...sum } } })
    const samples = await scrape(
      counted(
        recordOf(0, { tier: 'interactive', queueMs: 0 }),
        recordOf(1, { tier: 'interactive', queueMs: 1_500, attempts: [spilt('target'), spilt('full')] }),
        recordOf(2, { tier: 'batch', queueMs: 60_000, attempts: [spilt('full')] }),
        recordOf(3, { tier: null }),
      ),
    )
    const queued = (of: string) => samples.get(`penstock_queue_seconds_${of}`)
    expect(queued('count{tier="interactive"}')).toBe(2)
    expect(queued('sum{tier="interactive"}')).toBe(1.5)
    expect(queued('bucket{le="0.001",tier="interactive"}')).toBe(1)
    expect(queued('bucket{le="2.5",tier="interactive"}')).toBe(2)
    expect(queued('bucket{le="60",tier="batch"}')).toBe(1)
    const spills = ['interactive",why="target', 'interactive",why="full', 'batch",why="full', 'batch",why="target']
    expect(spills.map(labels => samples.get(`penstock_spills_total{tier="${labels}"}`))).toEqual([1, 1, 1, undefined])
    expect([...samples.keys()].filter(series => series.startsWith('penstock_queue_seconds_count'))).toHaveLength(2)
  })

  it("stand under OpenTelemetry's names too, endpoints of one operation added up", async () => {
    const attempts = [attemptOf({ timeToFirstTokenMs: 101, durationMs: 1_091 })]
    const streamed = { attempts, streamed: true, timeToFirstTokenMs: 120 } as const
    const samples = await scrape(
      counted(
        recordOf(0, streamed),
        recordOf(1, { ...streamed, endpoint: 'responses' }),
        recordOf(2, { outcome: 'failed', status: 502 }),
      ),
    )
    const model =
      'gen_ai_operation_name="chat",gen_ai_provider_name="mock",gen_ai_request_model="fast",gen_ai_response_model="check-chat"'
    expect(samples.get(`gen_ai_client_token_usage_sum{${model},gen_ai_token_type="input"}`)).toBe(3_000)
    expect(samples.get(`gen_ai_client_token_usage_bucket{le="64",${model},gen_ai_token_type="output"}`)).toBe(0)
    expect(samples.get(`gen_ai_client_token_usage_bucket{le="256",${model},gen_ai_token_type="output"}`)).toBe(3)
    expect(samples.get(`gen_ai_client_operation_duration_seconds_count{${model}}`)).toBe(2)
    expect(samples.get(`gen_ai_client_operation_duration_seconds_count{${model},error_type="failed"}`)).toBe(1)
    expect(samples.get(`gen_ai_server_time_to_first_token_seconds_bucket{le="0.1",${model}}`)).toBe(0)
    expect(samples.get(`gen_ai_server_time_to_first_token_seconds_bucket{le="0.25",${model}}`)).toBe(2)
    // 990 ms for the 99 tokens after the first are 10 ms each, which its bound includes.
    expect(samples.get(`gen_ai_server_time_per_output_token_seconds_bucket{le="0.01",${model}}`)).toBe(2)
  })

  it('know how many calls are under way, whether they end, or are refused after or before they began', async () => {
    const counting = counted(recordOf(0))
    counting.inFlight += 3
    counting.callRefused('noDeployment', true)
    counting.callRefused('invalidKey', false)
    counting.callRefused('invalidKey', false)
    const samples = await scrape(counting)
    expect(samples.get('penstock_calls_in_flight')).toBe(2)
    expect(samples.get('penstock_refusals_total{cause="invalidKey"}')).toBe(2)
    expect(samples.get('penstock_refusals_total{cause="noDeployment"}')).toBe(1)
  })

  it('stay readable whatever the names and numbers are, and in a scrape right after another', async () => {
    const name = fc.string({ unit: 'binary', maxLength: 20 })
    const count = fc.nat({ max: 100_000_000 })
    const records = fc.array(
      fc.tuple(name, name, fc.constantFrom(...ENDPOINTS), count, count, fc.bigInt(0n, 10n ** 15n)),
    )
    await fc.assert(
      fc.asyncProperty(records, async drawn => {
        const counting = counted(
          ...drawn.map(([model, deployment, endpoint, inputTokens, cachedInputTokens, dollars], n) => {
            const usage = { ...attemptOf().usage!, inputTokens, cachedInputTokens }
            return recordOf(n, { model, endpoint, dollars, attempts: [attemptOf({ deployment, usage, dollars })] })
          }),
        )
        const samples = await scrape(counting)
        for (const [series, value] of samples) {
          if (series.startsWith('penstock_')) expect(value, series).toBeGreaterThanOrEqual(0)
        }
        await scrape(counting)
      }),
      { numRuns: 25 },
    )
  })

  it('never count more combinations apart than their bound, and lose none that come after', async () => {
    const calls = Array.from({ length: MAX_SERIES + 50 }, (_, n) => recordOf(0, { model: `model-${n}` }))
    const counting = counted(...calls, recordOf(0, { model: 'model-0' }))
    expect(counting.series.all).toHaveLength(MAX_SERIES + 1)
    const samples = await scrape(counting)
    const overflow = '{model="other",deployment="other",endpoint="chat/completions",outcome="completed"}'
    expect(samples.get(`penstock_calls_total${overflow}`)).toBe(50)
    expect(samples.get(`penstock_calls_total{${LABELS.replace('fast', 'model-0')},outcome="completed"}`)).toBe(2)
  })

  it('tell of the process', async () => {
    const samples = await scrape(new Counting())
    expect(samples.get('process_resident_memory_bytes')).toBeGreaterThan(1_000_000)
  })
})

describe('a tally', () => {
  it('counts every value once, for the first bound that it does not exceed', () => {
    const ascending = fc
      .uniqueArray(fc.integer({ min: -100, max: 100 }), { minLength: 1 })
      .map(all => all.sort((a, b) => a - b))
    fc.assert(
      fc.property(ascending, fc.array(fc.integer({ min: -120, max: 120 })), (bounds, values) => {
        const tally = new Tally(bounds)
        for (const value of values) tally.observe(value)
        bounds.forEach((bound, at) => {
          const below = tally.counts.slice(0, at + 1).reduce((sum, count) => sum + count, 0)
          expect(below).toBe(values.filter(value => value <= bound).length)
        })
        expect([tally.count, tally.sum]).toEqual([values.length, values.reduce((sum, value) => sum + value, 0)])
      }),
    )
  })
})
