import { describe, expect, it } from 'vitest'
import { stageLife } from './stage.fixture.ts'

type Stage = ReturnType<typeof stageLife>['stage']

const TOTAL = { scope: 'plan', window: 'total' }

/** Lets the upstream answer the attempt under way. */
function answer(stage: Stage, text: string): void {
  const { sink } = stage
  sink!.head(200, [])
  sink!.data(Buffer.from(text))
  sink!.end()
  stage.durable!(null)
}

describe('a call of a subscriber', () => {
  const plans = {
    pro: {
      subscribers: ['key:ci'],
      included: [{ ...TOTAL, unit: 'requests', amount: 1 }],
      overflow: [{ ...TOTAL, unit: 'requests', amount: 1 }],
    },
  }

  it('is told the plan on whose overflow it is, and nothing while there is room in what is included', () => {
    const { stage, another } = stageLife({ plans })
    answer(stage, 'hello U')
    expect(stage.reply.header('x-penstock-overflow')).toBeUndefined()
    const second = another()
    answer(stage, 'hello U')
    expect([second.status, second.header('x-penstock-overflow')]).toEqual([200, 'pro'])
    expect(stage.uses.map(({ plan }) => plan?.overflow ?? [])).toEqual([[], ['pro']])
  })

  it('burns a limit by the parts of its prompt and by where it was served', () => {
    const burning = {
      subscribers: ['key:ci'],
      included: [
        {
          ...TOTAL,
          unit: 'inputTokens',
          amount: 100_000,
          weights: { cachedInput: '0.1', cacheWrite5m: '1.25', cacheWrite1h: '2' },
          multipliers: { inferenceGeo: { us: '2' } },
        },
      ],
    }
    const { stage } = stageLife({ plans: { burning } })
    answer(stage, 'hello C')
    // Three plain, four read, two and one written: 3 + 0.4 + 2.5 + 2, twice, rounded up.
    expect(stage.limit('plan:burning', 'inputTokens')).toEqual({ used: 16, held: 0 })
  })
})
