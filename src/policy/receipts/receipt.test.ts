import { describe, expect, it } from 'vitest'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { rate } from '../pricing/rate.ts'
import { tariffFromOverride } from '../pricing/tariff.ts'
import { receiptOf } from './receipt.ts'

const AT = Date.UTC(2026, 10, 21, 9, 30)
const USAGE: Usage = {
  inputTokens: 1_200,
  cachedInputTokens: 1_024,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 300,
  reasoningTokens: 128,
  source: 'reported',
}
const TARIFF = tariffFromOverride({ input: '0.250', cachedInput: '0.025', output: '2' }, 'prices')
const ATTEMPT: AttemptRecord = {
  deployment: 'openai/gpt-5-mini',
  outcome: 'completed',
  replica: null,
  route: null,
  placement: null,
  status: 200,
  startedAt: AT + 4,
  durationMs: 801.00049,
  timeToFirstTokenMs: 188,
  usage: USAGE,
  ...rate(TARIFF, USAGE, AT),
}
const RECORD: CallRecord = {
  id: 'pen_00000000000001',
  at: AT,
  model: 'fast',
  dialect: 'openai',
  endpoint: 'chat/completions',
  caller: { key: 'ci', team: 'search', user: 'ana', tags: { project: 'atlas' }, run: null },
  outcome: 'completed',
  status: 200,
  streamed: true,
  heldDollars: 4_100_000n,
  dollars: ATTEMPT.dollars,
  durationMs: 812.4,
  timeToFirstTokenMs: 190.2,
  limited: false,
  overrunDollars: null,
  downgradedTo: null,
  tier: null,
  queueMs: 0,
  attempts: [ATTEMPT],
}

function receiptWith(attempt: Partial<AttemptRecord>, call: Partial<CallRecord> = {}) {
  return receiptOf({ ...RECORD, ...call, attempts: [{ ...ATTEMPT, ...attempt }] })
}

