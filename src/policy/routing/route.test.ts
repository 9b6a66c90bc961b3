import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ROUTES } from '../../vocabulary/route.ts'
import { tariffOf } from '../pricing/usage.fixture.ts'
import type { RouteAsk, RouteOption } from './ask.ts'
import { route } from './route.ts'
import { anyAsk, ask, draws, option } from './routing.fixture.ts'
import { isAsFast } from './worth.ts'

const names = (asked: RouteAsk) => route(asked).order.map(({ name }) => name)

/** How often each came first over evenly spread draws. */
function firsts(by: RouteAsk['by'], options: readonly RouteOption[], count = 1_000): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {}
  for (const draw of draws(count)) {
    const [first] = names(ask(by, options, { draw }))
    counts[first!] = (counts[first!] ?? 0) + 1
  }
  return counts
}

describe('any route', () => {
  it('makes every option a candidate or passes it over with its reason, and orders as it records', () => {
    fc.assert(
      fc.property(anyAsk(...ROUTES), asked => {
        const { order, record } = route(asked)
        expect(record.by).toBe(asked.by)
        expect(record.candidates.map(each => each.deployment)).toEqual(order.map(({ name }) => name))
        expect(order.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(
          asked.options.filter(({ passedOver }) => passedOver === null).map(({ deployment }) => deployment),
        )
        expect(record.passedOver).toEqual(
          asked.options
            .filter(({ passedOver }) => passedOver !== null)
            .map(({ deployment, passedOver }) => ({ deployment: deployment.name, why: passedOver })),
        )
      }),
    )
  })

  it('never prefers a reluctant deployment to a willing one', () => {
    fc.assert(
      fc.property(anyAsk(...ROUTES), asked => {
        const reluctant = route(asked).order.map(
          deployment => asked.options.find(each => each.deployment === deployment)!.isReluctant,
        )
        expect(reluctant).toEqual(reluctant.toSorted())
      }),
    )
  })
})

describe('inOrder', () => {
  it('keeps the configured order, whatever is known, and scores by it', () => {
    fc.assert(
      fc.property(anyAsk('inOrder'), asked => {
        const options = asked.options.map(each => ({ ...each, isReluctant: false, passedOver: null }))
        const { record } = route({ ...asked, options })
        expect(record.candidates.map(each => [each.deployment, each.score])).toEqual(
          options.map(({ deployment }, i) => [deployment.name, i]),
        )
      }),
    )
  })
})

describe('cheapest', () => {
  it('never costs more than another that could be asked, and asks those of unknown price last', () => {
    fc.assert(
      fc.property(anyAsk('cheapest'), asked => {
        const options = asked.options.map(each => ({ ...each, isReluctant: false }))
        const dollars = route({ ...asked, options }).record.candidates.map(each => each.dollars)
        const known = dollars.filter(each => each !== null)
        expect(dollars.slice(0, known.length)).toEqual(known)
        for (let i = 1; i < known.length; i++) expect(known[i - 1]! <= known[i]!).toBe(true)
      }),
    )
  })

  const cheapInput = option('cheap input', { tariff: tariffOf({ input: '0.10', output: '80' }) })
  const cheapOutput = option('cheap output', { tariff: tariffOf({ input: '20', output: '1' }) })
  it.each([
    [{ input: 10_000, output: 16 }, 'cheap input'],
    [{ input: 20, output: 200 }, 'cheap output'],
  ])('goes by what this call costs: %j to %s', (tokens, first) => {
    expect(names(ask('cheapest', [cheapInput, cheapOutput], { tokens }))[0]).toBe(first)
  })

  it('tells dollars as they would be billed, and as the score', () => {
    const { candidates } = route(ask('cheapest', [cheapInput, option('unknown')])).record
    expect(candidates).toEqual([
      { deployment: 'cheap input', score: 0.041, dollars: 41_000_000n },
      { deployment: 'unknown', score: null, dollars: null },
    ])
  })

  it('counts what is cached at its price, or as input where that has none', () => {
    const warm = { cachedTokens: 8_000 }
    const priced = option('priced', { tariff: tariffOf({ input: '1', cachedInput: '0.1', output: '2' }), ...warm })
    const unpriced = option('unpriced', { tariff: tariffOf({ input: '0.5', output: '2' }), ...warm })
    expect(route(ask('cheapest', [unpriced, priced])).record.candidates.map(each => each.dollars)).toEqual([
      2_000_000n + 800_000n + 1_000_000n,
      5_000_000n + 1_000_000n,
    ])
  })

  it('counts writing to a cold cache what was cached elsewhere', () => {
    const tariff = tariffOf({ input: '1', cachedInput: '0.1', cacheWrite5m: '1.25', output: '2' })
    const options = [option('cold', { tariff }), option('warm', { tariff, cachedTokens: 8_000 })]
    expect(route(ask('cheapest', options)).record.candidates.map(each => each.dollars)).toEqual([
      2_000_000n + 800_000n + 1_000_000n,
      2_000_000n + 10_000_000n + 1_000_000n,
    ])
  })

  it('spreads over those that cost the same', () => {
    const tariff = tariffOf({ input: '1', output: '2' })
    expect(firsts('cheapest', [option('a', { tariff }), option('b', { tariff })])).toEqual({ a: 500, b: 500 })
  })
})

describe('fastest', () => {
  const quick = option('quick', { timeToFirstTokenMs: 100 })
  const slow = option('slow', { timeToFirstTokenMs: 400 })

  it('goes to the quicker, and tries a slower one again with 2 % of the calls', () => {
    expect(firsts('fastest', [slow, quick])).toEqual({ quick: 980, slow: 20 })
    expect(route(ask('fastest', [slow, quick])).record.candidates.map(each => each.score)).toEqual([100, 400])
  })

  it('tries an idle one of unknown speed with a quarter of the calls, and a busy one only after all others', () => {
    expect(firsts('fastest', [quick, option('new')])).toEqual({ quick: 750, new: 250 })
    expect(firsts('fastest', [quick, option('new', { outstanding: 1 })])).toEqual({ quick: 1_000 })
  })

  it('spreads over those of which nothing is known', () => {
    expect(firsts('fastest', [option('a'), option('b')])).toEqual({ a: 500, b: 500 })
    expect(firsts('fastest', [option('a', { outstanding: 1 }), option('b')])).toEqual({ b: 1_000 })
  })

  it('takes times that differ by noise as equal', () => {
    const alike = option('alike', { timeToFirstTokenMs: 119 })
    expect(firsts('fastest', [quick, alike])).toEqual({ quick: 500, alike: 500 })
    expect(firsts('fastest', [{ ...quick, outstanding: 2 }, alike])).toEqual({ alike: 1_000 })
  })

  it('sends most calls to the quicker once it has had some to learn from', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { minLength: 72, maxLength: 72 }),
        chances => {
          const learnt: (number | null)[] = [null, null]
          const counts = [0, 0]
          // Calls come four at once; what they take is known when all of them are answered.
          for (let round = 0; round < 18; round++) {
            const outstanding = [0, 0]
            for (const draw of chances.slice(4 * round, 4 * round + 4)) {
              const options = learnt.map((timeToFirstTokenMs, i) =>
                option(`${i}`, { timeToFirstTokenMs, outstanding: outstanding[i]! }),
              )
              const first = Number(names(ask('fastest', options, { draw }))[0])
              outstanding[first]!++
              if (round >= 8) counts[first]!++
            }
            for (const i of [0, 1]) if (outstanding[i]! > 0) learnt[i] = i === 0 ? 302 : 2
          }
          const tried = chances.slice(32).filter(draw => draw < 0.02).length
          expect(counts[1]).toBe(40 - tried)
        },
      ),
    )
  })

  it('puts a shorter time first, but for noise, what is tried, and warm caches', () => {
    fc.assert(
      fc.property(anyAsk('fastest'), asked => {
        const options = asked.options.map(each => ({ ...each, isReluctant: false, cachedTokens: 0, outstanding: 1 }))
        const times = route({ ...asked, options, draw: 0.5 }).record.candidates.map(each => each.score)
        const known = times.filter(each => each !== null)
        expect(times.slice(0, known.length)).toEqual(known)
        for (let i = 1; i < known.length; i++) expect(isAsFast(known[i - 1]!, known[i]!)).toBe(true)
      }),
    )
  })
})

