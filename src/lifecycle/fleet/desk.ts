import type { HealthBoard } from '../../policy/health/board.ts'
import type { PlacementPolicy } from '../../policy/placement/policies.ts'
import type { QueueEntry } from '../../policy/queue/entry.ts'
import { FairQueue } from '../../policy/queue/fair-queue.ts'
import { retryAfterMs } from '../../policy/queue/retry-after.ts'
import { decideSpill } from '../../policy/queue/spill.ts'
import type { Cancel, Clock } from '../../ports/clock.ts'
import type { EngineListener, Fleet } from '../../ports/fleet.ts'
import type { PlaceAnswer, PlaceAsk, Places } from '../../ports/places.ts'
import type { Random } from '../../ports/random.ts'
import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import type { Pool, SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { DEFAULT_TIER, type Tier } from '../../vocabulary/tier.ts'
import { type Chosen, PoolDesk } from './pool.ts'

/** While calls wait, what nobody tells is looked at so often: breakers whose time is over, metrics that grow old. */
const LOOK_MS: DurationMs = 100

/** So long a call is passed by others for which there is room in a cache when there is none for it. */
const PATIENCE_MS: DurationMs = 2_000

/** Between two places that come free, where nothing is known of that. */
const UNKNOWN_GAP_MS: DurationMs = 1_000
/** After so long a call takes a replica that has failed it rather than wait for another one. */
const UNFORGIVING_MS: DurationMs = 5_000
const NOBODY: readonly number[] = []
/** Of the time that is left to a call, so much may go by while it waits for a better place than there is. */
const CHOOSY_PART = 0.5

export interface FleetOptions {
  readonly pools: readonly Pool[]
  /** The same as the board's. */
  readonly models: readonly Model[]
  readonly terms: SchedulingTerms
  /** Which replicas are well. */
  readonly health: HealthBoard
  readonly clock: Clock
  readonly random: Random
  /** How replicas are chosen; all but `penstock` have no queue and send every call to an engine at once. */
  readonly policy: PlacementPolicy
}

/** A call that wants a place. */
interface Waiting extends QueueEntry {
  readonly ask: PlaceAsk
  readonly tierTerms: Tier
  readonly answer: (answer: PlaceAnswer) => void
  /** Where it would go, as it was found last. */
  chosen: Chosen | null
  /** It had better wait for another place than those that are free. */
  isChoosy: boolean
  cancelRecheck: Cancel | null
  /** When it came into the queue: later than `arrivedAt` where it came back. */
  readonly queuedAt: EpochMs
  /** It waits no more. */
  isOver: boolean
}

/** Gives places on owned engines: the decisions of policy/queue and policy/placement, with the time and with what engines say. */
export class FleetDesk implements Places, Fleet {
  readonly #clock: Clock
  readonly #terms: SchedulingTerms
  readonly #pools: ReadonlyMap<string, PoolDesk>
  /** Upstream of each deployment by its name. */
  readonly #poolOf = new Map<string, PoolDesk>()
  readonly #tiers: ReadonlyMap<string, Tier>
  readonly #queue: FairQueue<Waiting>
  #cancelLook: Cancel | null = null
  /** Pools that are being served now: what comes free meanwhile is seen by the same round. */
  readonly #serving = new Set<string>()

  constructor(options: FleetOptions) {
    const { pools, models, terms, clock } = options
    this.#clock = clock
    this.#terms = terms
    this.#tiers = new Map(terms.tiers.map(tier => [tier.name, tier]))
    this.#queue = new FairQueue(terms)
    const desks = pools.map(
      pool => new PoolDesk(pool, { ...options, queue: this.#queue, freed: () => this.#serve(pool.upstream) }),
    )
    this.#pools = new Map(desks.map(desk => [desk.upstream, desk]))
    for (const { deployments } of models) {
      for (const { name, upstream } of deployments) {
        const pool = this.#pools.get(upstream)
        if (pool !== undefined) this.#poolOf.set(name, pool)
      }
    }
  }

  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): Cancel | null {
    const entry = this.#entryOf(ask, answer)
    if (this.#startsAtOnce(entry)) return null
    if (!ask.mayWait || !this.#isAskable(entry) || (ask.elsewhere !== null && !this.#takesCalls(entry))) {
      answer({ kind: 'none' })
      return null
    }
    return this.#wait(entry)
  }

  /** Hears what the replicas of an upstream say. */
  listener(upstream: string): EngineListener {
    const pool = this.#pools.get(upstream)
    if (pool === undefined) throw new Error(`no pool is called ${upstream}`)
    return pool.listener
  }

  report(): ReturnType<Fleet['report']> {
    const now = this.#clock.now()
    return {
      upstreams: [...this.#pools.values()].map(pool => pool.report(now)),
      tiers: this.#terms.tiers.map(({ name, weight, timeToFirstTokenMs }) => {
        const oldest = this.#queue.oldest(name)
        const oldestMs = oldest === null ? null : Math.max(0, now - oldest.arrivedAt)
        return { name, weight, timeToFirstTokenMs, waiting: this.#queue.waiting(name), oldestMs }
      }),
    }
  }

  /** Whether a place in the list of a pool has no replica now; false of other upstreams, whose replicas are always there. */
  isAbsent(upstream: string, replica: number): boolean {
    return this.#pools.get(upstream)?.isAbsent(replica) ?? false
  }

  drain(upstream: string, replica: number): boolean {
    return this.#pools.get(upstream)?.setDraining(replica, true) ?? false
  }

  resume(upstream: string, replica: number): boolean {
    return this.#pools.get(upstream)?.setDraining(replica, false) ?? false
  }

  #entryOf(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): Waiting {
    const now = this.#clock.now()
    const { deadlineAt, tier, tenant, bytes, since, waitedMs } = ask
    // One that comes back keeps its turn, and has waited what it has waited.
    const arrivedAt = Math.min(since, now)
    const waitEndsAt = now + this.#terms.queue.maxWaitMs - waitedMs
    const pools: string[] = []
    for (const { name } of ask.deployments) {
      const pool = this.#poolNamed(name).upstream
      if (!pools.includes(pool)) pools.push(pool)
    }
    const endsAt = deadlineAt === null ? waitEndsAt : Math.min(deadlineAt, waitEndsAt)
    // A tier that was taken out of the configuration while a call of it was under way between two threads.
    const tierTerms = this.#tiers.get(tier) ?? this.#tiers.get(DEFAULT_TIER)!
    const work = this.#pools.get(pools[0]!)!.workOf(ask)
    const place = { tier: tierTerms.name, tenant, deadlineAt, arrivedAt, endsAt, bytes, work, pools }
    const untold = { chosen: null, isChoosy: false, cancelRecheck: null, isOver: false }
    return { ...place, ask, tierTerms, answer, queuedAt: now, ...untold }
  }

  #poolNamed(deployment: string): PoolDesk {
    const pool = this.#poolOf.get(deployment)
    if (pool === undefined) throw new Error(`no pool serves ${deployment}`)
    return pool
  }

  /** Whether any of its replicas is there and well, be it full. */
  #isAskable({ ask }: Waiting): boolean {
    const now = this.#clock.now()
    return ask.deployments.some(({ name }) => this.#poolNamed(name).isAskable(ask.model, name, now))
  }

  /** Whether any of its pools gives places at all: not while all of its replicas are drained. */
  #takesCalls({ pools }: Waiting): boolean {
    return pools.some(name => this.#pools.get(name)!.takesCalls)
  }

  /** Starts where nobody waits who might be before it. */
  #startsAtOnce(entry: Waiting): boolean {
    const now = this.#clock.now()
    for (const deployment of entry.ask.deployments) {
      const pool = this.#poolNamed(deployment.name)
      if (this.#queue.isHeld(pool.upstream)) continue
      const chosen = pool.choose({ ...entry.ask, deployment }, whoIs(entry, now), now)
      if (chosen === null || chosen === 'wait') continue
      this.#start(entry, pool, chosen)
      return true
    }
    return false
  }

  #start(entry: Waiting, pool: PoolDesk, chosen: Chosen): void {
    entry.isOver = true
    entry.cancelRecheck?.()
    const running = this.#queue.start(pool.upstream, entry)
    entry.answer({ kind: 'place', place: pool.give(entry.ask, chosen, running) })
  }

  #wait(entry: Waiting): Cancel | null {
    if (entry.endsAt <= this.#clock.now()) {
      if (!this.#spills(entry, false)) entry.answer(this.#refusal('queueTimeout', entry))
      entry.cancelRecheck?.()
      return null
    }
    if (this.#queue.add(entry) === 'full') {
      if (!this.#spills(entry, true)) entry.answer(this.#refusal('queueFull', entry))
      return null
    }
    // Somebody may be waiting whom no free place suits, though one suits this call.
    for (const pool of entry.pools) if (!entry.isOver) this.#serve(pool)
    if (entry.isOver || this.#spills(entry, false)) return null
    if (this.#isHopeless(entry)) {
      this.#leave(entry)
      entry.answer(this.#refusal('queueTimeout', entry))
      return null
    }
    this.#lookLater()
    return () => this.#leave(entry)
  }

  #leave(entry: Waiting): void {
    entry.isOver = true
    entry.cancelRecheck?.()
    this.#queue.remove(entry)
  }

  /** Whether it goes to a hosted deployment; where it does not yet, the question is asked again in time. */
  #spills(entry: Waiting, isFull: boolean): boolean {
    const { ask, tierTerms, arrivedAt, endsAt } = entry
    if (ask.elsewhere === null) return false
    // Asked anew before its time, as when the wait is over: the earlier question must not be answered too.
    entry.cancelRecheck?.()
    entry.cancelRecheck = null
    const now = this.#clock.now()
    const decision = decideSpill({
      tier: tierTerms,
      waitedMs: Math.max(0, now - arrivedAt),
      mostWaitMs: endsAt - now,
      expectedWaitMs: this.#expectedWaitMs(entry, now),
      expectedPrefillMs: this.#pools.get(entry.pools[0]!)!.prefillMs(ask),
      moreDollars: ask.elsewhere.moreDollars,
      isFull,
    })
    if ('spill' in decision) {
      this.#leave(entry)
      entry.answer({ kind: 'spill', spill: decision.spill })
      return true
    }
    if (decision.recheckInMs !== null && !isFull) {
      entry.cancelRecheck = this.#clock.after(decision.recheckInMs, () => this.#spills(entry, false))
    }
    return false
  }

  /** By the work that goes before it and the pace at which places come free; null where too little is known of that. */
  #expectedWaitMs(entry: Waiting, now: EpochMs): DurationMs | null {
    let least: DurationMs | null = null
    for (const name of entry.pools) {
      const pool = this.#pools.get(name)!
      const gapMs = pool.pace.gapMs(pool.inFlight, entry.queuedAt, now)
      if (gapMs === null) continue
      const wait = gapMs * (1 + pool.pace.callsOf(this.#queue.ahead(name, entry)))
      if (least === null || wait < least) least = wait
    }
    return least
  }

  /** Whether it is clear already that it can't start in time. What is expected is not exact, so half of it has to be too long. */
  #isHopeless(entry: Waiting): boolean {
    const now = this.#clock.now()
    if (!entry.pools.every(name => this.#pools.get(name)!.pace.isKnown)) return false
    const expectedMs = this.#expectedWaitMs(entry, now)
    return expectedMs !== null && expectedMs / 2 > entry.endsAt - now
  }

  #refusal(cause: 'queueFull' | 'queueTimeout', { pools, queuedAt }: Waiting): PlaceAnswer {
    const pool = this.#pools.get(pools[0]!)!
    const gapMs = pool.pace.gapMs(pool.inFlight, queuedAt, this.#clock.now()) ?? UNKNOWN_GAP_MS
    return { kind: 'refuse', cause, retryAfterMs: retryAfterMs({ freed: 1, overMs: gapMs, waiting: this.#queue.size }) }
  }

  /** Gives the places that are free at a pool to those who wait, by fairness. */
  #serve(upstream: string): void {
    if (this.#serving.has(upstream) || !this.#queue.isHeld(upstream)) return
    const pool = this.#pools.get(upstream)!
    this.#serving.add(upstream)
    try {
      for (;;) {
        const now = this.#clock.now()
        if (!pool.hasFree()) return
        const letIn = new Map<Tier, boolean>()
        const entry = this.#queue.next(upstream, waiting => {
          // Many may wait for whom nothing is left, and one look tells it of all.
          const { tierTerms } = waiting
          const isLetIn = letIn.get(tierTerms) ?? pool.letsIn(tierTerms)
          letIn.set(tierTerms, isLetIn)
          if (!isLetIn) return false
          if (this.#mayStart(waiting, pool, now)) return true
          // A large one that found no room for long is not passed by smaller ones for ever; one that chose to wait is.
          return !waiting.isChoosy && this.#isToBeWaitedFor(waiting, pool, now) ? 'nobody' : false
        })
        if (entry === null) return
        this.#start(entry, pool, entry.chosen!)
      }
    } finally {
      this.#serving.delete(upstream)
    }
  }

  #mayStart(entry: Waiting, pool: PoolDesk, now: EpochMs): boolean {
    if (entry.endsAt <= now) return false
    const { ask } = entry
    entry.isChoosy = false
    for (const deployment of ask.deployments) {
      if (this.#poolNamed(deployment.name) !== pool) continue
      const tried = now - entry.queuedAt < UNFORGIVING_MS ? deployment.tried : NOBODY
      const chosen = pool.choose({ ...ask, deployment: { ...deployment, tried } }, whoIs(entry, now), now)
      entry.isChoosy ||= chosen === 'wait'
      entry.chosen = chosen === 'wait' ? null : chosen
      if (entry.chosen !== null) return true
    }
    return false
  }

  /** Whether places are kept free until there is room for it: not where it waits for something else, such as one that has not failed it. */
  #isToBeWaitedFor({ ask, tierTerms, arrivedAt, endsAt }: Waiting, pool: PoolDesk, now: EpochMs): boolean {
    if (now - arrivedAt < PATIENCE_MS || endsAt <= now) return false
    return ask.deployments.some(
      deployment => this.#poolNamed(deployment.name) === pool && pool.lacksRoom({ ...ask, deployment }, tierTerms, now),
    )
  }

  /** Looks after those who wait, for as long as somebody does. */
  #lookLater(): void {
    if (this.#cancelLook !== null || this.#queue.size === 0) return
    const expiry = this.#queue.nextExpiry()
    const untilExpiry = expiry === null ? LOOK_MS : Math.max(1, expiry - this.#clock.now())
    this.#cancelLook = this.#clock.after(Math.min(LOOK_MS, untilExpiry), () => {
      this.#cancelLook = null
      this.#look()
      this.#lookLater()
    })
  }

  #look(): void {
    for (const entry of this.#queue.expired(this.#clock.now())) {
      if (entry.isOver || this.#spills(entry, false)) continue
      this.#leave(entry)
      entry.answer(this.#refusal('queueTimeout', entry))
    }
    for (const upstream of this.#pools.keys()) {
      if (!this.#queue.isHeld(upstream)) continue
      this.#serve(upstream)
      this.#dismiss(upstream)
    }
  }

  /** Those for whom nobody is well any more go on by what becomes of calls whose deployments fail. */
  #dismiss(upstream: string): void {
    if (this.#pools.get(upstream)!.isAllAskable(this.#clock.now())) return
    for (const entry of this.#queue.all(upstream)) {
      if (this.#isAskable(entry)) continue
      this.#leave(entry)
      entry.answer({ kind: 'none' })
    }
  }
}

/** What placement asks of a call. One that must not wait, or could be served elsewhere, takes what there is; so do late ones. */
function whoIs({ ask, tierTerms: tier, arrivedAt, endsAt }: Waiting, now: EpochMs) {
  const mayChoose = ask.mayWait && ask.elsewhere === null
  const patienceMs = mayChoose ? Math.max(0, endsAt - now) * CHOOSY_PART : 0
  return { tier, waitedMs: Math.max(0, now - arrivedAt), patienceMs }
}
