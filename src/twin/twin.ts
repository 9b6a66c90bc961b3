import type { Call } from '../lifecycle/call.ts'
import { FleetDesk } from '../lifecycle/fleet/desk.ts'
import { createIds } from '../lifecycle/ids.ts'
import { Life } from '../lifecycle/life.ts'
import type { World } from '../lifecycle/world.ts'
import { HealthBoard } from '../policy/health/board.ts'
import { PLACEMENT_POLICIES, type PlacementPolicy } from '../policy/placement/policies.ts'
import type { Observer } from '../ports/observer.ts'
import type { Reply } from '../ports/reply.ts'
import { seededUniform } from '../traces/draws.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Caller } from '../vocabulary/caller.ts'
import type { CallId } from '../vocabulary/id.ts'
import { LengthsBody } from './body.ts'
import { ModelledClient } from './client.ts'
import { VirtualClock } from './clock.ts'
import { type Curves, curvesOf } from './curves.ts'
import { engineOf } from './engines.ts'
import type { ModelledFleet, Targets } from './fleet.ts'
import { ModelledReplica } from './replica.ts'
import { type Report, reportOf } from './report.ts'
import { Results } from './results.ts'
import { Schedule } from './schedule.ts'
import type { Played, Traffic } from './traffic.ts'
import { ModelledWatcher } from './watcher.ts'
import { LENGTHS_DIALECT, LENGTHS_WIRE } from './wire.ts'
import { Work } from './work.ts'
import { createWorld, modelsOf } from './world.ts'

/** When every rehearsal begins: 2026-01-01T00:00:00Z. */
const START_AT: EpochMs = 1_767_225_600_000

/** What is to be rehearsed. */
export interface Rehearsal {
  readonly fleet: ModelledFleet
  readonly traffic: Traffic
  readonly targets: Targets
  readonly policy: Policy
  /** Of everything that is drawn. */
  readonly seed: number
}

/** Who chooses replicas. */
export type Policy = PlacementPolicy
export const POLICIES = PLACEMENT_POLICIES

/** How far a rehearsal has come. */
export interface Progress {
  readonly requests: number
  readonly ended: number
  readonly virtualMs: DurationMs
}

/** Plays traffic through the lifecycle of calls against modelled engines, on a virtual clock. */
export class Twin {
  readonly #rehearsal: Rehearsal
  readonly #clock = new VirtualClock(START_AT)
  readonly #results: Results
  readonly #schedule: Schedule
  readonly #world: World
  readonly #watcher: ModelledWatcher
  readonly #work: Work[] = []
  /** Calls under way, by their ids. */
  readonly #underWay = new Map<CallId, Played>()
  readonly #callers = new Map<string, Caller>()
  readonly #nextId: () => CallId

