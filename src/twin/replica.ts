import type { Cancel } from '../ports/clock.ts'
import type { EngineLoad } from '../ports/fleet.ts'
import {
  abort,
  createEngine,
  type Engine,
  type EngineEvent,
  type EngineOptions,
  isFull,
  quietMs,
  type StepOutcome,
  step,
  submit,
} from '../simulation/engine.ts'
import type { SequenceRequest } from '../simulation/sequence.ts'
import type { MonotonicMs } from '../units/time.ts'
import type { VirtualClock } from './clock.ts'
import type { Work } from './work.ts'

/** Hears of a sequence, at the end of the step in which something happened to it. */
export type SequenceListener = (event: EngineEvent) => void

/** What a replica tells of its time. */
export interface ReplicaWatch {
  readonly work: Work
  /** The last completion of the rehearsal so far. */
  completedAt(): MonotonicMs
}

const WHOLE_RUN = Number.MAX_SAFE_INTEGER

/**
 * Drives one modelled engine on the virtual clock.
 *
 * A run of decode steps is planned whole and carried out only when it is over, or when a request comes before: then as
 * many of its steps are done as had begun by then, and the request joins the next one, as it does with a real engine.
 */
export class ModelledReplica {
  readonly #engine: Engine
  readonly #clock: VirtualClock
  readonly #watch: ReplicaWatch
  readonly #listeners = new Map<number, SequenceListener>()
  /** When the work under way began. */
  #from: MonotonicMs = 0
  /** Done, and true at its end; null for a run that is only planned. */
  #underWay: StepOutcome | null = null
  /** Null while the engine has nothing to do. */
  #cancel: Cancel | null = null
  #isPlanned = false
  /** Share of the cache in use when the work under way began. */
  #kvUse = 0

  constructor(options: EngineOptions, clock: VirtualClock, watch: ReplicaWatch) {
    this.#engine = createEngine(options)
    this.#clock = clock
    this.#watch = watch
  }

  /** As vLLM says it of itself, which does not tell how many it runs at once. */
  get load(): EngineLoad {
    const { running, waiting, cache } = this.#engine
    const tokens = cache.capacity * cache.blockTokens
    return {
      running: running.length,
      waiting: waiting.length,
      kvUse: cache.use,
      kvTokens: Number.isFinite(tokens) ? tokens : null,
      maxRunning: null,
    }
  }

  get isIdle(): boolean {
    return this.#cancel === null
  }

  /** @returns false when the sequence can never fit into the cache */
  add(request: SequenceRequest, listener: SequenceListener): boolean {
    // Where nothing can join before a sequence ends, what is planned stays as it is.
    if (this.#isPlanned && !isFull(this.#engine)) this.#interrupt()
    if (!submit(this.#engine, request)) return false
    this.#listeners.set(request.id, listener)
    // All that come at one moment are scheduled together.
    this.#cancel ??= this.#clock.after(0, this.#begin)
    return true
  }

  remove(id: number): void {
    if (!this.#listeners.delete(id)) return
    if (this.#isPlanned) this.#interrupt()
    abort(this.#engine, id)
  }

  /** Carries out what has begun of a planned run. */
  #interrupt(): void {
    this.#cancel!()
    const horizonMs = this.#clock.monotonic() - this.#from
    this.#due(step(this.#engine, { maxSteps: WHOLE_RUN, horizonMs }))
  }

  readonly #begin = (): void => {
    this.#from = this.#clock.monotonic()
    this.#kvUse = this.#engine.cache.use
    const ahead = quietMs(this.#engine)
    if (ahead > 0) {
      this.#isPlanned = true
      this.#cancel = this.#clock.after(ahead, this.#carryOut)
      return
    }
    const outcome = step(this.#engine)
    if (outcome.steps > 0) this.#due(outcome)
    else this.#cancel = null
  }

  readonly #carryOut = (): void => {
    this.#isPlanned = false
    this.#underWay = step(this.#engine, { maxSteps: WHOLE_RUN, horizonMs: Number.POSITIVE_INFINITY })
    this.#end()
  }

  #due(outcome: StepOutcome): void {
    this.#isPlanned = false
    this.#underWay = outcome
    const left = this.#from + outcome.durationMs - this.#clock.monotonic()
    this.#cancel = this.#clock.after(left, this.#end)
  }

  readonly #end = (): void => {
    const { joules, events } = this.#underWay!
    this.#underWay = null
    const until = this.#clock.monotonic()
    const { work, completedAt } = this.#watch
    // What ended in it has given its blocks back already, and what began had none yet.
    const kvUse = Math.max(this.#kvUse, this.#engine.cache.use)
    const stretch = { from: this.#from, until, joules, kvUse }
    for (const event of events) {
      const listener = this.#listeners.get(event.id)
      if (listener === undefined) continue
      if (event.kind === 'finished') this.#listeners.delete(event.id)
      listener(event)
    }
    work.add(stretch, completedAt())
    // Whoever heard of an end may have asked for more: all of it is scheduled together.
    this.#clock.soon(this.#begin)
  }
}
