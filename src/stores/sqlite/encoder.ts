import type { Caller } from '../../vocabulary/caller.ts'
import { ID_EPOCH_MS } from '../../vocabulary/id.ts'
import type { Rate } from '../../vocabulary/price.ts'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import type { SpecialUsage } from '../../vocabulary/usage.ts'
import { type ParsedId, parseCallId } from './callId.ts'
import { ChoiceEncoder } from './choiceEncoder.ts'
import {
  ATTEMPT_OUTCOME_CODES,
  CALL_OUTCOME_CODES,
  type CallerIdentity,
  DIALECT_CODES,
  ENDPOINT_CODES,
  TABLE,
  USAGE_SOURCE_CODES,
} from './codes.ts'
import { Names } from './names.ts'
import type { RingProducer } from './producer.ts'
import { ATTEMPT, CALL, ENTRY, MAX_TEXT_BYTES } from './ring.ts'
import { toAmount, toMicroseconds, toWhole } from './whole.ts'

/** Attempts of one call; a record with more is a fault of the program. */
export const MAX_ATTEMPTS = 1_000
/** Upstreams name these as they like, at any length; the rest of a longer one is not worth a record. */
export const MAX_CIRCUMSTANCE_CHARACTERS = 256

/** Where an integer's low and high 32 bits lie depends on the processor. */
const LOW = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1 ? 0 : 1

interface KnownCaller {
  readonly key: string
  readonly team: string | null
  readonly user: string | null
  readonly number: number
}

/*
 * A record is of a call that was paid, so no figure in it is a reason to lose it. What a column can not hold is kept as
 * the nearest that it can: amounts at the ends of 64 bits, counts and lengths of time whole and within safe integers.
 */

/** Writes records into the ring. One for each ring; measured, less than half a microsecond a plain call. */
export class Encoder {
  readonly #ring: RingProducer
  readonly #names: Names
  /** Callers that share their tags differ at most in their run, so these objects find most callers without a text. */
  readonly #callers = new WeakMap<object, KnownCaller>()
  readonly #rates = new WeakMap<Rate, number>()
  readonly #id: ParsedId = { sinceEpochMs: 0, low: 0 }
  /** Of the record at hand, per attempt: numbers of deployment, rate and circumstances, then the text of its counts. */
  #numbers = new Float64Array(3 * 4)
  #counts: (string | null)[] = []
  readonly #choices: ChoiceEncoder

  constructor(ring: RingProducer, maxNames?: number) {
    this.#ring = ring
    this.#names = new Names(ring, maxNames)
    this.#choices = new ChoiceEncoder(this.#names)
  }

