import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseDollars } from '../../units/money.ts'
import type { LimitView } from '../../vocabulary/limit.ts'
import type { ActualAmounts, Amounts, LimitedCall } from '../../vocabulary/limited-call.ts'
import type { LimitBook } from '../limits/book.ts'
import type { Decision } from '../limits/decision.ts'
import { atMost, callOf } from '../limits/limits.fixture.ts'
import { bookOfPlans, planLimits } from '../limits/plans.fixture.ts'
import { commitmentOf } from './commitment.ts'

const FOLDER = new URL('../../../examples/plans/', import.meta.url)
const NANO = 1_000_000_000
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

type Plans = Readonly<Record<string, Readonly<Record<string, unknown>>>>

function plansOf(name: string): Plans {
  return (parse(readFileSync(new URL(`${name}.yaml`, FOLDER), 'utf8')) as { plans: Plans }).plans
}

function costing(dollars: string): Amounts {
  return { dollars: parseDollars(dollars)!, inputTokens: 0, outputTokens: 0 }
}

/** A book and a clock, told in sentences. */
class Story {
  readonly book: LimitBook
  now: number

  constructor(plans: Plans, start: string) {
    this.now = Date.parse(start)
    this.book = bookOfPlans(plans, this.now)
  }

  decide(call: LimitedCall, dollars: string): Decision {
    return this.book.decide(call, atMost(costing(dollars)), this.now)
  }

  /** A call that uses what it holds. */
  call(call: LimitedCall, dollars: string): 'included' | 'overflow' | Decision {
    const decision = this.decide(call, dollars)
    if (decision.kind !== 'admit') return decision
    this.book.post(decision.hold, costing(dollars), this.now)
    return decision.overflow.length > 0 ? 'overflow' : 'included'
  }

  views({ caller }: LimitedCall, part: string): readonly LimitView[] {
    return this.book.view(caller, this.now).filter(view => view.part === part)
  }
}

describe('examples of plans', () => {
  it('are all read', () => {
    const names = readdirSync(FOLDER).map(file => file.replace('.yaml', ''))
    expect(names.sort()).toEqual(['claude', 'committed', 'copilot', 'cursor'])
    for (const name of names) {
      for (const [plan, value] of Object.entries(plansOf(name)))
        expect(planLimits(plan, value).length).toBeGreaterThan(0)
    }
  })
})

