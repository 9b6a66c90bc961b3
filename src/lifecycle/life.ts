import { refusalAfter } from '../policy/attempts/give-up.ts'
import { nextAttempt } from '../policy/attempts/next.ts'
import type { Reply } from '../ports/reply.ts'
import type { NanoDollars } from '../units/money.ts'
import type { MonotonicMs } from '../units/time.ts'
import type { CallOutcome } from '../vocabulary/outcome.ts'
import type { AttemptRecord, CallRecord } from '../vocabulary/record.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import { Attempt, type AttemptOwner } from './attempt.ts'
import type { Call, RenderedRefusal } from './call.ts'
import { closingFields, plainHeaders, refusalHeaders, streamHeaders } from './heads.ts'
import { type Hold, holdFor, settleHold } from './hold.ts'
import { type Metered, meter } from './metering.ts'
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
  #hold: Hold | null = null
  #current: Attempt | null = null
  #left = false
  #firstTokenAt: MonotonicMs | null = null
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
    const hold = holdFor(this.#call, this.#world)
    if ('cause' in hold) return this.#refuse(hold)
    this.#hold = hold
    this.#tryNext()
  }

  /** Ends the call because the gateway stops and won't wait longer. */
  stop(): void {
    if (this.#settling) return
    this.#stopping = true
    this.#current?.abandon('timedOut')
  }

  streamBegan(attempt: Attempt): void {
    const { status, headers } = streamHeaders(this.#call, attempt, this.#attempts.length + 1, this.#world.clock)
    this.#reply.head(status, headers)
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

  attemptEnded(attempt: Attempt): void {
    const summary =
      attempt.outcome === 'completed' && attempt.reader === null ? this.#call.wire.readAnswer(attempt.answer()) : null
    if (summary !== null && !summary.sound) attempt.outcome = summary.error ? 'serverError' : 'malformed'
    const tariff = this.#world.tariff(attempt.deployment)
    const metered = meter(this.#call, attempt, summary, { hold: this.#hold!, tariff, at: attempt.startedAt })
    this.#attempts.push(recordOf(attempt, metered))
    this.#current = null
    this.#firstTokenAt ??= attempt.firstTokenAt
    if (this.#left) this.#settle('callerLeft', 499, () => {})
    else if (this.#reply.headSent) this.#endStream(attempt)
    else this.#endPlain(attempt)
  }

  #tryNext(): void {
    const next = nextAttempt({
      attempts: this.#attempts,
      deployments: this.#call.model.deployments,
      dialect: this.#call.dialect.name,
    })
    if (next.kind === 'giveUp') return this.#refuse(next.refusal)
    const attempt = new Attempt(this.#call, next.deployment, this, this.#world.clock, this.#world.bounds)
    this.#current = attempt
    attempt.start(this.#world.engine(next.deployment))
  }

  /** Nothing was shown yet: relays what the upstream said, or refuses where that is no answer to a call. */
  #endPlain(attempt: Attempt): void {
    const { outcome, status } = attempt
    const isError = status !== null && status >= 400 && status < 600
    const relayed = attempt.failure === null && (outcome === 'completed' || isError)
    if (!relayed) return this.#refuse(this.#refusalAfter(attempt))
    const body = attempt.answer()
    this.#settle(outcome === 'completed' ? 'completed' : 'failed', status!, (record, commitMs) => {
      this.#reply.head(status!, plainHeaders(this.#call, attempt, record, { commitMs, bytes: body.length }))
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
    if (this.#attempts.length > 0) {
      this.#settle('failed', rendered.status, record => this.#sendRefusal(rendered, record))
      return
    }
    if (this.#hold !== null) settleHold(this.#hold, null, this.#world.escrow)
    this.#settling = true
    this.#world.observer.callRefused(refusal.cause, rendered.status, this.#call.caller.key, true)
    this.#sendRefusal(rendered, null)
    this.#letGo()
  }

  #sendRefusal(rendered: RenderedRefusal, record: CallRecord | null): void {
    this.#reply.head(rendered.status, refusalHeaders(this.#call, rendered, record))
    this.#reply.end(rendered.body)
  }

  #callerLeft(): void {
    if (this.#settling) return
    this.#left = true
    this.#current?.abandon('callerLeft')
  }

  /** Writes the record; when it is on disk, `deliver` sends what was held back. */
  #settle(outcome: CallOutcome, status: number, deliver: (record: CallRecord, commitMs: number) => void): void {
    this.#settling = true
    const { clock, ledger, escrow, observer } = this.#world
    const ended = clock.monotonic()
    const record = this.#recordOf(outcome, status, ended)
    settleHold(this.#hold!, record.dollars, escrow)
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

  #recordOf(outcome: CallOutcome, status: number, ended: MonotonicMs): CallRecord {
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
      heldDollars: this.#hold!.dollars,
      dollars: sumOf(this.#attempts),
      durationMs: ended - arrived,
      timeToFirstTokenMs: this.#firstTokenAt === null ? null : this.#firstTokenAt - arrived,
      limited: false,
      overrunDollars: null,
      downgradedTo: null,
      attempts: this.#attempts,
    }
  }

  #timings(ended: MonotonicMs, commitMs: number) {
    let upstreamMs = 0
    for (const attempt of this.#attempts) upstreamMs += attempt.durationMs
    const gatewayMs = Math.max(0, ended - this.#call.arrived - upstreamMs)
    return { gatewayMs, queueMs: 0, upstreamMs, commitMs, traceparent: this.#call.traceparent }
  }
}

function sumOf(attempts: readonly AttemptRecord[]): NanoDollars | null {
  let sum = 0n
  for (const { dollars } of attempts) {
    if (dollars === null) return null
    sum += dollars
  }
  return sum
}

function recordOf(attempt: Attempt, metered: Metered): AttemptRecord {
  const { deployment, outcome, status, startedAt, started, firstTokenAt, endedAt } = attempt
  return {
    deployment: deployment.name,
    outcome: outcome!,
    status,
    startedAt,
    durationMs: endedAt! - started,
    timeToFirstTokenMs: firstTokenAt === null ? null : firstTokenAt - started,
    ...metered,
  }
}
