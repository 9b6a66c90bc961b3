import type { LimitHold } from '../ports/limits.ts'
import type { StreamReader } from '../ports/wire.ts'
import type { NanoDollars } from '../units/money.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Model } from '../vocabulary/deployment.ts'
import type { ActualAmounts, Amounts } from '../vocabulary/limited-call.ts'
import type { AttemptRecord } from '../vocabulary/record.ts'
import type { SpecialUsage, Usage } from '../vocabulary/usage.ts'
import type { Call } from './call.ts'
import { inputDollars, moreFor } from './need.ts'
import type { World } from './world.ts'

/** A stream asks for more before it has shown all that is held, so that it need not stop while it is asked about. */
const AHEAD_TOKENS: Tokens = 16
/** What is shown is counted from bytes. Beyond the caller's own maximum only so many times more shows that it is not kept. */
const DOUBT = 2
/** By so much a hold grows at least, and by half of what was shown. */
const STEP_TOKENS: Tokens = 256
/** What is asked for where a whole step has no room. */
const SMALL_STEP_TOKENS: Tokens = 32

const NOTHING: Amounts = { dollars: 0n, inputTokens: 0, outputTokens: 0 }

/** What was set aside for a call before its first attempt, and what was added while it ran. */
export class CallHold {
  readonly model: Model
  readonly #call: Call
  readonly #world: World
  readonly #limits: LimitHold | null
  /** What one attempt was admitted for. */
  readonly #admitted: Amounts
  /** What attempts that have ended used. */
  #spent: Amounts = NOTHING
  /** The most output tokens that the call may have. */
  readonly #mostOutputTokens: Tokens
  #isAsking = false
  #isEnded = false

  /** @param limits null for a call that costs nothing and that no limit counts */
  constructor(call: Call, model: Model, limits: LimitHold | null, most: Tokens, world: World) {
    this.model = model
    this.#call = call
    this.#world = world
    this.#limits = limits
    this.#mostOutputTokens = most
    this.#admitted = limits?.held ?? NOTHING
  }

  /** In all, for every attempt of the call. */
  get held(): Amounts {
    return this.#limits?.held ?? NOTHING
  }

  /** What of it is left for the attempt that is shown. */
  get left(): Amounts {
    const { held } = this
    const spent = this.#spent
    const dollars = held.dollars === null ? null : held.dollars - (spent.dollars ?? 0n)
    return {
      dollars: dollars !== null && dollars < 0n ? 0n : dollars,
      inputTokens: Math.max(0, held.inputTokens - spent.inputTokens),
      outputTokens: Math.max(0, held.outputTokens - spent.outputTokens),
    }
  }

  /** Takes note of what an attempt used that has ended. */
  spend({ usage, dollars }: AttemptRecord): void {
    if (usage !== null) this.#spent = plus(this.#spent, usage, dollars ?? 0n)
  }

  /**
   * Sees to it that another attempt is held for besides what earlier ones used and those under way may use: else a call
   * that fails several times could pass its limits.
   *
   * @param another beside those that are running; one that goes on with what was shown is told that too
   * @param answer told once: at once where nothing is lacking, and also when the call has ended meanwhile
   */
  cover(
    { running, moreInputTokens }: { readonly running: number; readonly moreInputTokens: Tokens },
    answer: (granted: boolean) => void,
  ): void {
    // What the call was admitted for is the first attempt's.
    const isFirst = this.#spent === NOTHING && running === 0 && moreInputTokens === 0
    if (isFirst || this.#limits === null || this.#isEnded) return answer(true)
    const { left } = this
    const { dollars, inputTokens, outputTokens } = this.#admitted
    const lacks = (each: number, has: number) => Math.max(0, each * (running + 1) - has)
    const moreDollars = inputDollars(this.#call, this.model, { held: this.#admitted, moreInputTokens }, this.#world)
    const lackingDollars =
      dollars === null || left.dollars === null ? null : dollars * BigInt(running + 1) + moreDollars - left.dollars
    const more = {
      dollars: lackingDollars !== null && lackingDollars < 0n ? 0n : lackingDollars,
      inputTokens: lacks(inputTokens, left.inputTokens - moreInputTokens),
      outputTokens: lacks(outputTokens, left.outputTokens),
    }
    const isCovered =
      more.inputTokens === 0 && more.outputTokens === 0 && (more.dollars === null || more.dollars === 0n)
    if (isCovered) return answer(true)
    this.#extend(this.#limits, more, granted => answer(granted && !this.#isEnded))
  }

  /**
   * Sees to it that what a stream has shown is held. Where there is no room for more, `ended` is called; where somebody
   * else has to be asked, `waits` is called first, and `goesOn` when there is room.
   */
  follow(reader: StreamReader, on: { waits(): void; goesOn(): void; ended(): void }): void {
    // Once the upstream has told what it used in all, nothing more comes that could be kept from it.
    if (this.#limits === null || this.#isAsking || this.#isEnded || reader.ended || reader.usageFinal) return
    const shown = this.#shownBy(reader)
    const { outputTokens } = this.left
    const isShort =
      outputTokens < this.#mostOutputTokens ? shown + AHEAD_TOKENS > outputTokens : shown > outputTokens * DOUBT
    if (!isShort) return
    const step = shown + Math.max(STEP_TOKENS, Math.ceil(shown / 2))
    const whole = shown < this.#mostOutputTokens ? Math.min(step, this.#mostOutputTokens) : step
    let isWaiting = false
    this.#isAsking = true
    const steps = [whole, shown + SMALL_STEP_TOKENS, shown + 1].filter(step => step > outputTokens)
    this.#askFor(steps, granted => {
      this.#isAsking = false
      // What is held may still last a while though there is no more.
      if (!granted && shown >= outputTokens) on.ended()
      else if (isWaiting) on.goesOn()
    })
    if (!this.#isAsking) return
    isWaiting = true
    on.waits()
  }

  #shownBy({ contentBytes, usage }: StreamReader): Tokens {
    const counted = this.#world.expectations.shownTokens(this.model.name, contentBytes)
    return Math.max(counted, usage?.outputTokens ?? 0)
  }

  /**
   * The most that a stream is counted for which was ended for want of room: what is held, as long as our count of what it
   * has shown leaves that in doubt; what it has shown, where it came in pieces too large to be stopped in time.
   */
  countedAtEnd(reader: StreamReader): Amounts {
    const { left } = this
    const shown = this.#shownBy(reader)
    const doubtful = left.outputTokens < this.#mostOutputTokens ? left.outputTokens : left.outputTokens * DOUBT
    return shown <= doubtful + 2 * AHEAD_TOKENS ? left : { ...left, outputTokens: shown }
  }

  /** Asks for so many output tokens in all, the most first. */
  #askFor([first, ...less]: readonly Tokens[], answer: (granted: boolean) => void): void {
    if (first === undefined) return answer(false)
    this.#ask(first, granted => (granted ? answer(true) : this.#askFor(less, answer)))
  }

