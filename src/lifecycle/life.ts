import { refusalAfter } from '../policy/attempts/give-up.ts'
import type { Cancel } from '../ports/clock.ts'
import type { RawHeaders } from '../ports/engine.ts'
import type { Reply } from '../ports/reply.ts'
import type { DurationMs, MonotonicMs } from '../units/time.ts'
import type { CallOutcome } from '../vocabulary/outcome.ts'
import type { AttemptRecord, CallRecord } from '../vocabulary/record.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { Usage } from '../vocabulary/usage.ts'
import { type Admission, admit } from './admit.ts'
import type { Attempt } from './attempt.ts'
import { Attempts } from './attempts.ts'
import type { AttemptsEnd, AttemptsOwner } from './attempts-owner.ts'
import type { Call, RenderedRefusal } from './call.ts'
import type { Exclusion } from './choice.ts'
import { isRelayed, nobodyFor } from './endings.ts'
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
export class Life implements AttemptsOwner {
  /** Its place among the lives under way; whoever keeps them sets it. */
  seat = -1
  #call: Call
  #reply: Reply
  readonly #world: World
  /** Of attempts that have ended, by their place. */
  readonly #records: AttemptRecord[] = []
  #hold: CallHold | null = null
  /** Takes the call out of the queue for room; null when it does not wait. */
  #leaveQueue: Cancel | null = null
  /** When limits were asked for room. */
  #askedAt: MonotonicMs = 0
  /** Waiting for room took so long. */
  #queueMs = 0
  /** What limits have to say in the answer's headers. */
  #limitHeaders: RawHeaders = []
  #attempts: Attempts | null = null
  #left = false
  #firstTokenAt: MonotonicMs | null = null
  /** Status of a stream that is shown. */
  #shownStatus = 0
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
      return this.#attempt({ upstreams: [], isPricedOnly: false })
    }
    this.#askedAt = this.#world.clock.monotonic()
    this.#leaveQueue = admit(this.#call, this.#world, admission => this.#admitted(admission))
  }

  #admitted(admission: Admission): void {
    const { clock } = this.#world
    if (this.#leaveQueue !== null) this.#queueMs += clock.monotonic() - this.#askedAt
    this.#leaveQueue = null
    if (admission.kind === 'refuse') return this.#refuseSoon(admission.refusal)
    const { model, hold, mostOutputTokens, excluded, isPricedOnly } = admission
    this.#hold = new CallHold(this.#call, model, hold, mostOutputTokens, this.#world)
    this.#limitHeaders = limitHeaders(this.#call, admission, clock.now())
    this.#attempt({ upstreams: excluded, isPricedOnly })
  }

  #attempt(exclusion: Exclusion): void {
    this.#attempts = new Attempts(this.#call, this.#hold!, this, this.#world, exclusion)
    this.#attempts.begin()
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
    this.#attempts?.stop()
  }

  #quitQueue(): boolean {
    const leave = this.#leaveQueue
    this.#leaveQueue = null
    leave?.()
    return leave !== null
  }

  streamBegan(attempt: Attempt, made: number): void {
    const { status, headers } = streamHeaders(
      this.#call,
      attempt,
      { attempts: made, queueMs: this.#queueMs },
      this.#world.clock,
    )
    this.#firstTokenAt = attempt.firstTokenAt
    this.#shownStatus = status
    this.#reply.head(status, withLimits(headers, this.#limitHeaders))
  }

  show(attempt: Attempt, bytes: Uint8Array): void {
    if (this.#left || this.#reply.write(bytes)) return
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
        if (this.#reply.onDrain === null || this.#left) attempt.resume()
      },
      ended: () => attempt.endAtLimit(),
    })
  }

  metered(attempt: Attempt): AttemptRecord {
    const hold = this.#hold!
    const tariff = this.#world.tariff(attempt.deployment)
    const held = attempt.limited ? hold.countedAtEnd(attempt.reader!) : hold.left
    const metered = meter(this.#call, attempt, attempt.summary, { held, tariff, at: attempt.startedAt })
    this.#limited ||= attempt.limited
    if (attempt.limited) attempt.streamEnd = attempt.reader!.endAtLimit(metered.usage!)
    this.#learn(attempt, metered.usage)
    const record = recordOf(attempt, metered)
    // In the order in which they began, which a rival that ends first does not change.
    this.#records[attempt.errand.place] = record
    hold.spend(record)
    return record
  }

  #learn(attempt: Attempt, usage: Usage | null): void {
    const { outcome, limited, reader, errand } = attempt
    if (outcome !== 'completed' || limited || usage?.source !== 'reported') return
    const { expectations } = this.#world
    const { name } = this.#hold!.model
    // What goes on with another's answer tells nothing of how long answers are.
    if (errand.continuation === null) expectations.learn(this.#call.caller.key, name, usage.outputTokens)
    if (reader !== null) expectations.learnBytes(name, usage.outputTokens, reader.contentBytes)
  }

  queued(ms: DurationMs): void {
    this.#queueMs += ms
  }

  over({ attempt, retryAt, choice, refusal }: AttemptsEnd): void {
    if (this.#left && this.#records.length > 0) this.#settle('callerLeft', 499, () => {})
    else if (this.#left) this.#leftQueue()
    else if (refusal !== null && !this.#reply.headSent) this.#refuse(this.#stopping ? STOPPING : refusal)
    else if (attempt === null)
      this.#refuse(this.#stopping ? STOPPING : nobodyFor(choice, retryAt, this.#world.clock.now()))
    else if (this.#reply.headSent) this.#endStream(attempt)
    else this.#endPlain(attempt)
  }

  /** Nothing was shown yet: relays what the upstream said, or refuses where that is no answer to a call. */
  #endPlain(attempt: Attempt): void {
    const { outcome, status } = attempt
    if (this.#stopping || !isRelayed(attempt)) return this.#refuse(this.#refusalAfter(attempt))
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
    this.#settle(whole ? 'completed' : 'failed', this.#shownStatus, record => {
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
    if (this.#records.length > 0) {
      this.#settle('failed', rendered.status, record => this.#sendRefusal(rendered, record))
      return
    }
    this.#hold?.settle([], 0n)
    this.#settling = true
    this.#world.observer.callRefused(refusal.cause, rendered.status, this.#call.caller.key, this.#refused)
    this.#sendRefusal(rendered, null)
    this.#letGo()
  }

  get #refused() {
    return { id: this.#call.id, model: this.#call.model.name }
  }

  #sendRefusal(rendered: RenderedRefusal, record: CallRecord | null): void {
    this.#reply.head(rendered.status, [...refusalHeaders(this.#call, rendered, record), ...this.#limitHeaders])
    this.#reply.end(rendered.body)
  }

  #callerLeft(): void {
    if (this.#settling) return
    this.#left = true
    if (this.#quitQueue()) return this.#leftQueue()
    this.#attempts?.callerLeft()
  }

  /** Nothing was spent and nobody waits for an answer. */
  #leftQueue(): void {
    this.#settling = true
    this.#hold?.settle([], 0n)
    this.#world.observer.callRefused('limitReached', 499, this.#call.caller.key, this.#refused)
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
    this.#attempts = null
    this.#hold = null
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
    const dollars = sumOf(this.#records)
    const heldDollars = hold.held.dollars
    const overrunDollars = hold.settle(this.#records, dollars)
    const { id, arrivedAt, arrived, model, dialect, wire, caller, body, tier } = this.#call
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
      tier,
      queueMs: this.#queueMs,
      attempts: this.#records,
    }
  }

  #timings(ended: MonotonicMs, commitMs: number) {
    let upstreamMs = 0
    for (const attempt of this.#records) upstreamMs += attempt.durationMs
    const queueMs = this.#queueMs
    const gatewayMs = Math.max(0, ended - this.#call.arrived - upstreamMs - queueMs)
    return { gatewayMs, queueMs, upstreamMs, commitMs, traceparent: this.#call.traceparent }
  }
}
