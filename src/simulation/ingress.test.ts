import { expect, it } from 'vitest'
import { MODELLED_ENGINES } from './coefficients.ts'
import { ingressMs } from './ingress.ts'

it.each(MODELLED_ENGINES)('the way in and out of %s takes milliseconds, not none and not a second', engine => {
  expect(ingressMs(engine)).toBeGreaterThan(1)
  expect(ingressMs(engine)).toBeLessThan(100)
})