describe('a Claude plan', () => {
  const laptop = callOf({ key: 'laptop', team: 'search', user: 'ana' })
  const code = callOf({ key: 'code', team: 'search', user: 'ana' })
  const ben = callOf({ key: 'ben', team: 'search', user: 'ben' })
  const start = '2026-10-05T09:10:00Z'

  it('opens a session with its first use, for all tools of a user together, and resets it five hours later', () => {
    const story = new Story(plansOf('claude'), start)
    expect(story.call(laptop, '7')).toBe('included')
    story.now += 2 * HOUR
    expect(story.call(code, '5')).toBe('included')
    expect(story.views(code, 'included')[0]).toMatchObject({
      scope: 'user:ana',
      used: 12 * NANO,
      left: 0,
      resetsAt: Date.parse('2026-10-05T14:10:00Z'),
    })
    expect(story.call(ben, '12')).toBe('included')
    story.now = Date.parse('2026-10-05T14:09:59.999Z')
    expect(story.call(ben, '0.01')).toMatchObject({ kind: 'refuse', scope: 'user:ben' })
    story.now += 1
    expect(story.call(laptop, '12')).toBe('included')
  })

  it('caps the week, from its first use on, whatever the sessions have left', () => {
    const story = new Story(plansOf('claude'), start)
    // Eight sessions at their most are 96 dollars: the ninetieth is the last.
    const used: unknown[] = []
    for (let session = 0; session < 8; session++) {
      for (let call = 0; call < 12; call++) used.push(story.call(ben, '1'))
      story.now += 5 * HOUR
    }
    expect(used.filter(what => what === 'included').length).toBe(90)
    const refusal = story.call(ben, '1')
    expect(refusal).toMatchObject({ kind: 'refuse', resetsAt: Date.parse('2026-10-12T09:10:00Z') })
    story.now = Date.parse('2026-10-12T09:10:00Z')
    expect(story.call(ben, '1')).toBe('included')
  })

  it('has a weekly cap of its own for the largest model', () => {
    const story = new Story(plansOf('claude'), start)
    const opus = { ...ben, model: 'claude-opus' }
    const used: unknown[] = []
    for (let session = 0; session < 4; session++) {
      for (let call = 0; call < 10; call++) used.push(story.call(opus, '1'))
      story.now += 5 * HOUR
    }
    expect(used.filter(what => what === 'included').length).toBe(30)
    expect(story.call({ ...ben, model: 'claude-sonnet' }, '1')).toBe('included')
  })

  it('goes on with usage credits: the gift first, then what was bought, up to the cap of the month', () => {
    const story = new Story(plansOf('claude'), start)
    expect(story.call(laptop, '12')).toBe('included')
    for (let call = 0; call < 7; call++) expect(story.call(laptop, '1')).toBe('overflow')
    const credits = story.book
      .view(laptop.caller, story.now)
      .find(view => view.part === 'overflow' && view.window === 'total')!
    const grants = () =>
      [...story.book.grants(credits.limit!, story.now)][0]!.grants.map(({ id, used, remaining }) => [
        id,
        used / NANO,
        remaining / NANO,
      ])
    expect(grants()).toEqual([
      ['welcome', 5, 0],
      ['bought-october', 2, 38],
    ])
    for (let call = 0; call < 13; call++) expect(story.call(laptop, '1')).toBe('overflow')
    expect(story.call(laptop, '1')).toMatchObject({ kind: 'refuse', part: 'included' })
    // In the next session the plan is first again, and in the next month the credits have a cap of their own again.
    story.now += 5 * HOUR
    expect(story.call(laptop, '12')).toBe('included')
    expect(story.call(laptop, '1')).toMatchObject({ kind: 'refuse' })
    story.now = Date.parse('2026-11-01T00:00:00Z')
    expect(story.call(laptop, '12')).toBe('included')
    expect(story.call(laptop, '20')).toBe('overflow')
    expect(grants()).toEqual([
      ['welcome', 5, 0],
      ['bought-october', 35, 5],
    ])
  })

  it('loses what is unused of a gift when it expires', () => {
    const story = new Story(plansOf('claude'), '2026-10-31T23:00:00Z')
    story.call(laptop, '12')
    expect(story.call(laptop, '3')).toBe('overflow')
    const credits = story.views(laptop, 'overflow').find(view => view.expiresAt !== undefined)!
    expect(credits).toMatchObject({ left: 42 * NANO, expiresAt: Date.parse('2026-11-01T00:00:00Z') })
    story.now = Date.parse('2026-11-01T00:00:00Z')
    expect(story.views(laptop, 'overflow').find(view => view.expiresAt !== undefined)).toMatchObject({
      left: 40 * NANO,
    })
  })
})

