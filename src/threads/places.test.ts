import { describe, expect, it } from 'vitest'
import type { Place, PlaceAnswer } from '../ports/places.ts'
import type { Usage } from '../vocabulary/usage.ts'
import { placeAsk, stageThreads } from './stage.fixture.ts'

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

async function rest(turns = 12): Promise<void> {
  for (let i = 0; i < turns; i++) await turn()
}

function placeIn(answer: PlaceAnswer | null): Place {
  if (answer?.kind !== 'place') throw new Error(`expected a place, got ${answer?.kind ?? 'no answer'}`)
  return answer.place
}

const USAGE: Usage = {
  inputTokens: 100,
  cachedInputTokens: 64,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 7,
  reasoningTokens: 0,
  source: 'reported',
}

/** What a thread was answered when it asked for a tenant. */
function asking(stage: ReturnType<typeof stageThreads>, thread: number, tenant: string) {
  const asked = { answer: null as PlaceAnswer | null, leave: () => {} }
  const leave = stage.planes[thread]!.places.ask(placeAsk(tenant), answer => {
    asked.answer = answer
  })
  asked.leave = leave
  return asked
}

describe('places on engines over threads', () => {
  it('are given to one queue of all threads, in order, and told of what came of them', async () => {
    const stage = stageThreads([])
    const first = asking(stage, 0, 'a')
    await rest()
    const second = asking(stage, 1, 'b')
    await rest()
    expect(second.answer).toBe(null)
    const place = placeIn(first.answer)
    expect(place).toMatchObject({ deployment: 'pool/m', replica: 1, address: null, expectedCachedTokens: 64 })
    place.began(12)
    place.ended({ usage: USAGE, isWhole: true })
    await rest()
    placeIn(second.answer).ended({ usage: null, isWhole: false })
    await rest()
    expect(stage.places.events).toEqual(['a began after 12', 'a ended with 7', 'b ended with nothing'])
    expect(stage.places.isTaken).toBe(false)
  })

  it('are not waited for by those that left, and come back from those that left as they were given', async () => {
    const stage = stageThreads([])
    const first = asking(stage, 0, 'a')
    await rest()
    const waiting = asking(stage, 1, 'b')
    await rest()
    waiting.leave()
    await rest()
    expect(stage.places.waiting).toHaveLength(0)
    placeIn(first.answer).ended({ usage: null, isWhole: false })
    await rest()
    // It leaves in the turn in which it is given its place.
    const late = asking(stage, 0, 'c')
    late.leave()
    await rest()
    expect(late.answer).toBe(null)
    expect(stage.places.isTaken).toBe(false)
  })

  it('of a thread that died come back, and its calls leave the queue', async () => {
    const stage = stageThreads([])
    const first = asking(stage, 0, 'a')
    await rest()
    placeIn(first.answer)
    asking(stage, 0, 'b')
    const other = asking(stage, 1, 'c')
    await rest()
    stage.owner.detach(stage.lessees[0]!)
    await rest()
    placeIn(other.answer)
    expect(stage.places.events).toEqual(['b left', 'a ended with nothing'])
  })
})