describe('a receipt', () => {
  it('shows a call in plain JSON: money as strings, times in RFC 3339, every line', () => {
    const receipt = receiptOf(RECORD)
    expect(JSON.parse(JSON.stringify(receipt))).toEqual(receipt)
    expect(receipt).toEqual({
      id: 'pen_00000000000001',
      at: '2026-11-21T09:30:00.000Z',
      model: 'fast',
      dialect: 'openai',
      endpoint: 'chat/completions',
      caller: { key: 'ci', team: 'search', user: 'ana', tags: { project: 'atlas' }, run: null },
      outcome: 'completed',
      status: 200,
      streamed: true,
      heldDollars: '0.0041',
      dollars: '0.0006696',
      durationMs: 812.4,
      timeToFirstTokenMs: 190.2,
      limited: false,
      overrunDollars: null,
      downgradedTo: null,
      tier: null,
      queueMs: 0,
      attempts: [
        {
          deployment: 'openai/gpt-5-mini',
          outcome: 'completed',
          status: 200,
          startedAt: '2026-11-21T09:30:00.004Z',
          durationMs: 801,
          timeToFirstTokenMs: 188,
          usage: USAGE,
          lines: [
            { unit: 'input', tokens: 176, dollarsPerMillion: '0.25', dollars: '0.000044' },
            { unit: 'cachedInput', tokens: 1_024, dollarsPerMillion: '0.025', dollars: '0.0000256' },
            { unit: 'output', tokens: 300, dollarsPerMillion: '2', dollars: '0.0006' },
          ],
          dollars: '0.0006696',
          priceBook: 'prices',
          energy: null,
        },
      ],
    })
  })

  it('says why an attempt went where it went and to which replica, where there was a choice', () => {
    const route = {
      by: 'cheapest',
      candidates: [
        { deployment: 'openai/gpt-5-mini', score: 12.5, dollars: 669_600n },
        { deployment: 'pool/llama', score: null, dollars: null },
      ],
      passedOver: [{ deployment: 'old/llama', why: 'its breaker is open' }],
    } as const
    const receipt = receiptOf({ ...RECORD, attempts: [{ ...ATTEMPT, replica: 0, route }, ATTEMPT] })
    expect(receipt.attempts[0]).toMatchObject({
      replica: 0,
      route: {
        by: 'cheapest',
        candidates: [
          { deployment: 'openai/gpt-5-mini', score: 12.5, dollars: '0.0006696' },
          { deployment: 'pool/llama', score: null, dollars: null },
        ],
        passedOver: [{ deployment: 'old/llama', why: 'its breaker is open' }],
      },
    })
    expect(Object.keys(receipt.attempts[1]!)).not.toContain('replica')
    expect(Object.keys(receipt.attempts[1]!)).not.toContain('route')
  })

  it('says in which tier a call waited how long, what was expected of the replica, and by which sum it left the queue', () => {
    const sum = { expectedMs: 9_000.00049, targetMs: 1_000, harmDollars: 10_000_000n, moreDollars: -1_500n }
    const receipt = receiptOf({
      ...RECORD,
      tier: 'interactive',
      queueMs: 12.34567,
      attempts: [
        { ...ATTEMPT, replica: 0, placement: { expectedCachedTokens: 1_024, spill: null } },
        { ...ATTEMPT, placement: { expectedCachedTokens: null, spill: { why: 'target', ...sum } } },
        ATTEMPT,
      ],
    })
    expect(receipt).toMatchObject({ tier: 'interactive', queueMs: 12.346 })
    const [placed, spilt, plain] = receipt.attempts
    expect(placed).toMatchObject({ replica: 0, expectedCachedTokens: 1_024 })
    expect(spilt!.spill).toEqual({
      why: 'target',
      expectedMs: 9_000,
      targetMs: 1_000,
      harmDollars: '0.01',
      moreDollars: '-0.0000015',
    })
    expect([placed, spilt].map(attempt => Object.keys(attempt!).includes('spill'))).toEqual([false, true])
    for (const name of ['spill', 'expectedCachedTokens']) expect(Object.keys(plain!)).not.toContain(name)
    expect(JSON.parse(JSON.stringify(receipt))).toEqual(receipt)
  })

  it('of a model that nobody has a price for shows its tokens, no lines and no dollars', () => {
    const receipt = receiptWith({ rate: null, dollars: null }, { dollars: null, heldDollars: null })
    expect(receipt).toMatchObject({ dollars: null, heldDollars: null })
    expect(receipt.attempts[0]).toMatchObject({ usage: USAGE, lines: [], dollars: null, priceBook: null })
  })

  it('of a used unit without a price names the book, but shows no lines that would not add up', () => {
    const tariff = tariffFromOverride({ input: '1', output: '2' }, 'prices')
    const receipt = receiptWith(rate(tariff, USAGE, AT), { dollars: null })
    expect(receipt.attempts[0]).toMatchObject({ lines: [], dollars: null, priceBook: 'prices' })
  })

  it('of an attempt that used nothing costs zero', () => {
    const nothing = {
      usage: null,
      rate: null,
      dollars: 0n,
      status: null,
      outcome: 'unreachable',
      timeToFirstTokenMs: null,
    } as const
    const receipt = receiptWith(nothing, { outcome: 'failed', status: 502, dollars: 0n, timeToFirstTokenMs: null })
    expect(receipt).toMatchObject({ outcome: 'failed', dollars: '0', timeToFirstTokenMs: null })
    expect(receipt.attempts[0]).toMatchObject({
      usage: null,
      lines: [],
      dollars: '0',
      status: null,
      timeToFirstTokenMs: null,
    })
  })

  it('keeps the promised fields of usage only; what was special shows in lines and price book', () => {
    const receipt = receiptWith({ usage: { ...USAGE, special: { serviceTier: 'default' } } })
    expect(receipt.attempts[0]!.usage).toEqual(USAGE)
  })
})
