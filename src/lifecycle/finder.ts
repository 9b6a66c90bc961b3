import type { Taken } from '../policy/health/taken.ts'
import { queueRefusal } from '../policy/refusals/queue.ts'
import type { Cancel } from '../ports/clock.ts'
import type { Place, PlaceAnswer, PlaceEnd } from '../ports/places.ts'
import type { GoOn } from '../ports/wire.ts'
import type { DurationMs, EpochMs } from '../units/time.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { PlacementRecord, SpillRecord } from '../vocabulary/scheduling.ts'
import type { Call } from './call.ts'
import type { Choice } from './choice.ts'
import { isScheduled, placeAskOf } from './place-ask.ts'
import type { World } from './world.ts'

/** Who is to be asked, and which replicas are left for others. */
export interface Step {
  readonly deployment: Deployment
  readonly tried: readonly number[]
}

/** How somebody is asked. */
export interface Manner {
  /** Null for the whole answer. */
  readonly goOn: GoOn | null
  /** It runs against another attempt: it does not wait. */
  readonly isRival: boolean
  /** Told when nobody was asked after all, for want of room or because it came to nothing meanwhile. */
  unasked(): void
  /** Why it left the queue; null where it did not. */
  readonly spill: SpillRecord | null
}

export const ALONE: Manner = { goOn: null, isRival: false, unasked: () => {}, spill: null }

/** A replica that an attempt may use. */
export interface Held {
  readonly deployment: Deployment
  readonly taken: Taken
  /** Null where it is not scheduled. */
  readonly place: Place | null
  readonly placement: PlacementRecord | null
}

export type Found =
  | { readonly kind: 'held'; readonly held: Held }
  | { readonly kind: 'spill'; readonly spill: SpillRecord }
  | { readonly kind: 'refuse'; readonly refusal: Refusal }
  /** There is no place to be had, or somebody else took the replica again and again. */
  | { readonly kind: 'none' }
  /** Somebody else took the replica just then. */
  | { readonly kind: 'lost' }

const UNUSED: PlaceEnd = { usage: null, isWhole: false }
/** After so long a call may try again whose own time was too short. */
const SOON_MS: DurationMs = 1_000
/** A place that is lost so often is no place. */
const MAX_LOST = 8

/** Gives a replica back that nobody asked after all. */
export function letGo({ taken, place }: Held, { clock }: World): void {
  taken.ended('none', clock.now(), null)
  place?.ended(UNUSED)
}

/** Finds the replicas that the attempts of a call use: by their health, or by a place on an owned engine, for which it may wait. */
export class Finder {
  readonly #call: Call
  readonly #model: Model
  readonly #world: World
  readonly #queued: (ms: DurationMs) => void
  /** Takes the call out of the queue; null when it does not wait there. */
  #leave: Cancel | null = null
  /** Deployments that had no place to give and no queue for one. */
  readonly #placeless = new Set<string>()
  #lost = 0
  /** When it first asked for a place; null before. */
  #since: EpochMs | null = null
  #waitedMs: DurationMs = 0
  /** Whether it may go to a hosted deployment instead of waiting. */
  maySpill = true

  /** @param queued told how long the call has waited for a place */
  constructor(call: Call, model: Model, world: World, queued: (ms: DurationMs) => void) {
    this.#call = call
    this.#model = model
    this.#world = world
    this.#queued = queued
  }

  get isWaiting(): boolean {
    return this.#leave !== null
  }

