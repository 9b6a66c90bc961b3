import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readTrace } from '../traces/read.ts'
import type { Trace, TraceRequest } from '../traces/trace.ts'
import { castingOf, fleetOf, play, requestOf, TARGETS, traceOf } from './fleet.fixture.ts'
import type { Service } from './report.ts'
import { castTraffic, UnservedModel } from './traffic.ts'
import { POLICIES, Twin } from './twin.ts'

const every = (count: number, everyMs: number, of: Partial<TraceRequest> = {}): Trace =>
  traceOf(Array.from({ length: count }, (_, i) => ({ atMs: i * everyMs, ...of })))

/** Conversations that say everything again, on any number of replicas that may be too few and too small. */
const histories = fc.record({
  requests: fc.array(
    fc.record({
      atMs: fc.nat(20_000),
      inputTokens: fc.oneof(fc.nat(8_000), fc.constant(200_000)),
      outputTokens: fc.nat(200),
      blocks: fc.option(fc.array(fc.nat(2), { maxLength: 8 }).map(ids => ids.flatMap(id => [id, id]))),
      tenant: fc.constantFrom('a', 'b'),
      session: fc.option(fc.constantFrom('s', 't')),
      follows: fc.option(fc.nat(5_000)),
    }),
    { minLength: 1, maxLength: 40 },
  ),
  policy: fc.constantFrom(...POLICIES),
  replicas: fc.integer({ min: 1, max: 3 }),
  kvBlocks: fc.constantFrom(600, 20_000),
  maxRunning: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  queue: fc.record({ maxCalls: fc.nat(10), maxWaitMs: fc.constantFrom(0, 500, 60_000) }),
  tiers: fc.array(fc.constantFrom('interactive', 'standard', 'batch'), { minLength: 1, maxLength: 3 }),
  seed: fc.nat(),
})

function sumOf(parts: Readonly<Record<string, Service>>, figure: 'requests' | 'completed'): number {
  return Object.values(parts).reduce((sum, part) => sum + part[figure], 0)
}

