import { describe, expect, it } from 'vitest'
import { recordOf } from '../control/stage.fixture.ts'
import type { LimitAnswer, LimitHold } from '../ports/limits.ts'
import {
  CALLER,
  limitOf,
  planLimitsOf,
  START,
  stageThreads,
  type ThreadsStage,
  UPSTREAMS,
  WORST,
} from './stage.fixture.ts'

const total = (unit: string, amount: unknown, more: Record<string, unknown> = {}) => ({
  scope: 'key:ci',
  unit,
  amount,
  ...(unit === 'concurrency' ? {} : { window: 'total' }),
  ...more,
})

function holdOf(answer: LimitAnswer): LimitHold {
  if (answer.kind !== 'admit') throw new Error(`expected an admission, got ${answer.kind}`)
  return answer.hold
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

async function rest(turns = 12): Promise<void> {
  for (let i = 0; i < turns; i++) await turn()
}

describe('threads that share limits', () => {
  it('admit exactly as many of a crowd as one thread would, wherever they ask', async () => {
    for (const amount of [1, 7, 25, 200]) {
      const stage = stageThreads([total('requests', amount)])
      const answers = await Promise.all(Array.from({ length: 250 }, (_, i) => stage.ask(i % 2)))
      expect(answers.filter(answer => answer.kind === 'admit')).toHaveLength(amount)
      expect(await stage.view()).toMatchObject({ used: 0, held: amount, left: 0 })
    }
  })

  it('decide by themselves where there is plenty of room, and show what one thread would show', async () => {
    const stage = stageThreads([total('requests', 10_000)])
    holdOf(await stage.ask(0))
    let isAnswered = false
    // Out of the lease, therefore within the call.
    stage.planes[0]!.admit(
      { caller: CALLER, model: 'fast', upstreams: UPSTREAMS, runBudget: null, maxDollars: null, skip: [] },
      { worst: WORST, expected: null, isLearnt: false },
      answer => {
        isAnswered = true
        holdOf(answer).post({ dollars: 1n, inputTokens: 1, outputTokens: 1 })
      },
    )
    expect(isAnswered).toBe(true)
    expect(await stage.view(1)).toMatchObject({ used: 1, held: 1, left: 9_998 })
  })

  it('are asked for each call that is on the overflow of its plan, and tell so', async () => {
    const stage = stageThreads([])
    const plan = {
      subscribers: ['key:ci'],
      included: [{ scope: 'plan', unit: 'requests', amount: 0, window: 'total' }],
      overflow: [{ scope: 'plan', unit: 'requests', amount: 10_000, window: 'total' }],
    }
    for (const limit of planLimitsOf('pro', plan)) stage.book.put(limit, START)
    for (let i = 0; i < 3; i++) expect(await stage.ask(i % 2)).toMatchObject({ kind: 'admit', overflow: ['pro'] })
    const views = await stage.planes[0]!.views(CALLER)
    // A lease would hold more than these calls.
    expect(views.map(({ part, held }) => [part, held])).toEqual([
      ['included', 0],
      ['overflow', 3],
    ])
  })

  it('ask anew where other upstreams serve the same model, as in another dialect: other limits bind there', async () => {
    for (const others of [[], [total('requests', 10_000)]]) {
      const limit = { scope: 'upstream:anthropic', unit: 'requests', amount: 1, window: 'total' }
      const stage = stageThreads([limit, ...others])
      holdOf(await stage.ask(0))
      const inOtherDialect = { upstreams: ['anthropic'] }
      const kinds = [await stage.ask(0, inOtherDialect), await stage.ask(0, inOtherDialect)].map(({ kind }) => kind)
      expect(kinds).toEqual(['admit', 'refuse'])
    }
  })

  it('decide by themselves over calls without a price, which no lease of priced ones admits', async () => {
    const unpriced = { ...WORST, dollars: null }
    const isDecidedAtOnce = async (stage: ThreadsStage, worst = WORST) => {
      let isAnswered = false
      const answer = stage.ask(0, {}, worst).then(({ kind }) => {
        isAnswered = true
        return kind
      })
      await Promise.resolve()
      return [isAnswered, await answer]
    }
    const free = stageThreads([total('requests', 10_000)])
    await free.ask(0, {}, unpriced)
    expect(await isDecidedAtOnce(free, unpriced)).toEqual([true, 'admit'])
    expect(await isDecidedAtOnce(free)).toEqual([false, 'admit'])
    const priced = stageThreads([total('dollars', '1000')])
    await priced.ask(0)
    expect(await isDecidedAtOnce(priced)).toEqual([true, 'admit'])
    expect(await isDecidedAtOnce(priced, unpriced)).toEqual([false, 'refuse'])
  })

  it('begin by letting nobody in while the ledger takes no records', async () => {
    const stage = stageThreads([])
    stage.writable = false
    stage.attach()
    await rest()
    expect(stage.planes.map(({ writable }) => writable)).toEqual([true, true, false])
  })

  it('spend a limit to its last call, though most of it was out in leases of another', async () => {
    const stage = stageThreads([total('requests', 40)])
    await stage.ask(0)
    const answers = await Promise.all(Array.from({ length: 60 }, () => stage.ask(1)))
    expect(answers.filter(answer => answer.kind === 'admit')).toHaveLength(39)
    expect(answers.find(answer => answer.kind === 'refuse')).toMatchObject({ scope: 'key:ci', used: 0, held: 40 })
  })

  it('leave the leases of others alone when a call is refused by a limit that they hold nothing of', async () => {
    const stage = stageThreads([total('requests', 10_000), total('requests', 0, { scope: 'key:broke' })])
    await stage.ask(0)
    const broke = { caller: { ...CALLER, key: 'broke' } }
    expect((await stage.ask(1, broke)).kind).toBe('refuse')
    await rest()
    let isAnswered = false
    void stage.ask(0).then(() => {
      isAnswered = true
    })
    await Promise.resolve()
    expect(isAnswered).toBe(true)
  })

  it('hold streams for more out of what others have in leases', async () => {
    const stage = stageThreads([total('outputTokens', 10_000)])
    await stage.ask(0)
    const hold = holdOf(await stage.ask(1))
    const granted = (outputTokens: number) =>
      new Promise<boolean>(resolve => hold.extend({ dollars: 0n, inputTokens: 0, outputTokens }, resolve))
    expect(await granted(9_600)).toBe(true)
    expect(hold.held.outputTokens).toBe(9_800)
    expect(await granted(1)).toBe(false)
  })

  it('answer whoever asked for more though its call ended first, so that nobody is kept waiting', async () => {
    const stage = stageThreads([total('outputTokens', 10_000)])
    await stage.ask(0)
    const hold = holdOf(await stage.ask(1))
    const granted = new Promise<boolean>(resolve => {
      hold.extend({ dollars: 0n, inputTokens: 0, outputTokens: 9_999 }, resolve)
    })
    hold.void()
    expect(await granted).toBe(false)
  })

  it('give back what a thread held that died', async () => {
    const stage = stageThreads([total('concurrency', 20)])
    await Promise.all(Array.from({ length: 20 }, (_, i) => stage.ask(i % 2)))
    expect((await stage.ask(0)).kind).toBe('refuse')
    stage.owner.detach(stage.lessees[1]!)
    expect(await stage.view()).toMatchObject({ held: 10, left: 10 })
    expect((await stage.ask(0)).kind).toBe('admit')
  })

  it('go by a changed limit from the moment that the change is answered', async () => {
    const stage = stageThreads([])
    await stage.ask(0)
    await stage.ask(1)
    stage.book.put(limitOf(total('requests', 0)), stage.now)
    await stage.owner.recalled()
    expect((await stage.ask(0)).kind).toBe('refuse')
    expect((await stage.ask(1)).kind).toBe('refuse')
  })

  it('return leases whose time is over, and do not spend them', async () => {
    const stage = stageThreads([total('requests', 1_000)])
    await stage.ask(0)
    stage.now += 2_000
    let isAnswered = false
    void stage.ask(0).then(() => {
      isAnswered = true
    })
    await Promise.resolve()
    expect(isAnswered).toBe(false)
    await rest()
    expect(isAnswered).toBe(true)
  })

  it('let a call that waits go when another thread frees its place, and forget one whose caller left', async () => {
    const stage = stageThreads([total('concurrency', 1, { onReached: 'queue', wait: '30s' })])
    const hold = holdOf(await stage.ask(0))
    let answered = 0
    const cancel = stage.planes[1]!.admit(
      { caller: CALLER, model: 'fast', upstreams: UPSTREAMS, runBudget: null, maxDollars: null, skip: [] },
      { worst: WORST, expected: null, isLearnt: false },
      () => answered++,
    )
    const waiting = stage.ask(1)
    await rest()
    cancel!()
    hold.void()
    expect((await waiting).kind).toBe('admit')
    expect(answered).toBe(0)
  })

  it('learn of each other how long answers are', async () => {
    const stage = stageThreads([], 3)
    const record = recordOf(0)
    stage.planes[1]!.append(record, () => {})
    stage.planes[1]!.append({ ...recordOf(1), limited: true }, () => {})
    await rest()
    stage.owner.tellLessons()
    stage.owner.tellLessons()
    await rest()
    const learnt = {
      key: record.caller.key,
      model: record.model,
      outputTokens: record.attempts[0]!.usage!.outputTokens,
    }
    expect(stage.lessons).toEqual([[learnt], [], [learnt]])
  })

  it('hand over the records of their calls whole, with every attempt, its replica and why it went there', async () => {
    const stage = stageThreads([])
    const [attempt] = recordOf(0).attempts
    const candidates = [{ deployment: 'mock/check-chat', score: 1.5, dollars: 15n }]
    const passedOver = [{ deployment: 'old/chat', why: 'open' }]
    const route = { by: 'balanced', candidates, passedOver } as const
    const record = recordOf(0, { attempts: [{ ...attempt!, outcome: 'superseded', replica: 1, route }, attempt!] })
    stage.planes[0]!.append(record, () => {})
    await rest()
    expect(stage.records).toEqual([record])
  })

  it('hear of keys before whoever made them is told, and ask their owner for all that there is one of', async () => {
    const stage = stageThreads([])
    const key = { name: 'new', team: null, user: null, tags: {}, models: null, tiers: null }
    await stage.owner.addKey({ ...key, secretHash: '', createdAt: 0, declared: false })
    expect(stage.keys).toEqual(['new', 'new'])
    await stage.owner.removeKey('new')
    expect(stage.keys).toEqual([])
    expect(await stage.planes[0]!.ask({ is: 'metrics' })).toEqual({ contentType: 'text/plain', text: 'metrics' })
    expect(await stage.planes[0]!.receipt('pen_00000000000000')).toBeNull()
  })
})

/** Whole numbers below a bound, from a seed. */
function dice(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

const reached = new Map<string, number>()
const count = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1)

async function play(seed: number): Promise<void> {
  const die = dice(seed)
  const amount = 5 + die(2_000)
  const windows = ['total', { sliding: '10s' }, { anchored: '5h' }]
  const stage: ThreadsStage = stageThreads([total('outputTokens', amount, { window: windows[die(3)] })], 1 + die(3))
  const open: LimitHold[] = []
  const dead = new Set<number>()
  let used = 0
  for (let step = 0; step < 60; step++) {
    const kind = die(20)
    const plane = die(stage.planes.length)
    if (dead.has(plane)) continue
    if (kind < 12) {
      const answer = await stage.ask(plane, {}, { ...WORST, outputTokens: 1 + die(30) })
      count(answer.kind)
      if (answer.kind === 'admit') open.push(answer.hold)
    } else if (kind < 17 && open.length > 0) {
      const [hold] = open.splice(die(open.length), 1)
      const spent = die(hold!.held.outputTokens + 1)
      if (spent === 0) hold!.void()
      else hold!.post({ dollars: 1n, inputTokens: 1, outputTokens: spent })
      used += spent
      count(spent === 0 ? 'void' : 'post')
    } else if (kind === 17) {
      stage.now += die(4_000)
      count('time')
    } else if (kind === 18 && stage.planes.length - dead.size > 1 && die(4) === 0) {
      // Whose holds its calls are is known to nobody here, so that all planes but one end without open calls.
      for (const hold of open.splice(0)) hold.void()
      await rest()
      stage.owner.detach(stage.lessees[plane]!)
      dead.add(plane)
      count('death')
    } else {
      // What one thread told may still be on its way when another asks.
      await rest(4)
      const view = await stage.view(plane)
      const held = open.reduce((sum, hold) => sum + hold.held.outputTokens, 0)
      if (view.used + view.held > amount) throw new Error(`${view.used} used and ${view.held} held of ${amount}`)
      if (view.window === 'total' && (view.used !== used || view.held !== held)) {
        throw new Error(`${view.used} used and ${view.held} held, and its calls ${used} and ${held}`)
      }
      count('view')
    }
  }
}

describe('seeded histories of threads', () => {
  it('never pass a limit, and show at any moment what their calls used and hold', async () => {
    for (let seed = 1; seed <= 150; seed++) {
      await play(seed).catch((error: Error) => {
        throw new Error(`seed ${seed}: ${error.message}`, { cause: error })
      })
    }
  })

  it.each(['admit', 'refuse', 'post', 'void', 'time', 'death', 'view'])('reached: %s', what => {
    expect(reached.get(what) ?? 0).toBeGreaterThan(10)
  })
})
