import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tariffOf } from '../pricing/usage.fixture.ts'
import type { RouteAsk, RouteOption } from './ask.ts'
import { candidateOf } from './candidate.ts'
import { route } from './route.ts'
import { anyAsk, ask, draws, option } from './routing.fixture.ts'
import { leavingCosts, worthOver } from './worth.ts'

const tariff = tariffOf({ input: '2.5', cachedInput: '0.25', output: '10' })
/** Two cents are lost with the cache of this session. */
const warm = { tariff, cachedTokens: 8_889 }

function firstOf(asked: RouteAsk): string {
  return route(asked).order[0]!.name
}

describe('a session with a warm prompt cache', () => {
  it.each([
    ['fastest', { timeToFirstTokenMs: 900 }, { timeToFirstTokenMs: 300 }],
    [
      'greenest',
      { grams: { perInputToken: 1e-4, perOutputToken: 1e-3 } },
      { grams: { perInputToken: 1e-5, perOutputToken: 1e-4 } },
    ],
    ['balanced', { timeToFirstTokenMs: 3_000 }, { timeToFirstTokenMs: 300 }],
  ] as const)('stays by %s where leaving is worth less than it costs', (by, slow, quick) => {
    const options = [option('warm', { ...warm, ...slow }), option('cold', { tariff, ...quick })]
    for (const draw of draws(100)) expect(firstOf(ask(by, options, { draw }))).toBe('warm')
    const cold = options.map(each => ({ ...each, cachedTokens: 0 }))
    expect(firstOf(ask(by, cold))).toBe('cold')
  })

  it.each([
    ['fastest', { timeToFirstTokenMs: 19_000 }, { timeToFirstTokenMs: 300 }],
    [
      'greenest',
      { grams: { perInputToken: 0.1, perOutputToken: 1 } },
      { grams: { perInputToken: 1e-5, perOutputToken: 1e-4 } },
    ],
    ['balanced', { timeToFirstTokenMs: 19_000 }, { timeToFirstTokenMs: 300 }],
  ] as const)('leaves by %s where that is worth more than it costs', (by, slow, quick) => {
    const options = [option('warm', { ...warm, ...slow }), option('cold', { tariff, ...quick })]
    expect(firstOf(ask(by, options))).toBe('cold')
  })

  it('is not spent on trying others', () => {
    const options = [option('warm', { ...warm, timeToFirstTokenMs: 300 }), option('new', { tariff })]
    for (const draw of draws(100)) expect(firstOf(ask('fastest', options, { draw }))).toBe('warm')
  })

  it('goes where it costs less in spite of the cache', () => {
    const cheap = tariffOf({ input: '0.1', output: '1' })
    const options = [
      option('warm', { ...warm, timeToFirstTokenMs: 900 }),
      option('cheap', { tariff: cheap, timeToFirstTokenMs: 300 }),
    ]
    for (const by of ['cheapest', 'fastest', 'balanced'] as const) expect(firstOf(ask(by, options))).toBe('cheap')
  })

  it('is not kept from a better deployment by what that costs anyway', () => {
    const dear = tariffOf({ input: '50', output: '50' })
    const little = { tariff: tariffOf({ input: '2.5', cachedInput: '2.49', output: '10' }), cachedTokens: 2_000 }
    const options = [
      option('warm', { ...little, timeToFirstTokenMs: 900 }),
      option('quick', { tariff: dear, timeToFirstTokenMs: 300 }),
    ]
    expect(firstOf(ask('fastest', options))).toBe('quick')
  })

  it('stays by cheapest while its dollars are fewer, and by inOrder never', () => {
    const options = [option('first', { tariff }), option('warm', warm)]
    expect(firstOf(ask('cheapest', options))).toBe('warm')
    expect(firstOf(ask('inOrder', options))).toBe('first')
  })

  it('loses nothing by going first to a cold one that was not worth it', () => {
    fc.assert(
      fc.property(anyAsk('fastest', 'greenest', 'balanced'), fc.nat(4), (asked, place) => {
        const options: RouteOption[] = asked.options.map((each, i) => ({
          ...each,
          isReluctant: false,
          cachedTokens: i === place ? each.cachedTokens : 0,
        }))
        const { order } = route({ ...asked, options })
        const [first, warmOne] = [options.findIndex(each => each.deployment === order[0]), options[place]]
        if (warmOne === undefined || warmOne.passedOver !== null || first === place) return
        const warmest = Math.min(asked.tokens.input, warmOne.cachedTokens)
        const there = candidateOf(warmOne, place, asked, warmest)
        const here = candidateOf(options[first]!, first, asked, warmest)
        const costs = Number(leavingCosts(there, here))
        expect(costs <= 0 || costs <= worthOver(here, there)).toBe(true)
      }),
      { numRuns: 1_000 },
    )
  })
})
