import type { HealthBoard } from '../../policy/health/board.ts'
import type { PlacementCall } from '../../policy/placement/call.ts'
import { freePlaces, placesOf } from '../../policy/placement/capacity.ts'
import {
  began,
  ended,
  heard,
  letsIn,
  newFleet,
  newReplica,
  type PlacementFleet,
  placed,
} from '../../policy/placement/fleet.ts'
import { lacksRoom, openReplicas, type Placement } from '../../policy/placement/place.ts'
import { type PlacementPolicy, type Placing, placementOf } from '../../policy/placement/policies.ts'
import { prefillMs } from '../../policy/placement/work.ts'
import type { QueueEntry } from '../../policy/queue/entry.ts'
import type { FairQueue, Running } from '../../policy/queue/fair-queue.ts'
import { workOf } from '../../policy/queue/work.ts'
import type { Clock } from '../../ports/clock.ts'
import type { EngineListener, ReplicaReport, ReplicaState, UpstreamReport } from '../../ports/fleet.ts'
import type { Place, PlaceAsk, PlaceEnd } from '../../ports/places.ts'
import type { Random } from '../../ports/random.ts'
import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import type { Pool } from '../../vocabulary/scheduling.ts'
import type { Tier } from '../../vocabulary/tier.ts'
import { Caches } from './caches.ts'
import { GivenPlace, type PlaceGiver } from './given.ts'
import { Pace } from './pace.ts'
import { ReplicaDesk } from './replica.ts'

/** Others than ours send every call at once, whatever an engine has room for. */
const ROOM_FOR_ALL = { maxRunning: Number.MAX_SAFE_INTEGER, kvTokens: null }

/** How much of what the last prompt had is taken over, and the least that a guess is taken for. */
const TOKENS_GAIN = 0.2
const LEAST_TOKENS_PER_GUESS = 0.25

/** Where a call would go. */
export interface Chosen {
  readonly deployment: string
  readonly call: PlacementCall
  readonly placement: Placement
}

/** A call that asks for a place on one deployment. */
export interface SingleAsk extends Pick<PlaceAsk, 'model' | 'tokens' | 'prompt'> {
  readonly deployment: PlaceAsk['deployments'][number]
}

export interface PoolOptions {
  readonly models: readonly Model[]
  readonly health: HealthBoard
  readonly clock: Clock
  readonly random: Random
  readonly policy: PlacementPolicy
  readonly queue: Pick<FairQueue<QueueEntry>, 'end'>
  /** A place may have come free. */
  freed(): void
}

/** What serves one model. */
interface Served {
  readonly model: Model
  readonly deployment: Deployment
}

/** The replicas of one upstream: what each has under way, in its cache and to say, and who would serve a call best. */
export class PoolDesk implements PlaceGiver {
  readonly upstream: string
  readonly pace = new Pace()
  readonly listener: EngineListener
  readonly #pool: Pool
  readonly #options: PoolOptions
  readonly #fleet: PlacementFleet
  readonly #place: Placing
  readonly #replicas: readonly ReplicaDesk[]
  readonly #caches = new Map<string, Caches>()
  /** By model, then by deployment. */
  readonly #served = new Map<string, Map<string, Served>>()
  readonly #all: Served[] = []
  readonly #matches: Int32Array
  #tokensPerGuess = 1

