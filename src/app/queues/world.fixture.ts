import { wireOf } from '../../dialects/index.ts'
import { randomFrom } from '../../engines/faults/choose.ts'
import { CALLER_DIALECTS } from '../../gateway/dialects.ts'
import type { Call } from '../../lifecycle/call.ts'
import { FleetDesk } from '../../lifecycle/fleet/desk.ts'
import { Disk } from '../../lifecycle/history.fixture.ts'
import { Life } from '../../lifecycle/life.ts'
import { type OpenLimits, openLimits } from '../../lifecycle/limits/open.ts'
import { DEFAULT_BOUNDS, type World } from '../../lifecycle/world.ts'
import { Expectations } from '../../policy/estimate/expectation.ts'
import { HealthBoard } from '../../policy/health/board.ts'
import { tariffFromOverride } from '../../policy/pricing/tariff.ts'
import { Warmth } from '../../policy/routing/warmth.ts'
import type { Places } from '../../ports/places.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import type { LimitView } from '../../vocabulary/limit.ts'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import { NotingCaller } from '../outages/caller.fixture.ts'
import { VirtualTime } from '../outages/time.fixture.ts'
import { type Asked, NotedPlaces } from './asked.fixture.ts'
import { COUNTING, LENGTH_MS, type Plan, type PlannedCall } from './draw.fixture.ts'
import { Site } from './site.fixture.ts'
import { bodyOf } from './speech.fixture.ts'
import { type Thread, threadOf } from './thread.fixture.ts'

/** Nothing is under way so long after the last call began. */
const LONGEST_MS = 240_000
const LOOK_MS = 50
/** It is seen so often whether all is over; and so long what is left of calls may take. */
const SLICE_MS = 1_000
const AFTERWARDS_MS = 60_000

export interface Lived {
  readonly planned: PlannedCall
  readonly caller: NotingCaller
  readonly thread: Thread
}

/** What is to be looked at while a history goes on. */
export interface Looker {
  heard(asked: Asked, day: Day): void
  look(day: Day): void
}

/** A gateway with owned engines, on a time of its own. */
export class Day {
  readonly plan: Plan
  readonly time = new VirtualTime()
  readonly site: Site
  readonly lived = new Map<string, Lived>()
  readonly records = new Map<string, CallRecord>()
  readonly health: HealthBoard
  readonly desk: FleetDesk
  readonly places: NotedPlaces
  readonly threads: Thread[] = []
  /** What a thread had when it died. */
  readonly deaths: string[] = []
  readonly #looker: Looker
  readonly #disk = new Disk()
  readonly #random: () => number
  #limits: OpenLimits | null = null
  #isLooking = true

  constructor(plan: Plan, looker: Looker) {
    this.plan = plan
    this.#looker = looker
    const { models, pools, terms, seed } = plan
    this.#random = randomFrom(seed + 1)
    const memory = HealthBoard.memoryFor(models)
    this.health = new HealthBoard(models, memory, 0)
    for (const model of models) for (let i = 0; i < plan.answeredBefore; i++) this.health.hedges(model).called()
    this.site = new Site(plan, this.time)
    this.desk = new FleetDesk({
      pools: pools.map(({ pool }) => pool),
      models,
      terms,
      health: this.health,
      clock: this.time,
      random: { next: randomFrom(seed + 2) },
      policy: 'penstock',
    })
    this.places = new NotedPlaces(this.desk, this.time, asked => looker.heard(asked, this))
    const count = plan.lineMs === null ? 1 : 2
    for (let i = 0; i < count; i++) {
      const health = plan.lineMs === null ? this.health : new HealthBoard(models, memory, i + 1)
      this.threads.push(threadOf(this.places, { health, lineMs: plan.lineMs, time: this.time, number: i + 1 }))
    }
  }

