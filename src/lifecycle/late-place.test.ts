import { describe, expect, it } from 'vitest'
import type { PlaceAnswer, PlaceEnd, Places } from '../ports/places.ts'
import { DEPLOYMENT, type StageOptions, stageLife } from './stage.fixture.ts'

const OWNED = { ...DEPLOYMENT, engine: 'vllm' } as const

/** A life whose places come when a test says so, as from another thread. */
function stageLate(over: StageOptions) {
  const answers: ((answer: PlaceAnswer) => void)[] = []
  const ends: PlaceEnd[] = []
  const places: Places = {
    ask: (_, answer) => {
      answers.push(answer)
      return () => {}
    },
  }
  const { stage } = stageLife({ deployments: [OWNED], places, ...over })
  const ended = (end: PlaceEnd) => void ends.push(end)
  const place = { deployment: 'u/m', replica: 0, address: null, expectedCachedTokens: 0, began: () => {}, ended }
  return { stage, ends, give: () => answers.at(-1)!({ kind: 'place', place }) }
}

describe('a place that comes', () => {
  it('when the deadline of the call has passed is given back unused, and the call is told that it found none in time', () => {
    const { stage, ends, give } = stageLate({ call: { deadlineAt: 1_800_000_000_000 + 100 } })
    stage.pass(101)
    expect(stage.refused).toEqual([])
    give()
    expect(stage.asked).toHaveLength(0)
    expect(ends).toEqual([{ usage: null, isWhole: false }])
    expect(stage.refused).toEqual(['queueTimeout'])
  })

  it('after the total of the call is used, since its wait does not count', () => {
    const { stage, give } = stageLate({ timeLimits: { totalMs: 1_000 } })
    stage.pass(5_000)
    give()
    expect(stage.asked).toHaveLength(1)
    stage.pass(999)
    expect(stage.records).toEqual([])
    stage.pass(1)
    expect(stage.records[0]!.attempts[0]!.outcome).toBe('timedOut')
  })
})
