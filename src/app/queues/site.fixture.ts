import { randomFrom } from '../../engines/faults/choose.ts'
import type { AttemptHandle, AttemptSink, EngineClient, UpstreamRequest } from '../../ports/engine.ts'
import type { EngineListener, EngineLoad, Fleet } from '../../ports/fleet.ts'
import type { VirtualTime } from '../outages/time.fixture.ts'
import { HOSTED, type Incident, type Plan, type PlannedPool } from './draw.fixture.ts'
import { Engine } from './engine.fixture.ts'

/** One place in the list of an upstream's replicas, and who is there. */
export interface Slot {
  readonly upstream: string
  readonly replica: number
  readonly planned: PlannedPool | null
  engine: Engine
  /** Who was there before. */
  readonly before: Engine[]
  isPresent: boolean
  isDrained: boolean
  /** When it was drained or went, last. */
  closedAt: number
  isHidden: boolean
}

/** An attempt as its engine saw it come. */
export interface Sent {
  readonly event: number
  readonly at: number
  readonly call: string
  readonly slot: Slot
  readonly engine: Engine
  readonly question: string
  /** Whether it goes on with what was shown. */
  readonly isGoingOn: boolean
  /** Others of this gateway that were there. */
  readonly others: number
  /** By what it was told where to go, it was not to go there. */
  readonly wrong: string | null
}

/** The engines of all upstreams, what happens to them, and what they were sent. */
export class Site {
  readonly sent: Sent[] = []
  readonly slots: readonly Slot[]
  /** Which incidents struck somebody. */
  readonly struck = new Set<string>()
  /** Whether anybody wants to know how its engines are. */
  isRead = true
  readonly #plan: Plan
  readonly #time: VirtualTime
  readonly #random: () => number
  readonly #listeners = new Map<string, EngineListener>()
  #urls = 0

  constructor(plan: Plan, time: VirtualTime) {
    this.#plan = plan
    this.#time = time
    this.#random = randomFrom(plan.seed + 7)
    const hosted = { slots: 1_000, cacheTokens: 0, prefillTokenMs: 0.02, stepMs: 3 }
    this.slots = [
      ...plan.pools.flatMap(planned =>
        Array.from({ length: planned.pool.slots }, (_, i) =>
          this.#slotOf({ upstream: planned.pool.upstream, replica: i, planned }, planned),
        ),
      ),
      this.#slotOf({ upstream: HOSTED, replica: 0, planned: null }, hosted),
    ]
  }

  slot(upstream: string, replica: number): Slot {
    return this.slots.find(slot => slot.upstream === upstream && slot.replica === replica)!
  }

  /** Begins to tell a fleet of the engines. */
  tell(fleet: Fleet & { listener(upstream: string): EngineListener }): void {
    for (const { pool, readMs } of this.#plan.pools) {
      const listener = fleet.listener(pool.upstream)
      this.#listeners.set(pool.upstream, listener)
      for (const slot of this.slots) {
        if (slot.upstream !== pool.upstream) continue
        if (slot.isPresent) listener.appeared(slot.replica, slot.engine.url, this.#addressOf(slot))
        this.#read(slot, readMs, listener)
      }
    }
    for (const incident of this.#plan.incidents) this.#time.after(incident.atMs, () => this.#strike(incident, fleet))
  }

  engine(upstream: string): EngineClient {
    return { attempt: (request, sink) => this.#attempt(upstream, request, sink), close: async () => {} }
  }

  #slotOf(of: Pick<Slot, 'upstream' | 'replica' | 'planned'>, terms: ConstructorParameters<typeof Engine>[1]): Slot {
    const engine = new Engine(this.#url(), terms, this.#time)
    // One that comes later has its place in the list already.
    const isPresent = of.replica === 0 || this.#random() < 0.8
    return { ...of, engine, before: [], isPresent, isDrained: false, closedAt: 0, isHidden: false }
  }

  #url(): string {
    return `http://engine-${this.#urls++}`
  }

  #addressOf({ engine }: Slot) {
    return { base: 0, host: engine.url.slice('http://'.length) }
  }

  #attempt(upstream: string, request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
    const slot = this.slot(upstream, request.replica)
    const { engine } = slot
    const body = JSON.parse(Buffer.concat(request.body).toString())
    const isWrongHost = slot.planned !== null && `http://${request.address?.host}` !== engine.url
    this.sent.push({
      event: this.#time.event(),
      at: this.#time.now(),
      call: request.headers[1]!,
      slot,
      engine,
      question: body.messages[0].content,
      isGoingOn: body.messages.at(-1).role === 'assistant',
      others: engine.open.size,
      wrong:
        this.#time.now() - slot.closedAt <= (this.#plan.lineMs ?? -1)
          ? null
          : isWrongHost
            ? 'another address'
            : !slot.isPresent
              ? 'gone'
              : slot.isDrained
                ? 'drained'
                : null,
    })
    if (upstream === HOSTED) engine.refuses = this.#random() < this.#plan.hostedFails ? 503 : 0
    return engine.take(request, sink)
  }

