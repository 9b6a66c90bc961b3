import { refusalAfter } from '../policy/attempts/give-up.ts'
import { nextAttempt } from '../policy/attempts/next.ts'
import type { Cancel } from '../ports/clock.ts'
import type { RawHeaders } from '../ports/engine.ts'
import type { Reply } from '../ports/reply.ts'
import type { DurationMs, MonotonicMs } from '../units/time.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { CallOutcome } from '../vocabulary/outcome.ts'
import type { AttemptRecord, CallRecord } from '../vocabulary/record.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Usage } from '../vocabulary/usage.ts'
import { type Admission, admit } from './admit.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Call, RenderedRefusal } from './call.ts'
import {
  closingFields,
  limitHeaders,
  plainHeaders,
  rateHeaders,
  refusalHeaders,
  streamHeaders,
  withLimits,
} from './heads.ts'
import { CallHold } from './hold.ts'
import { meter } from './metering.ts'
import { recordOf, sumOf } from './records.ts'
import type { World } from './world.ts'

/** In place of the caller once its call has ended. */
const NOBODY: Reply = {
  headSent: true,
  onDrain: null,
  onLeft: null,
  head: () => {},
  write: () => true,
  end: () => {},
  cut: () => {},
}
/** In place of the call once it has ended; nothing looks at it any more. */
const NO_CALL = Object.freeze({}) as Call

/** What callers are told while no record can be written: what could not be accounted for is not spent either. */
const UNACCOUNTABLE: Refusal = { cause: 'noDeployment', message: 'the ledger can not be written just now: ask again' }

/** What callers are told whose calls outlast the time that a stop leaves them. */
export const STOPPING: Refusal = { cause: 'noDeployment', message: 'the gateway is stopping: ask again' }

/**
 * Calls that come at once share what room there is: those that were admitted go first, and whoever is told that others took
 * the room finds them at work. It also slows those down who ask again and again.
 */
const REFUSAL_MS: DurationMs = 5

/**
 * The life of one call from admission to the last byte: holds, attempts, relays, meters, settles. The caller gets the
 * end of its answer only when the record is on disk.
 */
export class Life implements AttemptOwner {
  /** Its place among the lives under way; whoever keeps them sets it. */
  seat = -1
  #call: Call
  #reply: Reply
  readonly #world: World
  readonly #attempts: AttemptRecord[] = []
  #hold: CallHold | null = null
  /** Takes the call out of the queue for room; null when it does not wait. */
  #leaveQueue: Cancel | null = null
  /** When limits were asked for room. */
  #askedAt: MonotonicMs = 0
  /** Waiting for room took so long. */
  #queueMs = 0
  /** Upstreams whose limits have no room for the call. */
  #excluded: readonly string[] = []
  /** What limits have to say in the answer's headers. */
  #limitHeaders: RawHeaders = []
  #current: Attempt | null = null
  #left = false
  #firstTokenAt: MonotonicMs | null = null
  #limited = false
  #settling = false
  #stopping = false

  constructor(call: Call, reply: Reply, world: World) {
    this.#call = call
    this.#reply = reply
    this.#world = world
  }