describe('greenest', () => {
  const clean = { perInputToken: 0.000_01, perOutputToken: 0.000_1 }
  const dirty = { perInputToken: 0.000_1, perOutputToken: 0.001 }

  it('goes by the grams of the call, and to those of unknown footprint last', () => {
    const options = [option('unknown'), option('dirty', { grams: dirty }), option('clean', { grams: clean })]
    const { candidates } = route(ask('greenest', options)).record
    expect(candidates.map(each => each.deployment)).toEqual(['clean', 'dirty', 'unknown'])
    expect(candidates[0]!.score).toBeCloseTo(0.1 + 0.05)
    expect(candidates[2]!.score).toBeNull()
  })

  it('counts cached input as a tenth', () => {
    const { candidates } = route(ask('greenest', [option('warm', { grams: clean, cachedTokens: 8_000 })])).record
    expect(candidates[0]!.score).toBeCloseTo(0.02 + 0.008 + 0.05)
  })
})

describe('balanced', () => {
  const tariff = tariffOf({ input: '1', cachedInput: '0.1', output: '2' })

  it('spreads over those that are alike, fewest under way first', () => {
    const alike = ['a', 'b', 'c'].map(name => option(name, { tariff, timeToFirstTokenMs: 150 }))
    expect(firsts('balanced', alike, 999)).toEqual({ a: 333, b: 333, c: 333 })
    const busy = alike.map((each, i) => ({ ...each, outstanding: [2, 1, 3][i]! }))
    expect(firsts('balanced', busy)).toEqual({ b: 1_000 })
  })

  it('gives each of three alike its share of calls that come at once', () => {
    const counts = [0, 0, 0]
    for (const draw of draws(36)) {
      const alike = counts.map((outstanding, i) => option(`${i}`, { tariff, outstanding }))
      counts[Number(names(ask('balanced', alike, { draw }))[0])]!++
    }
    expect(counts).toEqual([12, 12, 12])
  })

  it.each([
    ['dollars', { tariff: tariffOf({ input: '2', cachedInput: '0.1', output: '2' }) }],
    ['seconds', { timeToFirstTokenMs: 60_000 }],
    ['grams', { grams: { perInputToken: 0.01, perOutputToken: 0.1 } }],
  ])('prefers the one that is better by %s, other things being equal', (_, worse) => {
    const known = { tariff, timeToFirstTokenMs: 150, grams: { perInputToken: 0, perOutputToken: 0 } }
    const options = [option('worse', { ...known, ...worse }), option('better', known)]
    expect(names(ask('balanced', options))).toEqual(['better', 'worse'])
  })

  it('pays more where that saves time that is worth it', () => {
    const dear = option('dear', { tariff: tariffOf({ input: '1.1', output: '2' }), timeToFirstTokenMs: 500 })
    const slow = option('slow', { tariff, timeToFirstTokenMs: 5_000 })
    expect(names(ask('balanced', [slow, dear]))).toEqual(['dear', 'slow'])
  })

  it('tries one again that only its time puts behind, but none that costs more', () => {
    const good = option('good', { tariff, timeToFirstTokenMs: 150 })
    const dear = option('dear', { tariff: tariffOf({ input: '9', output: '9' }), timeToFirstTokenMs: 150 })
    const slow = option('slow', { tariff, timeToFirstTokenMs: 9_000 })
    expect(firsts('balanced', [dear, slow, good])).toEqual({ good: 980, slow: 20 })
  })

  it('neither prefers nor avoids one of which nothing is known', () => {
    const known = { tariff, timeToFirstTokenMs: 150, grams: { perInputToken: 0.000_1, perOutputToken: 0.001 } }
    expect(firsts('balanced', [option('known', known), option('new')])).toEqual({ known: 500, new: 500 })
  })
})
