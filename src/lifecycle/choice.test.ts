import { describe, expect, it } from 'vitest'
import { A, B } from './lives.fixture.ts'
import { stageLife } from './stage.fixture.ts'

const DEPLOYMENTS = [A, B]

describe('the route of an attempt', () => {
  it('has the deployment among its candidates that is asked once more, with what the call costs there', () => {
    const { stage } = stageLife({ deployments: DEPLOYMENTS, resilience: { attempts: 3 } })
    for (const status of [500, 500, 200]) {
      const { sink } = stage.asked.at(-1)!
      sink!.head(status, [])
      sink!.data(Buffer.from('U'))
      sink!.end()
      stage.pass(100)
    }
    const routes = stage.records[0]!.attempts.map(({ route }) => route!)
    expect(routes.map(({ candidates }) => candidates.map(({ deployment }) => deployment))).toEqual([
      ['a/m', 'b/m'],
      ['b/m'],
      ['a/m'],
    ])
    expect(routes[2]!.candidates[0]!.dollars).toBe(routes[0]!.candidates[0]!.dollars)
    expect(routes[2]!.passedOver).toEqual([{ deployment: 'b/m', why: 'was asked already: serverError' }])
  })
})