  start(): void {
    this.#world.observer.callStarted()
    this.#reply.onLeft = () => this.#callerLeft()
    if (!this.#world.ledger.writable) return this.#refuse(UNACCOUNTABLE)
    if (this.#call.wire.endpoint === 'messages/count_tokens') {
      // Counting costs nothing, so that no limit counts it: tools ask for it where nothing is left.
      this.#hold = new CallHold(this.#call, this.#call.model, null, 0, this.#world)
      return this.#tryNext()
    }
    this.#askedAt = this.#world.clock.monotonic()
    this.#leaveQueue = admit(this.#call, this.#world, admission => this.#admitted(admission))
  }

  #admitted(admission: Admission): void {
    const { clock } = this.#world
    if (this.#leaveQueue !== null) this.#queueMs = clock.monotonic() - this.#askedAt
    this.#leaveQueue = null
    if (admission.kind === 'refuse') return this.#refuseSoon(admission.refusal)
    const { model, hold, mostOutputTokens, excluded } = admission
    this.#hold = new CallHold(this.#call, model, hold, mostOutputTokens, this.#world)
    this.#excluded = excluded
    this.#limitHeaders = limitHeaders(this.#call, admission, clock.now())
    this.#tryNext()
  }

  /** A call that a limit refuses is answered a moment later than it could be. */
  #refuseSoon(refusal: Refusal): void {
    if (!('limit' in refusal)) return this.#refuse(refusal)
    this.#leaveQueue = this.#world.clock.after(REFUSAL_MS, () => {
      this.#leaveQueue = null
      this.#refuse(refusal)
    })
  }

  /** Ends the call because the gateway stops and won't wait longer. */
  stop(): void {
    if (this.#settling) return
    this.#stopping = true
    if (this.#quitQueue()) return this.#refuse(STOPPING)
    this.#current?.abandon('timedOut')
  }

  #quitQueue(): boolean {
    const leave = this.#leaveQueue
    this.#leaveQueue = null
    leave?.()
    return leave !== null
  }

  streamBegan(attempt: Attempt): void {
    const attempts = this.#attempts.length + 1
    const { status, headers } = streamHeaders(
      this.#call,
      attempt,
      { attempts, queueMs: this.#queueMs },
      this.#world.clock,
    )
    this.#reply.head(status, withLimits(headers, this.#limitHeaders))
    // What was shown can't be asked for again, so the prompt is not needed any more.
    this.#call.body.release()
  }

  show(attempt: Attempt, bytes: Uint8Array): void {
    if (this.#reply.write(bytes)) return
    attempt.pause()
    this.#reply.onDrain = () => {
      this.#reply.onDrain = null
      attempt.resume()
    }
  }

  grew(attempt: Attempt): void {
    this.#hold!.follow(attempt.reader!, {
      waits: () => attempt.pause(),
      goesOn: () => {
        if (this.#reply.onDrain === null) attempt.resume()
      },
      ended: () => attempt.endAtLimit(),
    })
  }

  attemptEnded(attempt: Attempt): void {
    const summary =
      attempt.outcome === 'completed' && attempt.reader === null ? this.#call.wire.readAnswer(attempt.answer()) : null
    if (summary !== null && !summary.sound) attempt.outcome = summary.error ? 'serverError' : 'malformed'
    const tariff = this.#world.tariff(attempt.deployment)
    const hold = this.#hold!
    const held = attempt.limited ? hold.countedAtEnd(attempt.reader!) : hold.held
    const metered = meter(this.#call, attempt, summary, { held, tariff, at: attempt.startedAt })
    this.#limited ||= attempt.limited
    if (attempt.limited) attempt.streamEnd = attempt.reader!.endAtLimit(metered.usage!)
    this.#learn(attempt, metered.usage)
    this.#attempts.push(recordOf(attempt, metered))
    this.#current = null
    this.#firstTokenAt ??= attempt.firstTokenAt
    if (this.#left) this.#settle('callerLeft', 499, () => {})
    else if (this.#reply.headSent) this.#endStream(attempt)
    else this.#endPlain(attempt)
  }

  #learn({ outcome, limited, reader }: Attempt, usage: Usage | null): void {
    if (outcome !== 'completed' || limited || usage?.source !== 'reported') return
    const { expectations } = this.#world
    const { name } = this.#hold!.model
    expectations.learn(this.#call.caller.key, name, usage.outputTokens)
    if (reader !== null) expectations.learnBytes(name, usage.outputTokens, reader.contentBytes)
  }

  #tryNext(): void {
    const next = nextAttempt({
      attempts: this.#attempts,
      deployments: this.#deployments(),
      dialect: this.#call.dialect.name,
    })
    if (next.kind === 'giveUp') return this.#refuse(next.refusal)
    const attempt = new Attempt(this.#call, next.deployment, this, this.#world.clock, this.#world.bounds)
    this.#current = attempt
    attempt.start(this.#world.engine(next.deployment), this.#hold!.model.resilience)
  }

  /** Those that may serve the model, without the upstreams whose limits have no room. */
  #deployments(): readonly Deployment[] {
    const { deployments } = this.#hold!.model
    return this.#excluded.length === 0
      ? deployments
      : deployments.filter(({ upstream }) => !this.#excluded.includes(upstream))
  }

  /** Nothing was shown yet: relays what the upstream said, or refuses where that is no answer to a call. */
  #endPlain(attempt: Attempt): void {
    const { outcome, status } = attempt
    const isError = status !== null && status >= 400 && status < 600
    const relayed = attempt.failure === null && (outcome === 'completed' || isError)
    if (!relayed) return this.#refuse(this.#refusalAfter(attempt))
    const body = attempt.answer()
    this.#settle(outcome === 'completed' ? 'completed' : 'failed', status!, (record, commitMs) => {
      const sent = { commitMs, bytes: body.length, queueMs: this.#queueMs }
      this.#reply.head(status!, withLimits(plainHeaders(this.#call, attempt, record, sent), this.#limitHeaders))
      this.#reply.end(body)
    })
  }

  /** Something was shown: ends it whole, or says honestly in the caller's dialect that it broke. */
  #endStream(attempt: Attempt): void {
    const { wire } = this.#call
    const end = attempt.streamEnd
    if (end?.beforeComment) this.#reply.write(end.beforeComment)
    const whole = attempt.outcome === 'completed'
    this.#settle(whole ? 'completed' : 'failed', attempt.status!, record => {
      const comment = wire.closingComment(closingFields(record))
      const last = end?.lastEvent
      if (whole || last) return this.#reply.end(last ? Buffer.concat([comment, last]) : comment)
      this.#reply.end(Buffer.concat([comment, wire.streamError(this.#refusalAfter(attempt), this.#call.id)]))
    })
  }

  #refusalAfter(attempt: Attempt): Refusal {
    if (this.#stopping) return STOPPING
    return refusalAfter(attempt.outcome!, attempt.failure?.message ?? null)
  }

  #refuse(refusal: Refusal): void {
    const rendered = this.#call.dialect.refusal(refusal, this.#call.id)
    if ('limit' in refusal) this.#limitHeaders = rateHeaders(this.#call, refusal.limit, this.#world.clock.now())
    if (this.#attempts.length > 0) {
      this.#settle('failed', rendered.status, record => this.#sendRefusal(rendered, record))
      return
    }
    this.#hold?.settle([], 0n)
    this.#settling = true
    this.#world.observer.callRefused(refusal.cause, rendered.status, this.#call.caller.key, true)
    this.#sendRefusal(rendered, null)
    this.#letGo()
  }

  #sendRefusal(rendered: RenderedRefusal, record: CallRecord | null): void {
    this.#reply.head(rendered.status, [...refusalHeaders(this.#call, rendered, record), ...this.#limitHeaders])
    this.#reply.end(rendered.body)
  }

  #callerLeft(): void {
    if (this.#settling) return
    this.#left = true
    if (this.#quitQueue()) return this.#leftQueue()
    this.#current?.abandon('callerLeft')
  }

  /** Nothing was spent and nobody waits for an answer. */
  #leftQueue(): void {
    this.#settling = true
    this.#world.observer.callRefused('limitReached', 499, this.#call.caller.key, true)
    this.#letGo()
  }

  /** Writes the record; when it is on disk, `deliver` sends what was held back. */
  #settle(outcome: CallOutcome, status: number, deliver: (record: CallRecord, commitMs: number) => void): void {
    this.#settling = true
    const { clock, ledger, observer } = this.#world
    const ended = clock.monotonic()
    const record = this.#recordOf(outcome, status, ended)
    ledger.append(record, failure => {
      const commitMs = clock.monotonic() - ended
      if (failure === null) deliver(record, commitMs)
      else this.#undurable(record, failure)
      observer.callEnded(record, this.#timings(ended, commitMs))
      this.#letGo()
    })
  }

  /**
   * Forgets whom it served. A life that was old enough to be moved to old space before it ended would otherwise keep
   * its request and answer, and through them later ones, until the next full collection: measured, 7 kB a call and
   * scavenges five times as long.
   */
  #letGo(): void {
    this.#call = NO_CALL
    this.#reply = NOBODY
  }

  /** The record could not be written: the answer must not look whole, since nobody could account for it. */
  #undurable(record: CallRecord, failure: Error): void {
    this.#world.observer.recordLost(record, failure)
    if (this.#reply.headSent) return this.#reply.cut()
    const message = 'the record of this call could not be written, so its answer is withheld'
    this.#sendRefusal(this.#call.dialect.refusal({ cause: 'internal', message }, this.#call.id), null)
  }

  /** Ends the hold too: what limits count of a call is handed over just before its record. */
  #recordOf(outcome: CallOutcome, status: number, ended: MonotonicMs): CallRecord {
    const hold = this.#hold!
    const dollars = sumOf(this.#attempts)
    const heldDollars = hold.held.dollars
    const overrunDollars = hold.settle(this.#attempts, dollars)
    const { id, arrivedAt, arrived, model, dialect, wire, caller, body } = this.#call
    return {
      id,
      at: arrivedAt,
      model: model.name,
      dialect: dialect.name,
      endpoint: wire.endpoint,
      caller,
      outcome,
      status,
      streamed: body.streamed,
      heldDollars,
      dollars,
      durationMs: ended - arrived,
      timeToFirstTokenMs: this.#firstTokenAt === null ? null : this.#firstTokenAt - arrived,
      limited: this.#limited,
      overrunDollars,
      downgradedTo: hold.model === model ? null : hold.model.name,
      attempts: this.#attempts,
    }
  }

  #timings(ended: MonotonicMs, commitMs: number) {
    let upstreamMs = 0
    for (const attempt of this.#attempts) upstreamMs += attempt.durationMs
    const queueMs = this.#queueMs
    const gatewayMs = Math.max(0, ended - this.#call.arrived - upstreamMs - queueMs)
    return { gatewayMs, queueMs, upstreamMs, commitMs, traceparent: this.#call.traceparent }
  }
}