  /** Leaves out who can't be asked for want of a place. */
  withPlaces(choice: Choice): Choice {
    if (this.#placeless.size === 0) return choice
    return { ...choice, options: choice.options.filter(({ deployment }) => !this.#placeless.has(deployment.name)) }
  }

  /** Leaves out the engines that are scheduled. */
  hosted(choice: Choice): Choice {
    const options = choice.options.filter(({ deployment }) => !isScheduled(this.#call, deployment, this.#world))
    return { ...choice, options }
  }

  /**
   * @param how a rival does not wait; `spill` is why it left the queue
   * @param found called once, unless the search is quit; at once where nobody has to be waited for
   * @returns false when no replica may be asked any more; then `found` is not called
   */
  find(step: Step, choice: Choice, how: Pick<Manner, 'isRival' | 'spill'>, found: (found: Found) => void): boolean {
    if (isScheduled(this.#call, step.deployment, this.#world)) {
      this.#seek(step, choice, how.isRival, found)
      return true
    }
    const taken = this.#take(step)
    if (taken === null) return false
    const placement = how.spill === null ? null : { expectedCachedTokens: null, spill: how.spill }
    found({ kind: 'held', held: { deployment: step.deployment, taken, place: null, placement } })
    return true
  }

  /** What a call is told whose time was over before it could ask; null where no place was what it lacked. */
  tooLate({ options }: Choice): Refusal | null {
    const isScheduledCall = options.some(({ deployment }) => isScheduled(this.#call, deployment, this.#world))
    return isScheduledCall ? this.#refusalOf({ cause: 'queueTimeout', retryAfterMs: SOON_MS }) : null
  }

  /** Ends a search that waits. @returns whether one did */
  quit(): boolean {
    const leave = this.#leave
    this.#leave = null
    leave?.()
    return leave !== null
  }

  #take({ deployment, tried }: Step): Taken | null {
    const { health, clock, random } = this.#world
    const taken = health.of(this.#model, deployment).take(clock.now(), random.next, tried)
    if (taken === null || !tried.includes(taken.replica)) return taken
    // Those that it has not asked were lost to somebody else just now.
    taken.ended('none', clock.now(), null)
    return null
  }

  #seek(step: Step, choice: Choice, isRival: boolean, found: (found: Found) => void): void {
    const { clock, places } = this.#world
    this.#since ??= clock.now()
    const so = { since: this.#since, waitedMs: this.#waitedMs, maySpill: this.maySpill }
    const wanted = { model: this.#model, choice, step, isRival, ...so }
    const ask = placeAskOf(this.#call, wanted, this.#world)
    const began = clock.monotonic()
    // A rival's wait is none of the call's: another attempt is under way meanwhile.
    const waited = () => {
      if (isRival) return
      const ms = clock.monotonic() - began
      this.#waitedMs += ms
      this.#queued(ms)
    }
    let isAnswered = false
    const leave = places!.ask(ask, answer => {
      isAnswered = true
      this.#leave = null
      waited()
      // A rival has no place where others wait for one, which the call itself may do yet.
      if (answer.kind === 'none' && !isRival) for (const { name } of ask.deployments) this.#placeless.add(name)
      found(this.#foundOf(answer))
    })
    if (isAnswered || leave === null) return
    this.#leave = () => {
      waited()
      leave()
    }
  }

  #foundOf(answer: PlaceAnswer): Found {
    if (answer.kind === 'refuse') return { kind: 'refuse', refusal: this.#refusalOf(answer) }
    if (answer.kind !== 'place') return answer
    const held = this.#holdOf(answer.place)
    if (held !== null) return { kind: 'held', held }
    answer.place.ended(UNUSED)
    return { kind: ++this.#lost < MAX_LOST ? 'lost' : 'none' }
  }

  #refusalOf({
    cause,
    retryAfterMs,
  }: Pick<Extract<PlaceAnswer, { kind: 'refuse' }>, 'cause' | 'retryAfterMs'>): Refusal {
    const { tier, deadlineAt } = this.#call
    const hasDeadline = deadlineAt !== null && this.#world.clock.now() >= deadlineAt
    return queueRefusal({ cause, retryAfterMs, model: this.#model.name, tier, hasDeadline })
  }

  #holdOf(place: Place): Held | null {
    const { health, clock } = this.#world
    const deployment = this.#model.deployments.find(({ name }) => name === place.deployment)!
    const taken = health.of(this.#model, deployment).takeOne(place.replica, clock.now())
    const { expectedCachedTokens } = place
    return taken && { deployment, taken, place, placement: { expectedCachedTokens, spill: null } }
  }
}