  #read(slot: Slot, everyMs: number, listener: EngineListener): void {
    if (!this.isRead) return
    const { engine, planned, replica } = slot
    const telling = planned!.telling[replica]!
    const askedAt = this.#time.monotonic()
    const isHeard = slot.isPresent && !slot.isHidden && !engine.isDead && telling !== 'silent'
    const load = this.#loadOf(slot)
    const delayMs = telling === 'lagging' ? 700 : 3
    if (isHeard && engine.hungUntil <= this.#time.now()) {
      this.#time.after(delayMs, () => {
        if (!slot.isPresent || slot.engine !== engine) return
        listener.heard(replica, load, askedAt)
      })
    }
    this.#time.after(everyMs, () => this.#read(slot, everyMs, listener))
  }

  #loadOf({ engine, planned, replica }: Slot): EngineLoad {
    const { load } = engine
    if (planned!.telling[replica] === 'honest') {
      return planned!.pool.maxRunning === null ? { ...load, maxRunning: planned!.slots } : load
    }
    if (planned!.telling[replica] === 'lagging') return load
    const some = (most: number) => Math.floor(this.#random() * most)
    return { running: some(20), waiting: some(20), kvUse: this.#random(), kvTokens: null, maxRunning: null }
  }

  #strike(incident: Incident, fleet: Fleet): void {
    const { kind, upstream, replica, forMs } = incident
    const slot = this.slot(upstream, replica)
    const listener = this.#listeners.get(upstream)!
    if (!slot.isPresent) {
      this.struck.add('appears')
      slot.isPresent = true
      return listener.appeared(replica, slot.engine.url, this.#addressOf(slot))
    }
    this.struck.add(kind)
    const undo = this.#begin(slot, incident, { fleet, listener })
    if (undo !== null) this.#time.after(forMs, undo)
  }

  #begin(
    slot: Slot,
    { kind, upstream, replica, forMs }: Incident,
    { fleet, listener }: { readonly fleet: Fleet; readonly listener: EngineListener },
  ): (() => void) | null {
    const { engine } = slot
    switch (kind) {
      case 'dies':
        engine.die()
        return () => {
          engine.isDead = false
        }
      case 'hangs':
        engine.hungUntil = Math.max(engine.hungUntil, this.#time.now() + forMs)
        return null
      case 'refuses':
        engine.refuses = this.#random() < 0.5 ? 429 : 503
        return () => {
          engine.refuses = 0
        }
      case 'slows':
        engine.slowness = 6
        return () => {
          engine.slowness = 1
        }
      case 'hides':
        slot.isHidden = true
        return () => {
          slot.isHidden = false
        }
      case 'drains':
        slot.isDrained = true
        slot.closedAt = this.#time.now()
        fleet.drain(upstream, replica)
        return () => {
          slot.isDrained = false
          fleet.resume(upstream, replica)
        }
      case 'goes':
        return this.#go(slot, listener, false)
      case 'isReplaced':
        return this.#go(slot, listener, true)
    }
  }

  #go(slot: Slot, listener: EngineListener, isReplaced: boolean): () => void {
    slot.isPresent = false
    slot.closedAt = this.#time.now()
    slot.isDrained = false
    listener.gone(slot.replica)
    return () => {
      if (slot.isPresent) return
      if (isReplaced) slot.before.push(slot.engine)
      if (isReplaced) slot.engine = new Engine(this.#url(), slot.planned!, this.#time)
      slot.isPresent = true
      listener.appeared(slot.replica, slot.engine.url, this.#addressOf(slot))
    }
  }
}
