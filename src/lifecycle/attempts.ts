import { type EndedAttempt, fateOf, healthVerdict } from '../policy/attempts/fate.ts'
import { type NextStep, nextStep } from '../policy/attempts/next.ts'
import { sessionHash } from '../policy/routing/session.ts'
import type { Cancel } from '../ports/clock.ts'
import type { GoOn } from '../ports/wire.ts'
import type { EpochMs } from '../units/time.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { RouteRecord } from '../vocabulary/route.ts'
import type { SpillRecord } from '../vocabulary/scheduling.ts'
import { Attempt, type AttemptOwner, type Errand } from './attempt.ts'
import type { AttemptsOwner } from './attempts-owner.ts'
import type { Call } from './call.ts'
import { type Choice, choose, type Exclusion, learnWarmth } from './choice.ts'
import { endedOf, gaveUpWaiting } from './endings.ts'
import { ALONE, Finder, type Found, type Held, letGo, type Manner, type Step } from './finder.ts'
import type { CallHold } from './hold.ts'
import { Shown } from './shown.ts'
import { Times } from './times.ts'
import type { World } from './world.ts'

interface Running extends Held {
  readonly attempt: Attempt
}

/** How often a step is decided anew because somebody else took the replica just then. */
const MAX_RACES = 8
const NO_REPLICAS: readonly number[] = []

/** The attempts of one call: whom it asks next, who runs against whom, whose answer is shown, and who goes on with it. */
export class Attempts implements AttemptOwner {
  readonly #call: Call
  readonly #world: World
  readonly #hold: CallHold
  readonly #owner: AttemptsOwner
  readonly #exclusion: Exclusion
  readonly #times: Times
  readonly #finder: Finder
  /** The conversation that the call belongs to; 0 where there is no choice that it could matter to. */
  readonly #session: number
  readonly #ended: EndedAttempt[] = []
  #running: readonly Running[] = []
  /** Attempts at hosted deployments that stood in for a place. */
  #spilt = 0
  /** Attempts for which limits are being asked for room. */
  #asking = 0
  #made = 0
  /** That answered or failed last; one that was superseded is none. */
  #last: Attempt | null = null
  /** Whose stream is shown. */
  #winner: Attempt | null = null
  readonly #shown: Shown
  /** Something was shown and broke off: the next ones go on with it. */
  #isGoingOn = false
  #cancelWait: Cancel | null = null
  #cancelHedge: Cancel | null = null
  /** No more attempts: the caller left, time is up, or the gateway stops. */
  #isClosing = false
  #isOver = false