describe('Copilot', () => {
  const user = (name: string, tags = {}) => callOf({ key: name, user: name, tags })
  const users = Array.from({ length: 12 }, (_, i) => user(`user-${i}`))
  const researcher = user('rosa', { costCentre: 'research' })
  const start = '2026-10-20T12:00:00Z'
  const pool = (story: Story) => story.views(users[0]!, 'included')[0]!

  /** Uses the pool up, every user within their own budget. */
  function exhaust(story: Story): void {
    for (const each of users.slice(0, 7)) for (let i = 0; i < 11; i++) expect(story.call(each, '5')).toBe('included')
  }

  it('pools 38,500 credits of ten Business and five Enterprise seats, and carries none over', () => {
    const story = new Story(plansOf('copilot'), start)
    expect(pool(story)).toMatchObject({ scope: 'plan:copilot', amount: 38_500 * (NANO / 100) })
    exhaust(story)
    expect(pool(story)).toMatchObject({ left: 0, resetsAt: Date.parse('2026-11-01T00:00:00Z') })
    story.now = Date.parse('2026-10-31T23:59:59.999Z')
    expect(story.call(users[8]!, '1')).toBe('overflow')
    story.now += 1
    expect(story.call(users[8]!, '1')).toBe('included')
    story.now = Date.parse('2026-12-01T00:00:00Z')
    expect(pool(story)).toMatchObject({ amount: 385 * NANO, used: 0 })
  })

  it('counts added seats at once, and removed ones from the next cycle', () => {
    const plans = plansOf('copilot')
    const story = new Story(plans, start)
    const reseat = (business: number) => {
      const [included] = plans.copilot!.included as readonly Record<string, unknown>[]
      const [first, ...others] = included!.seats as readonly Record<string, unknown>[]
      const seats = [{ ...first, count: business }, ...others]
      for (const limit of planLimits('copilot', { ...plans.copilot, included: [{ ...included, seats }] }))
        story.book.put(limit, story.now)
    }
    reseat(12)
    expect(pool(story).amount).toBe(423 * NANO)
    reseat(8)
    expect(pool(story).amount).toBe(423 * NANO)
    story.now = Date.parse('2026-11-01T00:00:00Z')
    expect(pool(story).amount).toBe(347 * NANO)
  })

  it('asks the budget of the user first, which is hard though the pool has room: the individual one, else the universal', () => {
    const story = new Story(plansOf('copilot'), start)
    const spend = (who: LimitedCall) =>
      Array.from({ length: 20 }, () => story.call(who, '5')).filter(what => what === 'included').length
    expect(spend(users[0]!)).toBe(12)
    expect(story.call(users[0]!, '5')).toMatchObject({ kind: 'refuse', scope: 'user:user-0', part: 'limits', left: 0 })
    expect(spend(user('ana'))).toBe(16)
    expect(pool(story).left).toBe((385 - 60 - 80) * NANO)
  })

  it('then the pool, then the budget of the cost centre, else of the organisation', () => {
    const story = new Story(plansOf('copilot'), start)
    exhaust(story)
    expect(Array.from({ length: 5 }, () => story.call(researcher, '5'))).toEqual(Array(5).fill('overflow'))
    expect(story.call(researcher, '5')).toMatchObject({ kind: 'refuse', resetsAt: Date.parse('2026-11-01T00:00:00Z') })
    const organisation = () => story.views(users[0]!, 'overflow')[0]!
    expect(organisation()).toMatchObject({ scope: 'plan:copilot', used: 0 })
    for (const each of [users[8]!, users[9]!])
      for (let i = 0; i < 10; i++) expect(story.call(each, '5')).toBe('overflow')
    expect(organisation()).toMatchObject({ used: 100 * NANO, left: 0 })
    expect(story.call(users[10]!, '5')).toMatchObject({ kind: 'refuse' })
  })

  it('holds in a crowd: of 200 calls at once as many are admitted as pool and budget have room for', () => {
    const story = new Story(plansOf('copilot'), start)
    const crowd = Array.from({ length: 200 }, (_, i) => story.decide(users[i % 12]!, '5'))
    const admitted = crowd.filter(decision => decision.kind === 'admit')
    expect(admitted.filter(({ overflow }) => overflow.length === 0).length).toBe(77)
    expect(admitted.length).toBe(77 + 20)
  })
})

describe('Cursor', () => {
  const ana = callOf({ key: 'a', team: 'search', user: 'ana' })
  const ben = callOf({ key: 'b', team: 'search', user: 'ben' })

  it('includes 20 dollars a user and billing month, then is on demand up to a cap', () => {
    const story = new Story(plansOf('cursor'), '2026-10-20T12:00:00Z')
    const spent = Array.from({ length: 80 }, () => story.call(ana, '1'))
    expect(spent.map(what => (typeof what === 'string' ? what : what.kind))).toEqual([
      ...Array(20).fill('included'),
      ...Array(50).fill('overflow'),
      ...Array(10).fill('refuse'),
    ])
    expect(spent.at(-1)).toMatchObject({ resetsAt: Date.parse('2026-11-15T00:00:00Z') })
    expect(story.call(ben, '20')).toBe('included')
    story.now = Date.parse('2026-11-15T00:00:00Z')
    expect(story.call(ana, '20')).toBe('included')
  })

  it('lets the last dollar of what is included be used by a call that fits into it, and splits none', () => {
    const story = new Story(plansOf('cursor'), '2026-10-20T12:00:00Z')
    expect([story.call(ana, '18'), story.call(ana, '3'), story.call(ana, '2')]).toEqual([
      'included',
      'overflow',
      'included',
    ])
  })

  it('may have no overflow at all for some', () => {
    const story = new Story(plansOf('cursor'), '2026-10-20T12:00:00Z')
    const zoe = callOf({ key: 'z', user: 'zoe' })
    expect(story.call(zoe, '400')).toBe('included')
    expect(story.call(zoe, '0.01')).toMatchObject({ kind: 'refuse' })
  })
})