  constructor(pool: Pool, options: PoolOptions) {
    const { clock, models, policy } = options
    this.upstream = pool.upstream
    this.#pool = pool
    this.#options = options
    this.#place = placementOf(policy)
    this.#fleet = newFleet(policy === 'penstock' ? pool : { ...pool, ...ROOM_FOR_ALL })
    this.#matches = new Int32Array(pool.slots)
    const now = clock.monotonic()
    this.#replicas = Array.from({ length: pool.slots }, (_, i) => new ReplicaDesk(newReplica(i, 0, now)))
    for (const model of models) {
      for (const deployment of model.deployments) {
        if (deployment.upstream !== pool.upstream) continue
        const served = { model, deployment }
        this.#all.push(served)
        const ofModel = this.#served.get(model.name)
        if (ofModel === undefined) this.#served.set(model.name, new Map([[deployment.name, served]]))
        else ofModel.set(deployment.name, served)
        this.#caches.set(deployment.name, new Caches(pool, Math.floor(options.random.next() * 2 ** 32)))
      }
    }
    this.listener = {
      appeared: (replica, url, address) => this.#appeared(replica, url, address),
      gone: replica => this.#gone(replica),
      heard: (replica, load, askedAt) => this.#heard(replica, load, askedAt),
      reached: (replica, isReachable) => {
        this.#replicas[replica]!.isReachable = isReachable
        // Whoever listens there again was started anew, with nothing in its cache.
        if (!isReachable) this.#forget(replica)
        else this.#options.freed()
      },
      cached: (replica, change) => {
        for (const caches of this.#caches.values()) caches.changed(replica, change)
      },
    }
  }

  /** Where a call would go now; null where no place is free for it, `wait` where it had better wait for another one. */
  choose(
    ask: SingleAsk,
    who: Pick<PlacementCall, 'waitedMs' | 'patienceMs'> & { readonly tier: Tier },
    now: EpochMs,
  ): Chosen | 'wait' | null {
    const { name, tried } = ask.deployment
    const served = this.#servedBy(ask.model, name)
    const caches = this.#caches.get(name)
    if (served === null || caches === undefined || this.#fleet.replicas.length === 0) return null
    caches.match(ask.prompt, this.#matches)
    this.#look(served, caches, now)
    const { clock, random } = this.#options
    const call: PlacementCall = {
      inputTokens: ask.tokens.input,
      outputTokens: ask.tokens.output,
      prompt: ask.prompt,
      matches: this.#matches,
      ...who,
      tried,
      draw: random.next(),
    }
    const monotonic = clock.monotonic()
    const placement = this.#place(call, this.#fleet, monotonic)
    if (placement === null) return openReplicas(call, this.#fleet, monotonic).length > 0 ? 'wait' : null
    // The matches are written anew for the next call; of this one those of its replica alone are needed.
    return { deployment: name, call, placement }
  }

  /** Whether a call for which nothing was chosen lacks nothing but room in a cache. */
  lacksRoom({ model, deployment }: Pick<SingleAsk, 'model' | 'deployment'>, tier: Tier, now: EpochMs): boolean {
    const served = this.#servedBy(model, deployment.name)
    const caches = this.#caches.get(deployment.name)
    if (served === null || caches === undefined) return false
    this.#look(served, caches, now)
    return lacksRoom({ tried: deployment.tried, tier }, this.#fleet, this.#options.clock.monotonic())
  }

  /** Gives the place that was just chosen. */
  give({ prompt, tokens }: PlaceAsk, { deployment, call, placement }: Chosen, running: Running): Place {
    const { replica, state } = placement
    const expectedCachedTokens = Math.floor(placement.expectedCachedTokens * this.#tokensPerGuess)
    const desk = this.#replicas[replica]!
    const stay = placed(this.#fleet, state, call, this.#options.clock.monotonic())
    this.#caches.get(deployment)!.learn(replica, prompt)
    desk.expected(tokens.input, expectedCachedTokens)
    return new GivenPlace({ deployment, address: desk.address, expectedCachedTokens, stay, running }, this)
  }

  began(given: GivenPlace, waitedMs: DurationMs): void {
    began(given.stay, waitedMs, this.#options.clock.monotonic())
    this.#options.freed()
  }

  ended(given: GivenPlace, { usage, isWhole }: PlaceEnd): void {
    const { clock, queue } = this.#options
    const { stay, running, replica, deployment, expectedCachedTokens } = given
    const now = clock.monotonic()
    ended(this.#fleet, stay, { isWhole, outputTokens: usage?.outputTokens ?? null }, now)
    this.#replicas[replica]!.ended(now)
    const wasExpected = running.work
    if (usage === null) queue.end(running, given.hasBegun ? running.work : 0)
    else {
      const { inputTokens, cachedInputTokens, outputTokens } = usage
      const tokens = { uncachedTokens: inputTokens - cachedInputTokens, outputTokens, contextTokens: inputTokens }
      queue.end(running, workOf(tokens, this.#pool.costs))
      // An estimate knows nothing of caches: it would say that they lost what they hold.
      if (usage.source === 'reported') {
        this.#learnTokens(inputTokens / Math.max(1, stay.call.inputTokens))
        this.#learnCached(deployment, { replica, cachedInputTokens, expectedCachedTokens })
      }
    }
    this.pace.freed(wasExpected, clock.monotonic() - stay.placedAt, clock.now())
    this.#options.freed()
  }

  /** Whether any replica is there and well, be it full. */
  isAskable(model: string, deployment: string, now: EpochMs): boolean {
    const served = this.#servedBy(model, deployment)
    if (served === null) return false
    return this.#fleet.replicas.some(({ replica }) => this.#kindOf(served, replica, now) !== 'left')
  }

  /** Whether all that it serves has a replica that is there and well: breakers are each deployment's own. */
  isAllAskable(now: EpochMs): boolean {
    for (const { model, deployment } of this.#all) {
      if (!this.isAskable(model.name, deployment.name, now)) return false
    }
    return true
  }

  /** Whether a place may be free. */
  hasFree(): boolean {
    const now = this.#options.clock.monotonic()
    const { maxRunning } = this.#pool
    return this.#fleet.replicas.some(
      ({ isDraining, capacity, inFlight }) => !isDraining && freePlaces(capacity, { inFlight, maxRunning, now }) > 0,
    )
  }

  /** Whether any call of a tier may start now, by what is left for it. */
  letsIn(tier: Tier): boolean {
    return letsIn(this.#fleet, tier, this.#options.clock.monotonic())
  }

  /** What a call is expected to take of a replica, where none of its prompt is cached. */
  workOf({ tokens }: PlaceAsk): number {
    const { input, output } = tokens
    return workOf({ uncachedTokens: input, outputTokens: output, contextTokens: input }, this.#pool.costs)
  }

  /** From the start of a call to its first token, where none of its prompt is cached. */
  prefillMs({ tokens }: PlaceAsk): DurationMs {
    return this.#pool.costs === null ? 0 : prefillMs(this.#pool.costs, tokens.input, 0)
  }

  /** Whether it has a replica that is not drained. */
  get takesCalls(): boolean {
    return this.#fleet.replicas.some(({ isDraining }) => !isDraining)
  }

  /** Calls under way, over all replicas. */
  get inFlight(): number {
    return this.#fleet.replicas.reduce((sum, { inFlight }) => sum + inFlight, 0)
  }

  isAbsent(replica: number): boolean {
    return !(this.#replicas[replica]?.isPresent ?? false)
  }

  /** @returns false where there is no such replica */
  setDraining(replica: number, isDraining: boolean): boolean {
    const desk = this.#replicas[replica]
    if (desk === undefined || !desk.isPresent) return false
    desk.state.isDraining = isDraining
    if (!isDraining) this.#options.freed()
    return true
  }

  report(now: EpochMs): UpstreamReport {
    const replicas = this.#replicas.filter(desk => desk.url !== '').map(desk => this.#reportOf(desk, now))
    return { name: this.upstream, engine: this.#pool.engine, replicas }
  }

  #servedBy(model: string, deployment: string): Served | null {
    return this.#served.get(model)?.get(deployment) ?? null
  }

  #kindOf({ model, deployment }: Served, replica: number, now: EpochMs): 'ready' | 'recovering' | 'left' {
    const { kind } = this.#options.health.of(model, deployment).standingOf(replica, now)
    return kind === 'ready' || kind === 'recovering' ? kind : 'left'
  }

  /** Brings what placement knows of the replicas up to date. */
  #look(served: Served, caches: Caches, now: EpochMs): void {
    let isAnyReachable = false
    for (const state of this.#fleet.replicas) {
      state.standing = this.#kindOf(served, state.replica, now)
      if (state.standing !== 'left' && this.#replicas[state.replica]!.isReachable) isAnyReachable = true
    }
    for (const state of this.#fleet.replicas) {
      // Where nobody seems to listen anywhere, calls find out whether that is so.
      if (isAnyReachable && !this.#replicas[state.replica]!.isReachable) state.standing = 'left'
      const { held, room } = caches.fill(state.replica)
      state.cachedBlocks = held
      state.cacheBlocks = room
    }
  }

  /** Tokens of prompts are guessed from bytes, rather too many: what is expected in caches is told in tokens as engines count. */
  #learnTokens(perGuess: number): void {
    const seen = Math.min(1, Math.max(LEAST_TOKENS_PER_GUESS, perGuess))
    this.#tokensPerGuess += TOKENS_GAIN * (seen - this.#tokensPerGuess)
  }

  #learnCached(
    deployment: string,
    of: { readonly replica: number; readonly cachedInputTokens: number; readonly expectedCachedTokens: number },
  ): void {
    const desk = this.#replicas[of.replica]!
    if (of.cachedInputTokens > 0) desk.tellsCached = true
    if (desk.tellsCached) this.#caches.get(deployment)!.found(of.replica, of.cachedInputTokens, of.expectedCachedTokens)
  }

  #appeared(replica: number, url: string, address: ReplicaDesk['address']): void {
    const desk = this.#replicas[replica]
    if (desk === undefined) return
    // Nothing that is known of another one in its place is true of it; calls that other one has still count for that.
    const isAnother = desk.url !== '' && desk.url !== url
    if (isAnother) {
      if (desk.isPresent) this.#gone(replica)
      desk.isAnother(newReplica(replica, 0, this.#options.clock.monotonic()))
    }
    if (!desk.isPresent) {
      this.#fleet.replicas.push(desk.state)
      this.#fleet.replicas.sort((one, other) => one.replica - other.replica)
    }
    desk.url = url
    desk.address = address
    desk.isPresent = true
    desk.isReachable = true
    this.#options.freed()
  }

  #gone(replica: number): void {
    const desk = this.#replicas[replica]
    if (desk === undefined || !desk.isPresent) return
    desk.isPresent = false
    this.#fleet.replicas.splice(this.#fleet.replicas.indexOf(desk.state), 1)
    this.#forget(replica)
  }

  #forget(replica: number): void {
    for (const caches of this.#caches.values()) caches.forget(replica)
  }

  #heard(replica: number, ...[load, askedAt]: [Parameters<EngineListener['heard']>[1], number]): void {
    const desk = this.#replicas[replica]
    if (desk === undefined || !desk.isPresent) return
    desk.load = load
    desk.heardAt = askedAt
    const told = this.#options.policy === 'penstock' ? load : { ...load, kvTokens: null }
    // What has ended since it was asked may be in what it says, and is no call of others.
    heard(desk.state, told, { askedAt, inFlightThen: desk.inFlightAt(askedAt), now: this.#options.clock.monotonic() })
    if (load.kvTokens !== null) for (const caches of this.#caches.values()) caches.holds(replica, load.kvTokens)
    this.#options.freed()
  }

  #reportOf(desk: ReplicaDesk, now: EpochMs): ReplicaReport {
    const { state, load, heardAt } = desk
    const monotonic = this.#options.clock.monotonic()
    return {
      replica: state.replica,
      url: desk.url,
      state: this.#stateOf(desk, now),
      running: load?.running ?? null,
      waiting: load?.waiting ?? null,
      kvUse: load?.kvUse ?? null,
      metricsAgeMs: heardAt === null ? null : Math.max(0, monotonic - heardAt),
      inFlight: state.inFlight,
      places: placesOf(state.capacity, this.#pool.maxRunning, monotonic),
      expectedCachedShare: desk.expectedCachedShare,
    }
  }

  #stateOf({ state, isPresent, isReachable }: ReplicaDesk, now: EpochMs): ReplicaState {
    if (!isPresent) return 'gone'
    if (state.isDraining) return 'draining'
    if (!isReachable) return 'unreachable'
    const [first] = this.#all
    if (first === undefined) return 'ready'
    const health = this.#options.health.of(first.model, first.deployment)
    const { kind } = health.standingOf(state.replica, now)
    // It may be asked, but nobody has found it well yet.
    return kind === 'ready' && !health.isClear(state.replica) ? 'recovering' : kind
  }
}
