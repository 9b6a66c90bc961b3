import type { Cancel, Clock } from '../../ports/clock.ts'
import {
  abort,
  createEngine,
  type Engine,
  type EngineEvent,
  type EngineOptions,
  type StepOutcome,
  setPaused,
  step,
  submit,
} from '../../simulation/engine.ts'
import type { SequenceRequest } from '../../simulation/sequence.ts'
import type { DurationMs, MonotonicMs } from '../../units/time.ts'

/** Who hears of a sequence. */
export interface SequenceListener {
  /** Something happened to one of its sequences; `flush` follows when everything of that moment was told. */
  heard(event: EngineEvent): void
  flush(): void
  /** The engine goes away with the sequence unfinished. */
  cut(message: string): void
}

/** Steps that end within this time of each other are joined: timers are no finer. */
const TICK_MS: DurationMs = 1
/** A step that is due so soon counts as due. */
const SLACK_MS: DurationMs = 0.5
/** How long the driver may keep the thread before others get their turn. */
const MAX_HOLD_MS: DurationMs = 4
/** When the machine cannot keep the pace, simulated time is let slip beyond this. */
const MAX_LAG_MS: DurationMs = 50

/** What a replica is doing, for views of the fleet. */
export interface ReplicaState {
  readonly running: number
  readonly waiting: number
  /** Share of the KV cache that is in use, 0 to 1. */
  readonly kvUse: number
}

/** Drives one pure engine by the clock: at most one timer, none while there is nothing to do. */
export class ReplicaDriver {
  readonly #engine: Engine
  readonly #clock: Clock
  readonly #speed: number
  readonly #listeners = new Map<number, SequenceListener>()
  /** The step under way: its results are true at `#dueAt`. */
  #underWay: StepOutcome | null = null
  #dueAt: MonotonicMs = 0
  #timer: Cancel | null = null
  #stopped = false
  /** Within `#advance`: whoever is told of something may ask for more meanwhile. */
  #advancing = false

  /** @param speed simulated seconds per second, above 0 */
  constructor(options: EngineOptions, clock: Clock, speed: number) {
    this.#engine = createEngine(options)
    this.#clock = clock
    this.#speed = speed
  }

  get state(): ReplicaState {
    const { running, waiting, cache } = this.#engine
    return { running: running.length, waiting: waiting.length, kvUse: cache.use }
  }

  /** @returns false when the sequence can never fit into the cache */
  add(request: SequenceRequest, listener: SequenceListener): boolean {
    if (!submit(this.#engine, request)) return false
    this.#listeners.set(request.id, listener)
    this.#wake()
    return true
  }

  remove(id: number): void {
    this.#listeners.delete(id)
    abort(this.#engine, id)
    // What it held may be what others wait for.
    if (this.#listeners.size > 0) this.#wake()
  }

  pause(id: number): void {
    setPaused(this.#engine, id, true)
  }

  resume(id: number): void {
    setPaused(this.#engine, id, false)
    this.#wake()
  }

  stop(message: string): void {
    this.#stopped = true
    this.#timer?.()
    this.#timer = null
    this.#underWay = null
    for (const listener of new Set(this.#listeners.values())) listener.cut(message)
  }

  #wake(): void {
    if (this.#timer !== null || this.#advancing || this.#stopped) return
    this.#dueAt = this.#clock.monotonic()
    this.#sleep(0)
  }

  #sleep(delay: DurationMs): void {
    this.#timer = this.#clock.after(delay, () => {
      this.#timer = null
      this.#advance()
    })
  }

  #advance(): void {
    this.#advancing = true
    // Should a listener throw, time goes on for the others.
    let delay: DurationMs | null = 0
    try {
      delay = this.#catchUp()
    } finally {
      this.#advancing = false
      if (delay !== null && !this.#stopped) this.#sleep(delay)
    }
  }

  /** Delivers what is due and begins the next steps. @returns how long until the next is due; null when there is none */
  #catchUp(): DurationMs | null {
    const began = this.#clock.monotonic()
    let now = began
    if (this.#dueAt < now - MAX_LAG_MS) this.#dueAt = now - MAX_LAG_MS
    while (this.#dueAt <= now + SLACK_MS && now - began <= MAX_HOLD_MS) {
      const done = this.#underWay
      this.#underWay = null
      if (done !== null) this.#deliver(done)
      const next = step(this.#engine, { maxSteps: Number.MAX_SAFE_INTEGER, horizonMs: TICK_MS * this.#speed })
      if (next.steps === 0 && next.events.length === 0) return null
      this.#underWay = next
      this.#dueAt += next.durationMs / this.#speed
      now = this.#clock.monotonic()
    }
    return Math.max(0, this.#dueAt - now)
  }

  #deliver({ events }: StepOutcome): void {
    const told = new Set<SequenceListener>()
    for (const event of events) {
      const listener = this.#listeners.get(event.id)
      // A sequence that was removed while the step was under way has no listener any more.
      if (listener === undefined) continue
      if (event.kind === 'finished') this.#listeners.delete(event.id)
      listener.heard(event)
      told.add(listener)
    }
    this.#flush(told)
  }

  /** Lets everybody show what they were told, though one of them throws; then throws that itself. */
  #flush(listeners: ReadonlySet<SequenceListener>): void {
    const thrown: unknown[] = []
    for (const listener of listeners) {
      try {
        listener.flush()
      } catch (error) {
        thrown.push(error)
      }
    }
    if (thrown.length > 0) throw thrown[0]
  }
}