  /**
   * @returns false while the ring has no room; the same record may then be tried again
   * @throws RangeError when the record can never be kept: it has no id of a call, or names and attempts beyond all bounds
   */
  record(record: CallRecord): boolean {
    if (!parseCallId(record.id, this.#id)) throw new RangeError(`'${record.id}' is no id of a call`)
    if (record.attempts.length > MAX_ATTEMPTS) throw new RangeError(`${record.attempts.length} attempts are too many`)
    if (!this.#names.makeRoom()) return false
    const model = this.#names.number(TABLE.models, record.model)
    const caller = this.#callerNumber(record.caller)
    const { downgradedTo, tier: inTier } = record
    const downgraded = downgradedTo === null ? Number.NaN : this.#names.number(TABLE.models, downgradedTo)
    const tier = inTier === null ? Number.NaN : this.#names.number(TABLE.tiers, inTier)
    if (model < 0 || caller < 0 || downgraded < 0 || tier < 0) return false
    const countsLength = this.#nameAttempts(record.attempts)
    const choicesLength = this.#choices.gather(record.attempts)
    if (countsLength < 0 || choicesLength < 0) return false
    const { run } = record.caller
    const textLength = 3 * ((run === null ? 0 : run.length) + countsLength)
    if (textLength > MAX_TEXT_BYTES)
      throw new RangeError('the run and the counts of a call are too long for the ledger')
    const choicesAt = CALL.words + ATTEMPT.words * record.attempts.length
    const fixed = choicesAt + choicesLength
    const at = this.#ring.reserve(fixed + ((textLength + 7) >> 3))
    if (at < 0) return false
    this.#writeCall(at, record, { model, caller, downgraded, tier })
    for (let n = 0; n < record.attempts.length; n++) {
      this.#writeAttempt(at + CALL.words + n * ATTEMPT.words, record.attempts[n]!, n, record.at)
    }
    this.#ring.views.numbers[at + CALL.choices] = choicesLength
    if (choicesLength > 0) this.#choices.put(this.#ring.views.integers, at + choicesAt)
    const textBytes = run === null && countsLength === 0 ? 0 : this.#writeTexts(at, fixed, run, record.attempts.length)
    this.#ring.seal(at, ENTRY.call, fixed + ((textBytes + 7) >> 3))
    return true
  }

  #callerNumber(caller: Caller): number {
    const { key, team, user, tags } = caller
    const known = this.#callers.get(tags)
    if (
      known !== undefined &&
      known.key === key &&
      known.team === team &&
      known.user === user &&
      this.#names.isKnown(known.number)
    ) {
      return known.number
    }
    // Sorted, so that the same tags in another order are the same caller.
    const sorted = Object.fromEntries(Object.entries(tags).sort(([a], [b]) => (a < b ? -1 : 1)))
    const identity: CallerIdentity = [key, team, user, sorted]
    const number = this.#names.number(TABLE.callers, JSON.stringify(identity))
    if (number >= 0) this.#callers.set(tags, { key, team, user, number })
    return number
  }

  #rateNumber(rate: Rate): number {
    const known = this.#rates.get(rate)
    if (known !== undefined && this.#names.isKnown(known)) return known
    const number = this.#names.number(TABLE.rates, JSON.stringify(rate))
    if (number >= 0) this.#rates.set(rate, number)
    return number
  }

  /** @returns characters of all counts, or -1 while the ring has no room */
  #nameAttempts(attempts: readonly AttemptRecord[]): number {
    if (this.#numbers.length < attempts.length * 3) this.#numbers = new Float64Array(attempts.length * 3)
    let length = 0
    for (let n = 0; n < attempts.length; n++) {
      const { deployment, rate, usage } = attempts[n]!
      const named = this.#names.number(TABLE.deployments, deployment)
      const rated = rate === null ? Number.NaN : this.#rateNumber(rate)
      let circumstances = Number.NaN
      this.#counts[n] = null
      if (usage?.special) {
        const [texts, counts] = splitSpecial(usage.special)
        circumstances = this.#names.number(TABLE.circumstances, texts)
        this.#counts[n] = counts
        if (counts !== null) length += counts.length
      }
      if (named < 0 || rated < 0 || circumstances < 0) return -1
      this.#numbers[3 * n] = named
      this.#numbers[3 * n + 1] = rated
      this.#numbers[3 * n + 2] = circumstances
    }
    return length
  }

  #writeCall(
    at: number,
    record: CallRecord,
    names: { readonly model: number; readonly caller: number; readonly downgraded: number; readonly tier: number },
  ): void {
    const { numbers, integers, halves } = this.#ring.views
    const { sinceEpochMs, low } = this.#id
    halves[2 * (at + CALL.id) + LOW] = (((sinceEpochMs & 0x3ff) << 22) | low) >>> 0
    halves[2 * (at + CALL.id) + 1 - LOW] = Math.floor(sinceEpochMs / 0x400)
    numbers[at + CALL.atOffset] = toWhole(record.at - ID_EPOCH_MS - sinceEpochMs)
    numbers[at + CALL.model] = names.model
    numbers[at + CALL.caller] = names.caller
    numbers[at + CALL.dialect] = DIALECT_CODES[record.dialect]!
    numbers[at + CALL.endpoint] = ENDPOINT_CODES[record.endpoint]!
    numbers[at + CALL.outcome] = CALL_OUTCOME_CODES[record.outcome]!
    numbers[at + CALL.status] = record.status
    numbers[at + CALL.streamed] = record.streamed ? 1 : 0
    integers[at + CALL.held] = toAmount(record.heldDollars)
    integers[at + CALL.dollars] = toAmount(record.dollars)
    numbers[at + CALL.duration] = toMicroseconds(record.durationMs)
    numbers[at + CALL.firstToken] = toMicroseconds(record.timeToFirstTokenMs)
    numbers[at + CALL.attempts] = record.attempts.length
    numbers[at + CALL.runBytes] = Number.NaN
    numbers[at + CALL.limited] = record.limited ? 1 : Number.NaN
    integers[at + CALL.overrun] = toAmount(record.overrunDollars)
    numbers[at + CALL.downgraded] = names.downgraded
    numbers[at + CALL.tier] = names.tier
    numbers[at + CALL.queue] = toMicroseconds(record.queueMs)
  }