describe('committed volume', () => {
  const opus = callOf({ key: 'a', team: 'search' }, { model: 'claude-opus' })
  const start = '2026-10-20T12:00:00Z'
  // G9 of the notes: 10,000 uncached, 80,000 read, 20,000 written for five minutes and 10,000 for an hour, in the US.
  const g9: ActualAmounts = {
    dollars: 541_500_000n,
    inputTokens: 120_000,
    cachedInputTokens: 80_000,
    cacheWrite5mTokens: 20_000,
    cacheWrite1hTokens: 10_000,
    outputTokens: 6_000,
    circumstances: { inferenceGeo: 'us' },
  }
  const whole = ({
    cachedInputTokens: _,
    cacheWrite5mTokens: __,
    cacheWrite1hTokens: ___,
    ...amounts
  }: ActualAmounts) => amounts

  it('burns at its rates: 69,300 of input and 6,600 of output', () => {
    const story = new Story(plansOf('committed'), start)
    const decision = story.book.decide(opus, atMost(whole(g9)), story.now)
    if (decision.kind !== 'admit') throw new Error(decision.kind)
    story.book.post(decision.hold, g9, story.now)
    expect(story.views(opus, 'included').map(({ unit, used }) => [unit, used])).toEqual([
      ['inputTokens', 69_300],
      ['outputTokens', 6_600],
    ])
    expect(story.views(opus, 'overflow')[0]).toMatchObject({ used: 0 })
  })

  it('is used and unused exactly, and what has no room in it is at standard prices', () => {
    const story = new Story(plansOf('committed'), start)
    let overflow = 0
    for (let i = 0; i < 20; i++) {
      const decision = story.book.decide(opus, atMost(whole(g9)), story.now)
      if (decision.kind !== 'admit') throw new Error(decision.kind)
      if (decision.overflow.length > 0) overflow++
      story.book.post(decision.hold, g9, story.now)
    }
    const [input, output] = story.views(opus, 'included').map(commitmentOf)
    // Eleven calls: a twelfth may burn up to 264,000, since nobody knows yet what of it is cached, and 237,700 are left.
    expect(input).toEqual({ purchase: 1_000_000, used: 762_300, unused: 237_700, beyond: 0 })
    expect(output).toEqual({ purchase: 100_000, used: 72_600, unused: 27_400, beyond: 0 })
    expect(overflow).toBe(9)
    expect(story.views(opus, 'overflow')[0]).toMatchObject({ used: 9 * 541_500_000 })
  })

  it('tells apart what is on top of the purchase', () => {
    const view = { amount: 100, used: 130 } as LimitView
    expect(commitmentOf(view)).toEqual({ purchase: 100, used: 100, unused: 0, beyond: 30 })
  })

  it('of 15 provisioned units of gpt-5 is taken at 89.82% by twenty calls a minute of 1,600 uncached and 200 output', () => {
    const story = new Story(plansOf('committed'), start)
    const gpt = callOf({ key: 'b', team: 'ads' }, { model: 'gpt-5' })
    const used = { dollars: 4_000_000n, inputTokens: 2_000, cachedInputTokens: 400, outputTokens: 200 }
    const call = (): readonly string[] => {
      const decision = story.book.decide(gpt, atMost(whole(used)), story.now)
      if (decision.kind !== 'admit') throw new Error(decision.kind)
      story.book.post(decision.hold, used, story.now)
      return decision.overflow
    }
    for (let i = 0; i < 20; i++) {
      expect(call()).toEqual([])
      story.now += 2_900
    }
    const [units] = story.views(gpt, 'included')
    expect(units).toMatchObject({ amount: 71_250, used: 64_000 })
    expect(((100 * units!.used) / units!.amount).toFixed(2)).toBe('89.82')
    // Two more fit in; a call that may burn 3,600 then spills over, until the first leaves the window.
    expect([call(), call(), call()]).toEqual([[], [], ['azure-provisioned']])
    story.now = Date.parse(start) + MINUTE
    expect(call()).toEqual([])
    story.now += DAY
    expect(story.views(gpt, 'included')[0]).toMatchObject({ used: 0 })
  })
})
