import { describe, expect, it } from 'vitest'
import type { PlaceAnswer, PlaceAsk, Places } from '../ports/places.ts'
import { DEPLOYMENT, type StageOptions, stageLife } from './stage.fixture.ts'

const POOL = { ...DEPLOYMENT, engine: 'vllm', replicas: 3 } as const

/** Gives the first replica that was not tried; who may not wait gets none, and others what `answers` has for them. */
class StagedPlaces implements Places {
  readonly asks: PlaceAsk[] = []
  readonly ends: (readonly [number, boolean])[] = []
  given = 0

  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): null {
    this.asks.push(ask)
    if (!ask.mayWait) {
      answer({ kind: 'none' })
      return null
    }
    const [{ name, tried }] = ask.deployments as [PlaceAsk['deployments'][number]]
    const replica = [0, 1, 2].find(each => !tried.includes(each)) ?? 0
    this.given++
    answer({
      kind: 'place',
      place: {
        deployment: name,
        replica,
        address: null,
        expectedCachedTokens: 0,
        began: () => {},
        ended: ({ isWhole }) => this.ends.push([replica, isWhole]),
      },
    })
    return null
  }
}

function livesAt(places: StagedPlaces, over: StageOptions = {}) {
  const lives = stageLife({
    deployments: [POOL],
    places,
    ...over,
    resilience: { attempts: 3, ...over.resilience },
  })
  const answer = (n: number, status: number, text: string) => {
    const { sink } = lives.stage.asked[n]!
    sink!.head(status, [])
    sink!.data(Buffer.from(text))
    sink!.end()
  }
  return { ...lives, answer }
}

describe('a call on owned engines', () => {
  it('asks for another place where one failed it, with the turn that it had', () => {
    const places = new StagedPlaces()
    const { stage, answer } = livesAt(places)
    const { since } = places.asks[0]!
    stage.pass(700)
    answer(0, 500, 'oh')
    expect(places.asks.map(({ deployments, since }) => [deployments[0]!.tried, since])).toEqual([
      [[], since],
      [[0], since],
    ])
    answer(1, 200, 'U')
    expect(places.ends).toEqual([
      [0, false],
      [1, true],
    ])
  })

  it('may still wait for a place when there was none for its rival', () => {
    const places = new StagedPlaces()
    const { stage, answer, another } = livesAt(places, { resilience: { hedgeAfterMs: 500 } })
    answer(0, 200, 'U')
    for (let n = 1; n < 60; n++) {
      another()
      answer(n, 200, 'U')
    }
    const reply = another()
    stage.pass(500)
    expect(places.asks.at(-1)!.mayWait).toBe(false)
    answer(60, 500, 'oh')
    answer(61, 200, 'second U')
    stage.durable!(null)
    expect(reply.text).toBe('second U')
    expect(places.ends).toHaveLength(places.given)
  })
})
