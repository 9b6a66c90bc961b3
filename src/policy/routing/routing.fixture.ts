import fc from 'fast-check'
import type { Deployment, TokenGrams } from '../../vocabulary/deployment.ts'
import { priceTexts, tariffOf } from '../pricing/usage.fixture.ts'
import type { RouteAsk, RouteOption } from './ask.ts'

export const NOW = Date.UTC(2026, 9, 1)

export function deployment(name: string, grams: TokenGrams | null = null): Deployment {
  return { name, upstream: name, model: 'm', dialects: ['openai'], engine: null, replicas: 1, grams }
}

export function option(name: string, known: Partial<RouteOption> & { readonly grams?: TokenGrams } = {}): RouteOption {
  const { grams = null, ...rest } = known
  return {
    deployment: deployment(name, grams),
    passedOver: null,
    isReluctant: false,
    tariff: null,
    cachedTokens: 0,
    timeToFirstTokenMs: null,
    outstanding: 0,
    ...rest,
  }
}

export function ask(by: RouteAsk['by'], options: readonly RouteOption[], rest: Partial<RouteAsk> = {}): RouteAsk {
  return { by, options, tokens: { input: 10_000, output: 500 }, now: NOW, draw: 0.5, ...rest }
}

/** So many draws, spread evenly from 0 to below 1, so that shares of them are exact. */
export function draws(count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (i + 0.5) / count)
}

const grams = fc.option(
  fc.record({
    perInputToken: fc.double({ min: 0, max: 0.001, noNaN: true }),
    perOutputToken: fc.double({ min: 0, max: 0.01, noNaN: true }),
  }),
  { nil: undefined },
)

export const anyOption: fc.Arbitrary<Omit<RouteOption, 'deployment'> & { readonly grams?: TokenGrams }> = fc.record({
  passedOver: fc.option(fc.constantFrom('quiet', 'another dialect'), { nil: null, freq: 3 }),
  isReluctant: fc.boolean(),
  tariff: fc.option(priceTexts.map(tariffOf), { nil: null }),
  cachedTokens: fc.oneof(fc.constant(0), fc.nat(200_000)),
  timeToFirstTokenMs: fc.option(fc.double({ min: 0, max: 60_000, noNaN: true }), { nil: null }),
  outstanding: fc.nat(5),
  grams,
})

/** Any call of a model with up to five deployments, by any of these routes. */
export function anyAsk(...routes: readonly RouteAsk['by'][]): fc.Arbitrary<RouteAsk> {
  return fc.record({
    by: fc.constantFrom(...routes),
    options: fc.array(anyOption, { maxLength: 5 }).map(options => options.map((known, i) => option(`d${i}`, known))),
    tokens: fc.record({ input: fc.nat(200_000), output: fc.nat(20_000) }),
    now: fc.constant(NOW),
    draw: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  })
}