  async play(): Promise<void> {
    const limits = [...COUNTING, ...this.plan.limits].map(termsOf)
    this.#limits = await openLimits({ limits, plans: [] }, this.#disk.store(), this.time)
    this.site.tell(this.desk)
    for (const planned of this.plan.calls) this.time.after(planned.atMs, () => this.#begin(planned))
    const { threadDiesMs } = this.plan
    if (threadDiesMs !== null) this.time.after(threadDiesMs, () => this.#kill(this.threads[1]!))
    this.#look()
    for (let past = 0; past < LENGTH_MS || (this.#isBusy && past < LONGEST_MS); past += SLICE_MS) {
      await this.time.pass(SLICE_MS)
    }
    this.#isLooking = false
    this.site.isRead = false
    await this.time.pass(AFTERWARDS_MS)
  }

  views(): Promise<readonly LimitView[]> {
    return this.#limits!.registry.states({ limit: 1_000 })
  }

  /** Timers that are left when limits are kept no more. */
  async timersLeft(): Promise<number> {
    const closed = this.#limits!.close()
    for (let turns = 0; turns < 50; turns++) {
      this.#disk.commit()
      await null
    }
    await closed
    return this.time.timers
  }

  modelOf(name: string) {
    return this.plan.models.find(model => model.name === name)!
  }

  get #isBusy(): boolean {
    return [...this.lived.values()].some(
      ({ caller: { endedAt, leftAt }, thread }) => endedAt === null && leftAt === null && !thread.isDead,
    )
  }

  #look(): void {
    if (!this.#isLooking) return
    this.#looker.look(this)
    this.time.after(LOOK_MS, () => this.#look())
  }

  #kill(thread: Thread): void {
    const [waiting, held] = [this.places.waiting.size, this.places.held.size]
    thread.die()
    if (this.places.waiting.size < waiting) this.deaths.push('a thread died with calls that wait')
    if (this.places.held.size < held) this.deaths.push('a thread died with calls that are served')
    // Its sockets are closed by the kernel.
    for (const { engine, before } of this.site.slots) {
      for (const each of [engine, ...before]) {
        for (const job of [...each.open]) if (this.#threadOf(job.request.headers[1]!) === thread) each.lose(job)
      }
    }
    this.health.clearThread(thread.number)
  }

  #threadOf(call: string): Thread {
    return this.lived.get(call)!.thread
  }

  #begin(planned: PlannedCall): void {
    const thread = this.threads[planned.thread]!
    if (thread.isDead) return
    const caller = new NotingCaller(this.time, planned.slow)
    this.lived.set(planned.id, { planned, caller, thread })
    new Life(this.#callOf(planned), caller, this.#worldOf(thread, planned)).start()
    if (planned.leavesMs !== null) {
      this.time.after(planned.leavesMs, () => {
        if (!thread.isDead) caller.leave()
      })
    }
  }

  #callOf(planned: PlannedCall): Call {
    const now = this.time.now()
    const wire = wireOf('chat/completions')
    const body = wire.parseBody(Buffer.from(bodyOf(planned)))
    if ('fault' in body) throw new Error(body.fault)
    return {
      id: planned.id,
      arrivedAt: now,
      arrived: this.time.monotonic(),
      wire,
      dialect: CALLER_DIALECTS.openai,
      model: this.modelOf(planned.model),
      caller: callerOf(planned),
      body,
      query: '',
      headers: ['x-call', planned.id],
      traceparent: null,
      runBudget: null,
      maxDollars: null,
      deadlineAt: planned.deadlineMs === null ? null : now + planned.deadlineMs,
      tier: planned.tier,
    }
  }

  readonly #expectations = new Expectations()
  readonly #warmth = new Warmth(Warmth.memory())

  #worldOf(thread: Thread, { id }: PlannedCall): World {
    const { plan, site } = this
    const own = tariffFromOverride({ input: '0', cachedInput: '0', output: '0.05' }, 'test')
    const { hostedPrice } = plan
    const hosted = tariffFromOverride({ input: '0', cachedInput: '0', output: hostedPrice }, 'test')
    return {
      clock: thread.clock,
      random: { next: this.#random },
      health: thread.health,
      warmth: this.#warmth,
      places: thread.places satisfies Places,
      ledger: {
        writable: true,
        append: (record, durable) => {
          if (this.records.has(id)) throw new Error(`${id} has two records`)
          this.records.set(id, record)
          this.#disk.append(record, durable)
          this.time.after(1, () => this.#disk.commit())
        },
      },
      limits: thread.limits(this.#limits!.desk),
      expectations: this.#expectations,
      model: name => plan.models.find(model => model.name === name),
      observer: { callStarted: () => {}, callEnded: () => {}, recordLost: () => {}, callRefused: () => {} },
      engine: ({ upstream }) => site.engine(upstream),
      tariff: ({ engine }) => (engine === null ? hosted : own),
      bounds: DEFAULT_BOUNDS,
    }
  }
}

function termsOf(text: Record<string, unknown>) {
  const read = readLimitTerms(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

/** One for each key, since limits remember callers by who they are. */
const CALLERS = new Map<string, Caller>()

function callerOf({ key, team }: PlannedCall): Caller {
  const known = CALLERS.get(key)
  if (known !== undefined) return known
  const caller = { key, team, user: null, tags: {}, run: null }
  CALLERS.set(key, caller)
  return caller
}