describe('a rehearsal', () => {
  it('ends every request once, whatever the fleet, and its parts add up', () => {
    fc.assert(
      fc.property(histories, ({ requests, tiers, ...fleet }) => {
        const sorted = requests.toSorted((one, other) => one.atMs - other.atMs)
        const trace = traceOf(
          sorted.map(({ follows, ...request }, i) => ({
            ...request,
            blocks: request.blocks?.slice(0, 2 * Math.ceil(request.inputTokens / 512)) ?? null,
            follows: follows === null || i === 0 ? null : { request: follows % i, thinkMs: follows },
          })),
        )
        let turn = 0
        const casting = {
          tier: () => tiers[turn++ % tiers.length]!,
          tenant: (request: TraceRequest) => request.tenant!,
        }
        const report = play(trace, { ...fleet, casting }).report()
        const unserved = Object.values(report.unserved).reduce((sum, count) => sum + count, 0)
        expect(report.completed + unserved).toBe(requests.length)
        for (const parts of [report.perTier, report.perTenant]) {
          expect(sumOf(parts, 'requests')).toBe(report.requests)
          expect(sumOf(parts, 'completed')).toBe(report.completed)
        }
        for (const share of [report.utilisation, report.kvUse, report.cachedShare]) {
          expect(share).toBeGreaterThanOrEqual(0)
          expect(share).toBeLessThanOrEqual(1)
        }
        expect(report.goodputPerSecond * report.durationMs).toBeLessThanOrEqual(report.completed * 1_000.001)
      }),
      { numRuns: 60 },
    )
  })

  it.each(POLICIES)('is the same to the byte for the same seed: %s', policy => {
    const trace = every(200, 40, { inputTokens: 2_000, blocks: [0, 3] })
    const told = () => JSON.stringify(play(trace, { policy, replicas: 3, seed: 7 }).report())
    expect(told()).toBe(told())
  })

  it('gives a call that meets no other the times of a lone one', () => {
    const lone = play(every(1, 0)).report()
    const many = play(every(20, 60_000)).report()
    for (const times of ['timeToFirstTokenMs', 'timePerOutputTokenMs'] as const) {
      expect(many[times].p50).toBeCloseTo(lone[times].p50!, 3)
      expect(many[times].p99).toBeCloseTo(lone[times].p50!, 3)
    }
  })

  it('shows no less goodput with more replicas, and more where one is overloaded', () => {
    const trace = every(300, 30, { inputTokens: 6_000 })
    const goodput = [1, 2, 4, 8].map(replicas => play(trace, { replicas }).report().goodputPerSecond)
    for (const [i, value] of goodput.entries()) if (i > 0) expect(value).toBeGreaterThanOrEqual(goodput[i - 1]! * 0.99)
    expect(goodput[3]).toBeGreaterThan(2 * goodput[0]!)
  })

  it('finds in the cache what an earlier prompt began with, and nothing elsewhere', () => {
    const conversation = { inputTokens: 1_025, blocks: [0, 1] }
    const same = play(every(2, 10_000, conversation)).report()
    expect(same.cachedTokens).toBe(1_024)
    const trace = traceOf([conversation, { ...conversation, blocks: [5, 6], atMs: 10_000 }])
    expect(play(trace).report().cachedTokens).toBe(0)
  })

  it('refuses prompts as long as the context, and cuts answers at it; an unbounded cache takes them whole', () => {
    const trace = traceOf([
      { inputTokens: 131_072, outputTokens: 5 },
      { inputTokens: 131_070, outputTokens: 5, atMs: 100_000 },
    ])
    const bounded = play(trace).report()
    expect(bounded).toMatchObject({ completed: 1, outputTokens: 2, unserved: { rejected: 1 } })
    const unbounded = play(trace, { kvBlocks: Number.POSITIVE_INFINITY, accelerators: 8 }).report()
    expect(unbounded).toMatchObject({ completed: 2, outputTokens: 10, kvUse: 0 })
  })

  it('sends what follows after the end of what it follows and a while of thinking', () => {
    const alone = play(every(1, 0)).report()
    const thinkMs = 5_000
    const chain = traceOf([0, 1, 2].map(i => ({ follows: i === 0 ? null : { request: i - 1, thinkMs } })))
    const { durationMs } = play(chain).report()
    expect(durationMs).toBeCloseTo(3 * alone.durationMs + 2 * thinkMs, 1)
  })

  it('goes on with what follows a request that was refused', () => {
    const trace = traceOf([{ inputTokens: 500_000 }, { follows: { request: 0, thinkMs: 10 } }])
    expect(play(trace).report()).toMatchObject({ requests: 2, completed: 1 })
  })

  it('passes recorded time as quickly as it is told', () => {
    const trace = every(5, 60_000)
    const [slow, quick] = [1, 10].map(speed => play(trace, { casting: { speed } }).report().durationMs)
    const { durationMs } = play(every(1, 0)).report()
    expect(slow).toBeCloseTo(240_000 + durationMs, 1)
    expect(quick).toBeCloseTo(24_000 + durationMs, 1)
  })

  it('lets calls wait in the gateway for a place, and refuses those that wait too long', () => {
    const burst = every(40, 0)
    const waiting = play(burst, { maxRunning: 4 }).report()
    expect(waiting.completed).toBe(40)
    expect(waiting.queueMs.p90).toBeGreaterThan(waiting.queueMs.p50!)
    const impatient = play(burst, { maxRunning: 4, queue: { maxWaitMs: 100 } }).report()
    expect(impatient.unserved).toEqual({ queueTimeout: 36 })
    const small = play(burst, { maxRunning: 4, queue: { maxCalls: 10 } }).report()
    expect(small.unserved).toEqual({ queueFull: 26 })
  })

  it('has no queue for the policies of peers: every call goes to an engine at once', () => {
    for (const policy of POLICIES.filter(name => name !== 'penstock')) {
      const report = play(every(40, 0), { maxRunning: 4, policy, queue: { maxCalls: 0 } }).report()
      expect(report).toMatchObject({ completed: 40, queueMs: { p99: 0 } })
    }
  })

  it('shares the places that are scarce by the weights of tiers', () => {
    let turn = 0
    const tier = () => (turn++ % 2 === 0 ? 'interactive' : 'batch')
    const { perTier } = play(every(200, 0), { maxRunning: 4, casting: { tier } }).report()
    const [interactive, batch] = [perTier.interactive!, perTier.batch!].map(each => each.timeToFirstTokenMs.p50!)
    expect(interactive).toBeLessThan(batch! * 0.7)
  })

  it('does not play before it is told to, nor report before it has ended', () => {
    const traffic = castTraffic([castingOf(every(10, 1_000))])
    const twin = new Twin({ fleet: fleetOf(), traffic, targets: TARGETS, policy: 'penstock', seed: 1 })
    expect(twin.progress).toEqual({ requests: 10, ended: 0, virtualMs: 0 })
    expect(twin.run(5)).toBe(false)
    expect(() => twin.report()).toThrow('have not ended')
    expect(twin.run()).toBe(true)
    expect(twin.progress.ended).toBe(10)
  })

  it('has no model for requests of others', () => {
    const trace = traceOf([requestOf({ model: 'gpt' })])
    expect(() => castTraffic([castingOf(trace, { model: () => null })])).toThrow(UnservedModel)
  })
})

