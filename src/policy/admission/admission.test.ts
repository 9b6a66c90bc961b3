import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decideAdmission } from './admission.ts'

const CALL = { account: 'ci', model: 'fast' }

describe('admission', () => {
  it('holds the worst case of the dearest deployment', () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt({ min: 0n, max: 10n ** 15n }), { minLength: 1 }), worstCases => {
        const admission = decideAdmission({ ...CALL, worstCases })
        const dearest = worstCases.reduce((a, b) => (a > b ? a : b))
        expect(admission).toEqual({ kind: 'admit', hold: { account: 'ci', dollars: dearest } })
      }),
    )
  })

  it('holds no amount when the price at any deployment is unknown', () => {
    for (const worstCases of [[null], [5n, null], [null, 5n]]) {
      expect(decideAdmission({ ...CALL, worstCases })).toEqual({
        kind: 'admit',
        hold: { account: 'ci', dollars: null },
      })
    }
  })

  it('refuses what nothing can serve, by name', () => {
    expect(decideAdmission({ ...CALL, worstCases: [] })).toEqual({
      kind: 'refuse',
      refusal: { cause: 'noDeployment', message: "no deployment serves the model 'fast'" },
    })
  })
})