  constructor(rehearsal: Rehearsal) {
    const { fleet, traffic, seed } = rehearsal
    this.#rehearsal = rehearsal
    this.#results = new Results(traffic.requests.length)
    this.#nextId = createIds(this.#clock, 0, 0)
    const clients = new Map(fleet.upstreams.map(upstream => [upstream.name, this.#clientOf(upstream)]))
    const models = modelsOf(fleet)
    const health = new HealthBoard(models, HealthBoard.memoryFor(models), 0)
    const random = { next: seededUniform(seed) }
    const clock = this.#clock
    const pools = fleet.upstreams.map(({ pool }) => pool)
    const places = new FleetDesk({ pools, models, terms: fleet.terms, health, clock, random, policy: rehearsal.policy })
    const watched = [...clients].map(([name, { engine }]) => ({ ...engine, listener: places.listener(name) }))
    this.#watcher = new ModelledWatcher(watched, clock)
    this.#world = createWorld(models, {
      fleet,
      clock,
      random,
      health,
      places,
      observer: this.#observer(),
      engine: upstream => clients.get(upstream)!,
    })
    this.#schedule = new Schedule(traffic, this.#clock, played => this.#send(played))
    this.#schedule.start()
  }

  get progress(): Progress {
    const { requests } = this.#rehearsal.traffic
    return { requests: requests.length, ended: this.#results.ended, virtualMs: this.#clock.monotonic() as number }
  }

  /**
   * Goes on.
   *
   * @param most events until it returns, so that others get a turn
   * @returns whether everything has ended
   */
  run(most: number = Number.POSITIVE_INFINITY): boolean {
    return this.#clock.run(most)
  }

  /** @throws Error before everything has ended */
  report(): Report {
    const { fleet, traffic, targets } = this.#rehearsal
    const results = this.#results
    const left = traffic.requests.length - results.ended
    if (left > 0) throw new Error(`${left} requests have not ended`)
    const work = this.#work.map(each => each.until(results.completedAt))
    return reportOf(traffic.requests, { fleet, results, targets, work })
  }

  /** What a plot of it needs; after everything has ended. */
  curves(): Curves {
    const { traffic, targets } = this.#rehearsal
    return curvesOf(traffic.requests, this.#results, targets)
  }

  #clientOf(upstream: ModelledFleet['upstreams'][number]): ModelledClient {
    const { traffic } = this.#rehearsal
    const options = engineOf(upstream, traffic.blockTokens)
    const { tensorParallel, dataParallel } = options.costs.shape
    const idleWatts = options.power.idleWatts * tensorParallel * dataParallel
    const replicas = Array.from({ length: upstream.replicas }, () => {
      const work = new Work(idleWatts)
      this.#work.push(work)
      return new ModelledReplica(options, this.#clock, { work, completedAt: () => this.#results.completedAt })
    })
    return new ModelledClient({ replicas, options, contextTokens: upstream.contextTokens }, traffic, this.#clock)
  }

  #observer(): Observer {
    return {
      callStarted: () => {},
      callEnded: record => {
        const played = this.#ended(record.id)
        this.#results.recorded(played.number, record, this.#clock.monotonic())
        this.#schedule.ended(played.number)
      },
      recordLost: record => {
        throw new Error(`the record of ${record.id} was lost`)
      },
      callRefused: (cause, _status, _key, call) => {
        const played = this.#ended(call!.id!)
        this.#results.refused(played.number, cause)
        this.#schedule.ended(played.number)
      },
    }
  }

  #ended(id: CallId): Played {
    const played = this.#underWay.get(id)!
    this.#underWay.delete(id)
    return played
  }

  #send(played: Played): void {
    const call = this.#callOf(played)
    this.#watcher.wake()
    this.#underWay.set(call.id, played)
    new Life(call, new SilentReply(), this.#world).start()
  }

  #callOf(played: Played): Call {
    const { number, inputTokens, source, tier } = played
    const model = this.#world.model(played.model)!
    const blocksOf = () => source.hashes.ofScheduler(played)
    return {
      id: this.#nextId(),
      arrivedAt: this.#clock.now(),
      arrived: this.#clock.monotonic(),
      wire: LENGTHS_WIRE,
      dialect: LENGTHS_DIALECT,
      model,
      caller: this.#callerOf(played),
      body: new LengthsBody({ number, model: model.name, inputTokens, blocksOf }),
      query: '',
      headers: [],
      traceparent: null,
      runBudget: null,
      maxDollars: null,
      deadlineAt: null,
      tier,
    }
  }

  #callerOf({ tenant, session }: Played): Caller {
    const name = `${tenant}\n${session ?? ''}`
    let caller = this.#callers.get(name)
    if (caller === undefined) {
      caller = callerOf(tenant, session)
      this.#callers.set(name, caller)
    }
    return caller
  }
}

/** `team:NAME` is a team, as in shares; `key:NAME`, or any other name, a key without one. */
function callerOf(tenant: string, run: string | null): Caller {
  const [, kind, name] = /^(team|key):(.+)$/su.exec(tenant) ?? [null, 'key', tenant]
  return { key: name!, team: kind === 'team' ? name! : null, user: null, tags: {}, run }
}

/** The caller's side: reads as quickly as is written, and never leaves. */
class SilentReply implements Reply {
  headSent = false
  onDrain: (() => void) | null = null
  onLeft: (() => void) | null = null

  head(): void {
    this.headSent = true
  }

  write(): boolean {
    return true
  }

  end(): void {}

  cut(): void {}
}
