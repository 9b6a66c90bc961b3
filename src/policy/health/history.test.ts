import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { HealthBoard } from './board.ts'
import { deploymentOf, modelOf, noDraw, START } from './health.fixture.ts'
import { type ReferenceAttempt, ReferenceReplica } from './reference.fixture.ts'
import type { Taken, Verdict } from './taken.ts'

const TERMS = { failures: 3, withinMs: 20_000, openMs: 3_000 }
const GPT = deploymentOf('openai/gpt')
const MODEL = modelOf('fast', [GPT], TERMS)
const VERDICTS: readonly Verdict[] = ['well', 'failed', 'limited', 'none']
const GAPS_MS = [0, 1, 400, 2_000, 3_000, 9_000, 20_000, 31_000, 61_000]

/** How often each thing happened, over all histories. */
const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

const step = fc.oneof(
  { weight: 2, arbitrary: fc.record({ is: fc.constant('wait' as const), ms: fc.constantFrom(...GAPS_MS) }) },
  { weight: 5, arbitrary: fc.record({ is: fc.constant('take' as const), times: fc.integer({ min: 1, max: 5 }) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('answer' as const), which: fc.nat(20) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant('end' as const),
      which: fc.nat(20),
      times: fc.integer({ min: 1, max: 4 }),
      verdict: fc.oneof(fc.constant('failed' as const), fc.constantFrom(...VERDICTS)),
      quietMs: fc.oneof({ weight: 9, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: fc.constant(2_500) }),
    }),
  },
)

/** Two threads' boards over one memory, used in turn, beside the reference. */
class History {
  readonly #reference = new ReferenceReplica(TERMS)
  readonly #healths
  #now = START
  #turns = 0
  readonly #running: { taken: Taken; beside: ReferenceAttempt }[] = []

  constructor() {
    const memory = HealthBoard.memoryFor([MODEL])
    this.#healths = [0, 1].map(thread => new HealthBoard([MODEL], memory, thread).of(MODEL, GPT))
  }

  get #health() {
    return this.#healths[this.#turns++ % 2]!
  }

  wait(ms: number): void {
    this.#now += ms
  }

  take(): void {
    const { kind } = this.#health.standing(this.#now)
    const beside = this.#reference.take(this.#now)
    const taken = this.#health.take(this.#now, noDraw, [])
    expect(taken?.isProbe ?? null).toBe(beside?.isProbe ?? null)
    if (kind === 'open' || kind === 'quiet' || kind === 'probing') expect(taken).toBeNull()
    if (taken !== null && beside !== null) this.#running.push({ taken, beside })
    if (taken?.isProbe) count('probe')
  }

  answer(which: number): void {
    const found = this.#running[which % Math.max(1, this.#running.length)]
    if (found === undefined) return
    found.taken.answered(this.#now, { waitedMs: 5, streamed: true })
    this.#reference.answered(found.beside, this.#now)
  }

  end(which: number, verdict: Verdict, quietMs: number | null): void {
    const [found] = this.#running.splice(which % Math.max(1, this.#running.length), 1)
    if (found === undefined) return
    const quietUntil = quietMs === null ? null : this.#now + quietMs
    found.taken.ended(verdict, this.#now, quietUntil)
    this.#reference.ended(found.beside, verdict, { now: this.#now, quietUntil })
  }

  endAll(): void {
    while (this.#running.length > 0) this.end(0, 'none', null)
    this.compare()
    expect(this.#health.outstanding()).toBe(0)
  }

  compare(): void {
    const { kind } = this.#health.standing(this.#now)
    expect(kind).toBe(this.#reference.kind(this.#now))
    expect(this.#health.outstanding()).toBe(this.#reference.outstanding.size)
    count(kind)
  }
}

describe('the history of a replica', () => {
  it('is that of the plainest breaker, whatever happens in whatever order, on whichever thread', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 120 }), steps => {
        const history = new History()
        for (const each of steps) {
          if (each.is === 'wait') history.wait(each.ms)
          else if (each.is === 'answer') history.answer(each.which)
          else if (each.is === 'take') for (let i = 0; i < each.times; i++) history.take()
          else for (let i = 0; i < each.times; i++) history.end(each.which, each.verdict, each.quietMs)
          history.compare()
        }
        history.endAll()
      }),
      { numRuns: 500 },
    )
    for (const what of ['ready', 'recovering', 'probing', 'open', 'quiet', 'probe']) {
      expect(reached.get(what) ?? 0, what).toBeGreaterThan(100)
    }
  })
})
