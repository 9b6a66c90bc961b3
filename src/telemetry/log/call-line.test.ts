import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { recordOf } from '../../control/stage.fixture.ts'
import { formatDollars } from '../../units/money.ts'
import { formatTime } from '../../units/time.ts'
import { callLine } from './call-line.ts'
import { LineTimes } from './times.ts'

const AT = '2026-03-01T00:00:00.812Z'
const TIMINGS = { gatewayMs: 0.0641234, queueMs: 0, upstreamMs: 801, commitMs: 1.005, traceparent: null }
const [ATTEMPT] = recordOf(0).attempts

describe('the line of a call', () => {
  it('is one JSON object that says what was asked, how it ended, what it used, cost and took', () => {
    const attempts = [
      { ...ATTEMPT!, deployment: 'a/x', outcome: 'stalled' as const, replica: 1, durationMs: 20.0004 },
      { ...ATTEMPT!, deployment: 'b/y' },
    ]
    const record = recordOf(0, { attempts, dollars: 3_000_000n, timeToFirstTokenMs: 120.5 })
    expect(JSON.parse(callLine(record, TIMINGS, AT))).toEqual({
      level: 'info',
      time: AT,
      msg: 'call',
      id: record.id,
      key: 'ci',
      model: 'fast',
      deployment: 'b/y',
      endpoint: 'chat/completions',
      streamed: false,
      status: 200,
      outcome: 'completed',
      attempts: 2,
      tried: [
        { deployment: 'a/x', replica: 1, outcome: 'stalled', durationMs: 20 },
        { deployment: 'b/y', outcome: 'completed', durationMs: ATTEMPT!.durationMs },
      ],
      inputTokens: 2_000,
      cachedInputTokens: 400,
      outputTokens: 200,
      dollars: '0.003',
      durationMs: 812.4,
      timeToFirstTokenMs: 120.5,
      gatewayMs: 0.064,
      upstreamMs: 801,
      commitMs: 1.005,
    })
  })

  it('says in which tier it was, and how long it waited where it did', () => {
    const line = (tier: string | null, queueMs: number) =>
      JSON.parse(callLine(recordOf(0, { tier, queueMs }), TIMINGS, AT))
    expect(line('over "night"', 12.34567)).toMatchObject({ tier: 'over "night"', queueMs: 12.346 })
    expect(line('standard', 0)).not.toHaveProperty('queueMs')
    expect(line(null, 0)).not.toHaveProperty('tier')
  })

  it('of a failed call is a warning that names the cause', () => {
    const attempts = [{ ...ATTEMPT!, outcome: 'unreachable' as const, usage: null, dollars: null }]
    const line = callLine(recordOf(0, { outcome: 'failed', status: 502, attempts, dollars: null }), TIMINGS, AT)
    expect(JSON.parse(line)).toMatchObject({
      level: 'warn',
      cause: 'unreachable',
      status: 502,
      dollars: null,
      inputTokens: 0,
    })
  })

  it('names the deployment that answered, not the rival that was given up for it', () => {
    const rival = { ...ATTEMPT!, deployment: 'b/y', outcome: 'superseded' as const }
    const line = JSON.parse(callLine(recordOf(0, { attempts: [ATTEMPT!, rival] }), TIMINGS, AT))
    expect(line).toMatchObject({ deployment: ATTEMPT!.deployment, attempts: 2 })
    expect(line).not.toHaveProperty('cause')
    const cut = { ...ATTEMPT!, outcome: 'cut' as const }
    const failed = callLine(recordOf(0, { outcome: 'failed', attempts: [cut, rival] }), TIMINGS, AT)
    expect(JSON.parse(failed)).toMatchObject({ deployment: ATTEMPT!.deployment, cause: 'cut' })
  })

  it('names no deployment when there was no attempt', () => {
    expect(JSON.parse(callLine(recordOf(0, { attempts: [] }), TIMINGS, AT))).toMatchObject({
      deployment: null,
      attempts: 0,
    })
  })

  it('stays one valid line whatever names are in it', () => {
    const text = fc.string({ unit: 'binary' })
    fc.assert(
      fc.property(text, text, text, fc.bigInt(0n, 10n ** 22n), (model, key, deployment, dollars) => {
        const caller = { ...recordOf(0).caller, key }
        const line = callLine(
          recordOf(0, { model, caller, dollars, attempts: [ATTEMPT!, { ...ATTEMPT!, deployment }] }),
          TIMINGS,
          AT,
        )
        expect(line.indexOf('\n')).toBe(line.length - 1)
        const written = Buffer.from(line).toString()
        expect(JSON.parse(written)).toMatchObject({
          model,
          key,
          deployment,
          tried: [{ deployment: ATTEMPT!.deployment }, { deployment }],
          dollars: formatDollars(dollars),
        })
      }),
    )
  })
})

describe('times of lines', () => {
  it('are RFC 3339 with milliseconds, whichever second comes after which', () => {
    const times = new LineTimes()
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_102_444_800_000 }), fc.nat({ max: 2_000 }), (at, later) => {
        expect(times.format(at)).toBe(formatTime(at))
        expect(times.format(at + later + 0.5)).toBe(formatTime(at + later))
      }),
    )
  })
})
