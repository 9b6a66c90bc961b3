import type { NanoDollars } from '../../units/money.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Line, LineUnit, Rate } from '../../vocabulary/price.ts'
import type { SpecialUsage, Usage } from '../../vocabulary/usage.ts'
import { cardFromRate, exactCost, type RateCard, smallCost } from './card.ts'
import { unlessNeutral } from './modifiers.ts'
import type { Tariff } from './tariff.ts'

/** What an attempt costs. */
export interface Rated {
  /** The prices that apply; null when nobody knows them. The same object for every attempt that they apply to. */
  readonly rate: Rate | null
  /** Null when unrated: no price is known for what was used, or the usage contradicts itself. */
  readonly dollars: NanoDollars | null
}

const UNRATED: Rated = { rate: null, dollars: null }

/**
 * Rates one attempt: some 0.1 µs for a plain one.
 *
 * The whole call is priced at the tier that its input tokens reach. Each line is rounded half-even once to the
 * nano-dollar, the sum is exact. A used unit without a price makes the whole unrated; one that was not used costs
 * nothing and needs no price.
 *
 * @param tariff null when nobody knows the prices
 * @param at when the attempt began: prices change by date and by time of day
 */
export function rate(tariff: Tariff | null, usage: Usage, at: EpochMs): Rated {
  if (tariff === null) return UNRATED
  if (usage.reasoningTokens > 0 && tariff.pricesReasoningApart(at)) return UNRATED
  const card = cardOf(tariff, usage, at)
  return card === null ? UNRATED : { rate: card.rate, dollars: costOf(card, usage) }
}

/**
 * The lines of a bill: what `rate` added up, computed anew from what the ledger keeps. Units that were not used have no
 * line.
 *
 * @returns null when a used unit has no price in this rate, or the usage contradicts itself
 */
export function linesOf(usage: Usage, rate: Rate): readonly Line[] | null {
  const card = cardFromRate(rate)
  const counts = countsOf(card, usage)
  if (counts === null) return null
  const lines: Line[] = []
  for (const [unit, tokens] of counts) {
    const charge = card.charges.get(unit)
    if (charge === undefined) return null
    lines.push({ unit, tokens, dollarsPerMillion: charge.text, dollars: exactCost(charge, tokens) })
  }
  return lines
}

function cardOf(tariff: Tariff, usage: Usage, at: EpochMs): RateCard | null {
  const { inputTokens, special } = usage
  if (special === undefined) return tariff.ordinaryCard(at, inputTokens)
  const serviceTier = unlessNeutral('serviceTier', special.serviceTier)
  const speed = unlessNeutral('speed', special.speed)
  const inferenceGeo = unlessNeutral('inferenceGeo', special.inferenceGeo)
  if (serviceTier === null && speed === null && inferenceGeo === null) return tariff.ordinaryCard(at, inputTokens)
  return tariff.modifiedCard(at, inputTokens, { serviceTier, speed, inferenceGeo })
}

function costOf(card: RateCard, usage: Usage): NanoDollars | null {
  if (usage.special === undefined || !hasParts(usage.special)) {
    const small = plainCost(card, usage)
    if (small >= 0) return BigInt(small)
  }
  const counts = countsOf(card, usage)
  if (counts === null) return null
  let sum = 0n
  for (const [unit, count] of counts) {
    const charge = card.charges.get(unit)
    if (charge === undefined) return null
    sum += exactCost(charge, count)
  }
  return sum
}

/** Whether anything was counted that has a line of its own; most of what is special is only a service tier. */
function hasParts(special: SpecialUsage): boolean {
  return (
    special.inputAudioTokens !== undefined ||
    special.cachedAudioTokens !== undefined ||
    special.inputImageTokens !== undefined ||
    special.cachedImageTokens !== undefined ||
    special.outputAudioTokens !== undefined ||
    special.outputImageTokens !== undefined ||
    special.webSearches !== undefined
  )
}

/** The sum of the five ordinary lines in whole numbers; -1 when one has no price or is too large for that. */
function plainCost(card: RateCard, usage: Usage): number {
  const { inputTokens, cachedInputTokens, cacheWrite5mTokens, cacheWrite1hTokens, outputTokens } = usage
  const uncached = inputTokens - cachedInputTokens - cacheWrite5mTokens - cacheWrite1hTokens
  if (uncached < 0) return -1
  let sum = 0
  if (uncached !== 0) {
    const cost = smallCost(card.input, uncached)
    if (cost < 0) return -1
    sum += cost
  }
  if (cachedInputTokens !== 0) {
    const cost = smallCost(card.cachedInput, cachedInputTokens)
    if (cost < 0) return -1
    sum += cost
  }
  if (cacheWrite5mTokens !== 0) {
    const cost = smallCost(card.cacheWrite5m, cacheWrite5mTokens)
    if (cost < 0) return -1
    sum += cost
  }
  if (cacheWrite1hTokens !== 0) {
    const cost = smallCost(card.cacheWrite1h, cacheWrite1hTokens)
    if (cost < 0) return -1
    sum += cost
  }
  if (outputTokens !== 0) {
    const cost = smallCost(card.output, outputTokens)
    if (cost < 0) return -1
    sum += cost
  }
  return sum
}

type Count = readonly [unit: LineUnit, count: Tokens]

const NOTHING_SPECIAL: SpecialUsage = {}

/** Splits a usage into what each unit counts, zeros left out; null when a part is larger than its whole. */
function countsOf(card: RateCard, usage: Usage): readonly Count[] | null {
  const { special = NOTHING_SPECIAL } = usage
  const { inputAudioTokens = 0, cachedAudioTokens = 0, outputAudioTokens = 0, outputImageTokens = 0 } = special
  // Where a model has no price for pictures it reads, they cost what its other input costs: that is how providers bill
  // the vision of text models. Audio and pictures that are made cost more everywhere, so these need their own price.
  const picturesApart = card.charges.has('inputImage')
  const inputImageTokens = picturesApart ? (special.inputImageTokens ?? 0) : 0
  const cachedImageTokens = picturesApart ? (special.cachedImageTokens ?? 0) : 0
  const cachedText = usage.cachedInputTokens - cachedAudioTokens - cachedImageTokens
  const uncachedAudio = inputAudioTokens - cachedAudioTokens
  const uncachedImage = inputImageTokens - cachedImageTokens
  const written = usage.cacheWrite5mTokens + usage.cacheWrite1hTokens
  const counts: readonly Count[] = [
    ['input', usage.inputTokens - usage.cachedInputTokens - written - uncachedAudio - uncachedImage],
    ['cachedInput', cachedText],
    ['cacheWrite5m', usage.cacheWrite5mTokens],
    ['cacheWrite1h', usage.cacheWrite1hTokens],
    ['output', usage.outputTokens - outputAudioTokens - outputImageTokens],
    ['inputAudio', uncachedAudio],
    ['cachedAudio', cachedAudioTokens],
    ['outputAudio', outputAudioTokens],
    ['inputImage', uncachedImage],
    ['cachedImage', cachedImageTokens],
    ['outputImage', outputImageTokens],
    ['webSearch', special.webSearches ?? 0],
  ]
  if (counts.some(([, count]) => count < 0)) return null
  return counts.filter(([, count]) => count !== 0)
}
