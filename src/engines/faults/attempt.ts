import type { Cancel, Clock } from '../../ports/clock.ts'
import type { AttemptHandle, AttemptSink, EngineClient, UpstreamRequest } from '../../ports/engine.ts'
import type { DurationMs } from '../../units/time.ts'
import { Outlet } from './outlet.ts'
import type { Fault, FaultKind } from './plan.ts'

/** Faults by which nothing of a request reaches anybody. */
const UNREACHED: ReadonlySet<FaultKind> = new Set(['refuse', 'neverAccept'])

/** An attempt that a fault strikes: what its play has to work with. */
export class FaultyAttempt implements AttemptHandle {
  readonly request: UpstreamRequest
  readonly fault: Fault
  readonly clock: Clock
  readonly outlet: Outlet
  readonly #client: EngineClient
  #inner: AttemptHandle | null = null
  #timer: Cancel | null = null
  #full = false

  /** @param of.ended is called once, when the attempt is over in whatever way */
  constructor(of: {
    readonly client: EngineClient
    readonly request: UpstreamRequest
    readonly fault: Fault
    readonly clock: Clock
    readonly sink: AttemptSink
    readonly ended: (attempt: FaultyAttempt) => void
  }) {
    this.request = of.request
    this.fault = of.fault
    this.clock = of.clock
    this.#client = of.client
    this.outlet = new Outlet(of.sink, of.clock, () => of.ended(this))
  }

  get isUnsent(): boolean {
    return UNREACHED.has(this.fault.kind) || this.#inner?.isUnsent === true
  }

  pause(): void {
    this.outlet.pause()
    this.#inner?.pause()
  }

  resume(): void {
    this.outlet.resume()
    if (!this.#full) this.#inner?.resume()
  }

  abort(): void {
    this.outlet.close()
    this.leave()
    this.#timer?.()
  }

  /** Ends an attempt whose engine goes away. */
  cut(message: string): void {
    this.leave()
    this.#timer?.()
    this.outlet.break(message)
  }

  /** Sleeps, unless nobody listens any more; one thing at a time is waited for. */
  after(delay: DurationMs, callback: () => void): void {
    if (this.outlet.isOpen) this.#timer = this.clock.after(delay, callback)
  }

  /** Asks the upstream itself. */
  ask(sink: AttemptSink): void {
    this.#inner = this.#client.attempt(this.request, sink)
    if (this.outlet.paused) this.#inner.pause()
  }

  /** Breaks off what was asked of the upstream. */
  leave(): void {
    this.#inner?.abort()
    this.#inner = null
  }

  /** Stops reading the upstream while there is too much of its answer that was not shown yet. */
  holdBack(full: boolean): void {
    if (full === this.#full) return
    this.#full = full
    if (full) this.#inner?.pause()
    else if (!this.outlet.paused) this.#inner?.resume()
  }
}