  #writeAttempt(at: number, attempt: AttemptRecord, n: number, callAt: number): void {
    const { numbers, integers } = this.#ring.views
    const { usage } = attempt
    numbers[at + ATTEMPT.deployment] = this.#numbers[3 * n]!
    numbers[at + ATTEMPT.outcome] = ATTEMPT_OUTCOME_CODES[attempt.outcome]!
    numbers[at + ATTEMPT.status] = attempt.status ?? Number.NaN
    numbers[at + ATTEMPT.startedOffset] = toWhole(attempt.startedAt - callAt)
    numbers[at + ATTEMPT.duration] = toMicroseconds(attempt.durationMs)
    numbers[at + ATTEMPT.firstToken] = toMicroseconds(attempt.timeToFirstTokenMs)
    numbers[at + ATTEMPT.rate] = this.#numbers[3 * n + 1]!
    integers[at + ATTEMPT.dollars] = toAmount(attempt.dollars)
    numbers[at + ATTEMPT.source] = usage === null ? Number.NaN : USAGE_SOURCE_CODES[usage.source]!
    numbers[at + ATTEMPT.input] = usage === null ? 0 : toWhole(usage.inputTokens)
    numbers[at + ATTEMPT.cached] = usage === null ? 0 : toWhole(usage.cachedInputTokens)
    numbers[at + ATTEMPT.written5m] = usage === null ? 0 : toWhole(usage.cacheWrite5mTokens)
    numbers[at + ATTEMPT.written1h] = usage === null ? 0 : toWhole(usage.cacheWrite1hTokens)
    numbers[at + ATTEMPT.output] = usage === null ? 0 : toWhole(usage.outputTokens)
    numbers[at + ATTEMPT.reasoning] = usage === null ? 0 : toWhole(usage.reasoningTokens)
    numbers[at + ATTEMPT.circumstances] = this.#numbers[3 * n + 2]!
    numbers[at + ATTEMPT.counts] = Number.NaN
  }

  /** @returns bytes written after the fixed words */
  #writeTexts(at: number, fixed: number, run: string | null, attempts: number): number {
    const { numbers, bytes } = this.#ring.views
    const start = (at + fixed) * 8
    let end = start
    if (run !== null) {
      const length = bytes.write(run, end, 'utf8')
      numbers[at + CALL.runBytes] = length
      end += length
    }
    for (let n = 0; n < attempts; n++) {
      const counts = this.#counts[n]
      if (counts === null || counts === undefined) continue
      const length = bytes.write(counts, end, 'utf8')
      numbers[at + CALL.words + n * ATTEMPT.words + ATTEMPT.counts] = length
      end += length
    }
    return end - start
  }
}

/** Few circumstances exist, and every call of a provider repeats them; counts differ with each call. */
function splitSpecial(special: SpecialUsage): readonly [circumstances: string, counts: string | null] {
  let counted = false
  const circumstances: Record<string, string> = {}
  const counts: Record<string, number> = {}
  for (const [name, value] of Object.entries(special)) {
    if (typeof value === 'string') circumstances[name] = value.slice(0, MAX_CIRCUMSTANCE_CHARACTERS)
    else if (typeof value === 'number') {
      counts[name] = toWhole(value)
      counted = true
    }
  }
  return [JSON.stringify(circumstances), counted ? JSON.stringify(counts) : null]
}
