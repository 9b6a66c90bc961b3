import { describe, expect, it } from 'vitest'
import type { Caller } from '../vocabulary/caller.ts'
import type { LimitTerms, LimitView } from '../vocabulary/limit.ts'
import { readLimitTerms } from '../vocabulary/limit-terms.ts'
import type { Call } from './call.ts'
import { Disk, dice, MODELS, openWorld, Upstream, VirtualClock } from './history.fixture.ts'
import { LETTERS } from './letters.fixture.ts'
import { Life } from './life.ts'
import { bodyOf, NotedReply } from './stage.fixture.ts'

const SEEDS = 2_000
const STEPS = 50
/** Far longer than they take, since nothing here is about time. */
const TIMEOUT_MS = 300_000
const ALL = { limit: 1_000 }
const LETTER = Buffer.from('a')

function termsOf(text: Record<string, unknown>): LimitTerms {
  const read = readLimitTerms(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

const LIMITS = [
  { scope: 'organisation', unit: 'dollars', amount: '9000000', window: 'total' },
  { scope: 'key:a', unit: 'dollars', amount: '0.06', window: 'total' },
  { scope: 'key:b', unit: 'outputTokens', amount: 700, window: { anchored: '5h' } },
  { scope: 'each:user', unit: 'requests', amount: 6, window: { sliding: '1m' } },
  { scope: 'key:c', unit: 'concurrency', amount: 1, onReached: 'queue', wait: '20s' },
  { scope: 'model:big', unit: 'requests', amount: 9, window: { calendar: 'day' }, onReached: { downgrade: 'small' } },
  { scope: 'each:team', unit: 'requests', amount: 3, window: 'total', onReached: 'warn' },
].map(termsOf)

const CALLERS: readonly Caller[] = [
  { key: 'a', team: 'red', user: 'ana', tags: {}, run: null },
  { key: 'b', team: 'red', user: null, tags: {}, run: null },
  { key: 'c', team: null, user: 'ben', tags: {}, run: null },
  { key: 'd', team: null, user: null, tags: {}, run: 'nightly' },
]

const reached = new Map<string, number>()
const count = (what: string) => reached.set(what, (reached.get(what) ?? 0) + 1)

interface Running {
  readonly reply: NotedReply
  readonly life: Life
}

/** Many lives over one desk, before an upstream that fails in many ways and a disk that loses what it has not taken. */
class History {
  readonly #die: (below: number) => number
  readonly #clock = new VirtualClock()
  readonly #disk = new Disk()
  #upstream = new Upstream()
  #opened: Awaited<ReturnType<typeof openWorld>> | null = null
  #running: Running[] = []
  #calls = 0

  constructor(seed: number) {
    this.#die = dice(seed)
  }

  async start(): Promise<void> {
    this.#opened = await openWorld(
      { limits: LIMITS, plans: [] },
      { clock: this.#clock, disk: this.#disk, upstream: this.#upstream },
    )
  }

  async step(): Promise<void> {
    const kind = this.#die(20)
    if (kind < 8) this.#call()
    else if (kind < 14) this.#answer()
    else if (kind === 14) this.#leave()
    else if (kind < 17) this.#clock.pass([0, 1, 700, 6_000, 61_000][this.#die(5)]!)
    else if (kind < 19) this.#disk.commit()
    else if (this.#die(3) === 0) await this.#kill()
    // What was promised goes on: checkpoints wait for the disk, nothing else does.
    await Promise.resolve()
    await this.check()
  }

  #call(): void {
    const die = this.#die
    const caller = CALLERS[die(CALLERS.length)]!
    const isStream = die(2) === 0
    const call: Call = {
      id: `pen_${(this.#calls++).toString().padStart(14, '0')}`,
      arrivedAt: this.#clock.now(),
      arrived: this.#clock.monotonic(),
      wire: LETTERS,
      dialect: {
        name: 'openai',
        requestIdHeader: 'x-request-id',
        refusal: refusal => ({ status: 400, headers: [], body: Buffer.from(refusal.cause) }),
        answerHeaders: headers => headers,
        rateLimitHeaders: () => [],
      },
      model: MODELS[die(2)]!,
      caller,
      body: bodyOf(isStream, [20, 100, 4_000][die(3)]!),
      query: '',
      headers: [],
      traceparent: null,
      runBudget: caller.run !== null && die(2) === 0 ? 60_000_000n : null,
      maxDollars: die(8) === 0 ? 900_000n : null,
      deadlineAt: null,
      tier: 'standard',
    }
    const reply = new NotedReply()
    const life = new Life(call, reply, this.#opened!.world)
    life.start()
    this.#running.push({ reply, life })
    if (reply.events.length === 0 && this.#upstream.open.length === 0) count('waits')
    if (reply.header('x-penstock-warning') !== undefined) count('warned')
  }

  #answer(): void {
    const { open } = this.#upstream
    if (open.length === 0) return
    const { sink, request } = open[this.#die(open.length)]!
    const end = () => {
      const place = open.findIndex(entry => entry.sink === sink)
      if (place >= 0) open.splice(place, 1)
    }
    const kind = this.#die(10)
    if (!request.streamed || kind === 0) {
      end()
      if (kind === 1) return sink.fail({ kind: 'unreachable', message: 'gone' })
      sink.head([200, 200, 200, 500, 429, 200][this.#die(6)]!, [])
      sink.data(Buffer.from('answer U'))
      return sink.end()
    }
    sink.head(200, ['content-type', 'text/event-stream'])
    // Letters are three tokens each by their bytes: the longest outruns every small limit.
    const letters = [1, 5, 40, 120][this.#die(4)]!
    const before = this.#upstream.aborted
    for (let i = 0; i < letters && this.#upstream.aborted === before; i++) sink.data(LETTER)
    if (this.#upstream.aborted > before) count('ended at a limit')
    else if (kind < 3) count('stalls')
    if (this.#upstream.aborted > before || kind < 3) return
    end()
    if (kind === 3) return sink.fail({ kind: 'cut', message: 'broke' })
    if (kind < 7) sink.data(Buffer.from('U.'))
    else sink.data(Buffer.from('.'))
    sink.end()
  }

  #leave(): void {
    const waiting = this.#running.filter(({ reply }) => reply.onLeft !== null && !reply.events.includes('end'))
    if (waiting.length === 0) return
    waiting[this.#die(waiting.length)]!.reply.onLeft!()
    count('leaves')
  }

  async #kill(): Promise<void> {
    this.#disk.die()
    this.#clock.forget()
    this.#upstream = new Upstream()
    this.#running = []
    await this.start()
    count('killed')
    const views = await this.#views()
    for (const view of views) expect(view.held, `held of ${view.scope} after a kill`).toBe(0)
    // What is on disk is what counts: neither a cent more nor less.
    expect(this.#ofOrganisation(views).used, 'dollars after a kill').toBe(this.#dollarsOnDisk())
  }

  #dollarsOnDisk(): number {
    return Number(this.#disk.records.reduce((sum, { dollars }) => sum + dollars!, 0n))
  }

  async #views(): Promise<readonly LimitView[]> {
    return (await Promise.all(CALLERS.map(caller => this.#opened!.limits.desk.views(caller)))).flat()
  }

  #ofOrganisation(views: readonly LimitView[]): LimitView {
    return views.find(({ scope }) => scope === 'organisation')!
  }

  async check(): Promise<void> {
    // Each limit and member once, where the views of callers would show most of them several times.
    for (const { scope, unit, amount, used, held, left } of await this.#opened!.limits.registry.states(ALL)) {
      const told = `${scope} in ${unit}: ${used} used, ${held} held, ${left} left of ${amount}`
      if (used < 0 || held < 0 || left !== Math.max(0, amount - used - held)) throw new Error(told)
      if (!scope.startsWith('team:') && used + held > amount) throw new Error(`passed: ${told}`)
    }
  }

  /** All ends: everybody is answered, all is on disk, nothing is held. */
  async rest(): Promise<void> {
    for (const { reply, life } of this.#running) if (!reply.events.includes('end')) life.stop()
    for (let i = 0; i < 5; i++) {
      this.#clock.pass(60_000)
      this.#disk.commit()
      await Promise.resolve()
    }
    for (const { reply } of this.#running) if (reply.text === 'limitReached') count('refused')
    const views = await this.#views()
    for (const view of views) if (view.held !== 0) throw new Error(`${view.held} held of ${view.scope} at rest`)
    expect(this.#ofOrganisation(views).used).toBe(this.#dollarsOnDisk())
    for (const { downgradedTo, limited } of this.#disk.records) {
      if (downgradedTo !== null) count('downgraded')
      if (limited) count('limited')
    }
  }
}

describe(`${SEEDS} seeded histories of whole lives`, () => {
  it(
    'pass no limit, end with nothing held, and count what is on disk: through failures, leavings and kills',
    async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        const history = new History(seed)
        try {
          await history.start()
          for (let i = 0; i < STEPS; i++) await history.step()
          await history.rest()
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
        }
      }
    },
    TIMEOUT_MS,
  )

  it.each(['refused', 'ended at a limit', 'stalls', 'leaves', 'killed', 'downgraded', 'limited'])(
    'reached: %s',
    what => {
      expect(reached.get(what) ?? 0).toBeGreaterThan(10)
    },
  )
})