  #ask(outputTokens: Tokens, answer: (granted: boolean) => void): void {
    const more = moreFor(this.#call, this.model, { held: this.left, outputTokens }, this.#world)
    this.#extend(this.#limits!, more, granted => {
      if (!this.#isEnded) answer(granted)
    })
  }

  /** Asks limits for more, within what the caller itself lets this call cost with all its attempts. */
  #extend(limits: LimitHold, more: Amounts, answer: (granted: boolean) => void): void {
    const { maxDollars } = this.#call
    const { dollars } = limits.held
    if (maxDollars !== null && (dollars ?? 0n) + (more.dollars ?? 0n) > maxDollars) return answer(false)
    limits.extend(more, answer)
  }

  /**
   * Ends the hold by what was used; gives all of it back where no upstream did anything.
   *
   * @returns dollars used beyond what was held; null when none were, or nobody knows
   */
  settle(attempts: readonly AttemptRecord[], dollars: NanoDollars | null): NanoDollars | null {
    if (this.#limits === null || this.#isEnded) return null
    this.#isEnded = true
    if (attempts.every(({ usage }) => usage === null)) {
      this.#limits.void()
      return null
    }
    const held = this.#limits.held.dollars
    this.#limits.post(actualOf(attempts, dollars))
    return held === null || dollars === null || dollars <= held ? null : dollars - held
  }
}

/** Circumstances of an attempt that may change how fast it burns a limit, as its upstream names them. */
const CIRCUMSTANCES = ['serviceTier', 'speed', 'inferenceGeo'] as const

/** What attempts used, in all and at each upstream. */
function actualOf(attempts: readonly AttemptRecord[], dollars: NanoDollars | null): ActualAmounts {
  let whole: Amounts = NOTHING
  const byUpstream: Record<string, Amounts> = {}
  for (const { deployment, usage, dollars } of attempts) {
    if (usage === null) continue
    const upstream = deployment.slice(0, deployment.indexOf('/'))
    whole = plus(whole, usage, dollars)
    byUpstream[upstream] = plus(byUpstream[upstream] ?? NOTHING, usage, dollars)
  }
  return { ...whole, dollars, byUpstream }
}

/** Of attempts in different circumstances those of the last count for all, as if it had been asked alone. */
function plus(before: Amounts, usage: Usage, dollars: NanoDollars | null): Amounts {
  const circumstances = circumstancesOf(usage.special) ?? before.circumstances
  return {
    dollars: before.dollars === null || dollars === null ? null : before.dollars + dollars,
    inputTokens: before.inputTokens + usage.inputTokens,
    outputTokens: before.outputTokens + usage.outputTokens,
    cachedInputTokens: (before.cachedInputTokens ?? 0) + usage.cachedInputTokens,
    cacheWrite5mTokens: (before.cacheWrite5mTokens ?? 0) + usage.cacheWrite5mTokens,
    cacheWrite1hTokens: (before.cacheWrite1hTokens ?? 0) + usage.cacheWrite1hTokens,
    ...(circumstances === undefined ? {} : { circumstances }),
  }
}

function circumstancesOf(special: SpecialUsage | undefined): Amounts['circumstances'] {
  if (special === undefined) return undefined
  const found: Record<string, string> = {}
  for (const name of CIRCUMSTANCES) if (special[name] !== undefined) found[name] = special[name]
  return found
}
