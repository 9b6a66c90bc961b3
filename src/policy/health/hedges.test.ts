import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HealthBoard } from './board.ts'
import { deploymentOf, modelOf } from './health.fixture.ts'

function budget() {
  const model = modelOf('fast', [deploymentOf('openai/gpt')])
  return new HealthBoard([model], HealthBoard.memoryFor([model]), 0).hedges(model)
}

describe('the budget of hedges', () => {
  it.each([
    [0, 0],
    [49, 0],
    [50, 2],
    [59, 2],
    [60, 3],
    [1_000, 50],
  ])('after %d answered calls has %d', (calls, hedges) => {
    const hedge = budget()
    for (let i = 0; i < calls; i++) hedge.called()
    for (let i = 0; i < hedges; i++) expect(hedge.claim()).toBe(true)
    expect(hedge.claim()).toBe(false)
  })

  it('never gives more than one for twenty calls, and none that can be given is held back', () => {
    fc.assert(
      fc.property(fc.array(fc.boolean(), { maxLength: 800 }), steps => {
        const hedge = budget()
        let calls = 0
        let claimed = 0
        for (const isCall of steps) {
          if (isCall) {
            hedge.called()
            calls++
          } else {
            const isGiven = hedge.claim()
            expect(isGiven).toBe(calls >= 50 && (claimed + 1) * 20 <= calls)
            if (isGiven) claimed++
          }
        }
      }),
    )
  })

  it('takes back one for which nobody could be asked', () => {
    const hedge = budget()
    for (let i = 0; i < 50; i++) hedge.called()
    hedge.claim()
    hedge.claim()
    hedge.giveBack()
    expect([hedge.claim(), hedge.claim()]).toEqual([true, false])
  })

  it('saves up no more than a hundred', () => {
    const hedge = budget()
    for (let i = 0; i < 100_000; i++) hedge.called()
    let claimed = 0
    while (hedge.claim()) claimed++
    expect(claimed).toBe(100)
  })
})