describe('every kind of recording', () => {
  const play1 = (text: string, lengths?: string) => {
    const bytes = Buffer.from(text)
    const options = lengths === undefined ? {} : { lengths: Buffer.from(lengths), requests: 20 }
    const trace = readTrace(bytes, options)
    const report = play(trace, { casting: { tenant: ({ tenant }) => tenant ?? 'all' } }).report()
    expect(report.completed).toBe(trace.requests.length)
    return { format: trace.format, ...report }
  }

  it('is played: Mooncake', () => {
    const line = (timestamp: number) =>
      `${JSON.stringify({ timestamp, input_length: 1_200, output_length: 20, hash_ids: [1, 2, 3] })}\n`
    const report = play1(line(0) + line(9_000))
    expect(report).toMatchObject({ format: 'mooncake', completed: 2, cachedTokens: 1_152 })
  })

  it('is played: Azure', () => {
    const rows = ['46.68', '47.01', '52.5'].map(seconds => `2023-11-16 18:15:${seconds},374,44`)
    const report = play1(['TIMESTAMP,ContextTokens,GeneratedTokens', ...rows].join('\n'))
    expect(report).toMatchObject({ format: 'azure', completed: 3, inputTokens: 3 * 374, cachedShare: 0 })
  })

  it('is played: sessions of coding tools, sub-agents among them', () => {
    const turn = (t: number, blocks: number) => ({
      ...{ t, type: 'n', model: 'm', in: blocks * 64, out: 30, hash_ranges: [[0, blocks - 1]] },
      ...{ api_time: 1, think_time: 2 },
    })
    const subagent = {
      ...{ t: 20, type: 'subagent', agent_id: 'a', tool_tokens: 0, system_tokens: 0 },
      requests: [turn(0, 5)],
    }
    const session = {
      ...{ id: 's', block_size: 64, tool_tokens: 64, system_tokens: 64 },
      requests: [turn(0, 10), turn(10, 20), subagent, turn(40, 30)],
    }
    const report = play1(JSON.stringify(session))
    expect(report).toMatchObject({ format: 'sessions', completed: 4 })
    expect(report.cachedShare).toBeGreaterThan(0.4)
    expect(Object.keys(report.perTenant)).toEqual(['s'])
  })

  it('is played: rates of ServeGen', () => {
    const rates = 'client,t_s,rate_rps,cv,pattern,param1,param2\n0,0,0.5,1,Gamma,1,1\n1,0,0.5,1,Weibull,1,1\n'
    const windows = { '0': { input_tokens: '{500: 1.0}', output_tokens: '{50: 1.0}' } }
    const lengths = [0, 1].map(client => JSON.stringify({ client, windows })).join('\n')
    const report = play1(rates, lengths)
    expect(report).toMatchObject({ format: 'servegen', completed: 20 })
    expect(Object.keys(report.perTenant)).toHaveLength(2)
  })
})