  constructor(call: Call, hold: CallHold, owner: AttemptsOwner, world: World, exclusion: Exclusion) {
    this.#call = call
    this.#hold = hold
    this.#owner = owner
    this.#world = world
    this.#exclusion = exclusion
    const { caller, body } = call
    const hasChoice = hold.model.deployments.length > 1
    this.#session = hasChoice ? sessionHash(caller.key, caller.run, body.opening()) : 0
    this.#shown = new Shown(hold.model, world)
    this.#finder = new Finder(call, hold.model, world, ms => {
      this.#times.waited(ms)
      owner.queued(ms)
    })
    this.#times = new Times(world.clock, isCallers => this.#timeUp(isCallers))
  }

  begin(): void {
    this.#times.begin(this.#resilience.timeLimits.totalMs, this.#call.deadlineAt)
    this.#step()
  }

  /** The caller left: everything stops at once, or the upstream may finish within a while. */
  callerLeft(): void {
    this.#close()
    const { drainMs } = this.#resilience
    if (drainMs === null || this.#running.length === 0) return this.#abandonAll()
    for (const { attempt } of this.#running) attempt.resume()
    this.#times.drain(drainMs, () => this.#abandonAll())
  }

  /** Ends everything because the gateway stops. */
  stop(): void {
    this.#quit()
    this.#cut(true)
  }

  answered(attempt: Attempt): void {
    const { clock } = this.#world
    const waitedMs = clock.monotonic() - attempt.started
    const running = this.#running.find(each => each.attempt === attempt)
    running?.taken.answered(clock.now(), { waitedMs, streamed: attempt.reader !== null })
    running?.place?.began(waitedMs)
  }

  streamBegan(attempt: Attempt): void {
    this.#winner = attempt
    this.#cancelHedge?.()
    this.#times.answerBegan()
    this.#supersedeOthers(attempt)
    if (this.#isGoingOn) return
    this.#shown.begin(this.#call)
    this.#owner.streamBegan(attempt, this.#made)
    // What was shown can't be asked for again, so the prompt is not needed any more.
    this.#call.body.release()
  }

  show(attempt: Attempt, bytes: Uint8Array): void {
    this.#shown.take(bytes)
    this.#owner.show(attempt, bytes)
  }

  grew(attempt: Attempt): void {
    this.#owner.grew(attempt)
  }

  attemptEnded(attempt: Attempt): void {
    const { taken, place } = this.#running.find(each => each.attempt === attempt)!
    this.#running = this.#running.filter(each => each.attempt !== attempt)
    const ended = endedOf(attempt, this.#call, this.#world.clock.now())
    this.#ended.push(ended)
    if (this.#call.body.streamed && gaveUpWaiting(attempt))
      taken.unanswered(ended.endedAt, attempt.endedAt! - attempt.started)
    const isOurs = attempt.isOurs || attempt.disagrees
    taken.ended(
      healthVerdict(ended.outcome, ended.status, isOurs),
      ended.endedAt,
      this.#hasOthers ? ended.quietUntil : null,
    )
    const record = this.#owner.metered(attempt)
    place?.ended({ usage: record.usage, isWhole: ended.outcome === 'completed' })
    learnWarmth(this.#session, record, this.#world)
    if (ended.outcome === 'superseded') return
    this.#last = attempt
    if (this.#isClosing) {
      // Of two that were left to finish, the answer of the first is enough.
      if (ended.outcome === 'completed') this.#supersedeOthers(attempt)
      if (this.#running.length === 0) this.#over()
    } else if (attempt === this.#winner) this.#winnerEnded(attempt)
    else if (fateOf(ended) === 'answer') {
      this.#supersedeOthers(attempt)
      this.#over()
    } else if (this.#asking === 0) {
      const [other] = this.#running
      if (other === undefined) this.#afterFailure(attempt)
      // The first one is as slow as it was: another rival takes the place of the one that failed.
      else if (other.attempt.errand.place < attempt.errand.place) this.#hedge(true)
    }
  }

  /** Whether somebody else can be asked while one wants to be left alone; a lone upstream has to say no itself. */
  get #hasOthers(): boolean {
    const { deployments } = this.#hold.model
    return deployments.length > 1 || deployments[0]!.replicas > 1
  }

  get #resilience() {
    return this.#hold.model.resilience
  }

  /** Its stream was shown: it is whole, or it broke and somebody else may go on. */
  #winnerEnded(attempt: Attempt): void {
    if (attempt.outcome === 'completed' || !this.#shown.isFollowed) return this.#over()
    const { streamEnd } = attempt
    if (streamEnd?.beforeComment) {
      this.show(attempt, streamEnd.beforeComment)
      attempt.streamEnd = { ...streamEnd, beforeComment: null }
    }
    if (!this.#shown.canGoOn()) return this.#over()
    this.#winner = null
    this.#isGoingOn = true
    this.#step()
  }

  #afterFailure(attempt: Attempt): void {
    this.#cancelHedge?.()
    const { deployment } = attempt
    // It does not go on from an assistant's message: then it is asked for the whole answer, to be joined where it agrees.
    const isAskedAnew =
      this.#refusedPrefill(attempt) &&
      this.#ask({ deployment, tried: NO_REPLICAS }, this.#choose(), { ...ALONE, goOn: 'anew' })
    if (!isAskedAnew) this.#step()
  }

  #refusedPrefill(attempt: Attempt): boolean {
    const { errand, outcome, status } = attempt
    if (errand.goOn !== 'prefill' || outcome !== 'rejected' || this.#made >= this.#resilience.attempts) return false
    return this.#call.wire.refusesPrefill(status!, attempt.answer())
  }

  #step(): void {
    for (let race = 0; race < MAX_RACES; race++) {
      if (this.#isOver || this.#isClosing) return
      const choice = this.#choose()
      const step = this.#next(choice)
      if (step.kind === 'giveUp') return this.#giveUp(choice, step.retryAt)
      if (step.kind === 'wait') return this.#wait(step.until)
      if (this.#ask(step, choice, { ...ALONE, goOn: this.#isGoingOn ? 'prefill' : null })) return
    }
    this.#over(this.#choose())
  }

  #giveUp(choice: Choice, retryAt: EpochMs | null): void {
    const { isUp } = this.#times
    this.#over(isUp ? null : choice, retryAt, isUp && this.#made === 0 ? this.#finder.tooLate(choice) : null)
  }

  #wait(until: EpochMs): void {
    const { clock } = this.#world
    this.#cancelWait = clock.after(Math.max(0, until - clock.now()), () => {
      this.#cancelWait = null
      this.#step()
    })
  }

  #choose(again: Deployment | null = null): Choice {
    const { model } = this.#hold
    const running = this.#running.map(({ attempt }) => attempt.errand)
    const state = { exclusion: this.#exclusion, ended: this.#ended, running, session: this.#session, again }
    return this.#finder.withPlaces(choose(this.#call, model, state, this.#world))
  }

  #next({ options }: Choice): NextStep {
    return nextStep({
      ended: this.#ended,
      running: this.#running.length,
      options,
      // A call comes back to the queue from a hosted deployment as if it had not been there.
      mostAttempts: this.#resilience.attempts + this.#spilt,
      endsAt: this.#times.endsAt,
      now: this.#world.clock.now(),
    })
  }

  /**
   * Asks a replica of a deployment, when there is a place for it and when what it may use is held for.
   *
   * @returns false when no replica may be asked any more
   */
  #ask(step: Step, choice: Choice, manner: Manner): boolean {
    this.#asking++
    const isSought = this.#finder.find(step, choice, manner, found => {
      this.#asking--
      this.#found(found, choice, manner)
    })
    if (!isSought) this.#asking--
    return isSought
  }

  #found(found: Found, choice: Choice, manner: Manner): void {
    const isWanted = this.#isWanted(manner.goOn)
    if (found.kind === 'held') {
      // A place that was on its way to another thread may come when the call had to be over.
      if (isWanted && !this.#times.isUp) return this.#cover(found.held, choice, manner)
      letGo(found.held, this.#world)
    }
    manner.unasked()
    if (!isWanted || this.#running.length > 0 || this.#asking > 0) return
    if (found.kind === 'refuse') return this.#over(null, null, found.refusal)
    if (found.kind === 'spill' && this.#spill(found.spill, manner)) return
    this.#step()
  }

  /** Goes to a hosted deployment instead of waiting. @returns false when none can be asked any more */
  #spill(spill: SpillRecord, manner: Manner): boolean {
    const choice = this.#choose()
    const step = this.#next(this.#finder.hosted(choice))
    if (step.kind === 'try' && this.#ask(step, choice, { ...manner, spill })) return true
    this.#finder.maySpill = false
    return false
  }

  /** Starts the attempt when limits have room for it. */
  #cover(held: Held, choice: Choice, manner: Manner): void {
    const { goOn } = manner
    const { continuation, toldTokens: moreInputTokens } = this.#shown.goOn(goOn, held.deployment)
    this.#asking++
    this.#hold.cover({ running: this.#running.length, moreInputTokens }, isCovered => {
      this.#asking--
      const isWanted = this.#isWanted(goOn)
      if (isCovered && isWanted) {
        return this.#start(held, { route: this.#routeTo(held.deployment, choice), goOn, continuation })
      }
      letGo(held, this.#world)
      manner.unasked()
      // What the last one said is all that there is, since a limit has no room for another one.
      if (isWanted && this.#running.length === 0) this.#over(choice)
    })
  }

  /** Whether an attempt is still of use once there is room for it: a whole answer is not beside one that is shown. */
  #isWanted(goOn: GoOn | null): boolean {
    if (this.#isOver || this.#isClosing) return false
    return goOn !== null || (this.#winner === null && !this.#isGoingOn)
  }

  #start(held: Held, why: Pick<Errand, 'route' | 'goOn' | 'continuation'>): void {
    const { clock, bounds, engine } = this.#world
    const { deployment, taken, place, placement } = held
    const address = place?.address ?? null
    const errand = { ...why, deployment, replica: taken.replica, address, placement, place: this.#made++ }
    const attempt = new Attempt(this.#call, errand, this, clock, bounds)
    if (placement?.spill) this.#spilt++
    const isFirst = this.#running.length === 0
    this.#running = [...this.#running, { ...held, attempt }]
    attempt.start(engine(deployment), this.#resilience)
    const { hedgeAfterMs } = this.#resilience
    if (isFirst && hedgeAfterMs !== null && why.goOn === null) {
      this.#cancelHedge = clock.after(hedgeAfterMs, () => this.#hedge())
    }
  }

  /** Why an attempt goes to a deployment: one that is asked once more is a candidate and not passed over. */
  #routeTo(deployment: Deployment, { record }: Choice): RouteRecord | null {
    const isAgain = record?.passedOver.some(({ deployment: name }) => name === deployment.name)
    return isAgain ? this.#choose(deployment).record : record
  }

  /**
   * The attempt under way has shown nothing for long: a rival may be quicker, as long as rivals are few.
   *
   * @param isPaid the call has had its rival, in whose place this one is asked
   */
  #hedge(isPaid = false): void {
    if (this.#isOver || this.#isClosing || this.#winner !== null || this.#running.length !== 1) return
    const choice = this.#choose()
    const step = this.#next(choice)
    const budget = this.#world.health.hedges(this.#hold.model)
    if (step.kind !== 'hedge' || !(isPaid || budget.claim())) return
    const giveBack = () => {
      if (!isPaid) budget.giveBack()
    }
    if (!this.#ask(step, choice, { goOn: null, isRival: true, unasked: giveBack, spill: null })) giveBack()
  }

  #timeUp(isCallers: boolean): void {
    // Who waits for a place is told by the queue when its time is up, and when to ask again.
    if (this.#finder.isWaiting && this.#running.length === 0) return
    // A deadline is for the start, and on an owned engine a call has started when it has its place.
    if (isCallers && this.#running.some(({ place }) => place !== null)) return
    this.#cut(isCallers)
  }

  /** @param isOurs it is the caller's bound or the gateway's stop, which says nothing of the upstream */
  #cut(isOurs: boolean): void {
    this.#close()
    if (this.#running.length === 0) return this.#over()
    const { totalMs } = this.#resilience.timeLimits
    const now = this.#world.clock.monotonic()
    for (const { attempt } of this.#running) {
      // One that had less than half of the time is not slow because others were.
      attempt.isOurs = isOurs || now - attempt.started < (totalMs ?? 0) / 2
      attempt.abandon('timedOut')
    }
  }

  #quit(): void {
    if (this.#finder.quit()) this.#asking--
  }

  #close(): void {
    this.#isClosing = true
    this.#quit()
    this.#cancelWait?.()
    this.#cancelHedge?.()
  }

  #abandonAll(): void {
    if (this.#running.length === 0) return this.#over()
    for (const { attempt } of this.#running) {
      attempt.isOurs = true
      attempt.abandon('callerLeft')
    }
  }

  #supersedeOthers(winner: Attempt): void {
    for (const { attempt } of this.#running) if (attempt !== winner) attempt.abandon('superseded')
  }

  #over(choice: Choice | null = null, retryAt: EpochMs | null = null, refusal: Refusal | null = null): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#close()
    this.#times.end()
    if (this.#last?.outcome === 'completed') this.#world.health.hedges(this.#hold.model).called()
    this.#owner.over({ attempt: this.#last, retryAt, choice, refusal })
  }
}
