import type { Ratio } from './price.ts'

/** What an upstream said of how it served a call; null where it said nothing out of the ordinary. */
export interface Circumstances {
  readonly serviceTier: string | null
  readonly speed: string | null
  readonly inferenceGeo: string | null
}

/** A price rule that the price book does not hold: all token prices of a model are multiplied, searches are not. */
interface Modifier {
  /** The price book's id of the provider. */
  readonly provider: string
  /** The price book's ids of the models; null for all of the provider's. */
  readonly models: readonly string[] | null
  readonly circumstance: keyof Circumstances
  readonly values: readonly string[]
  readonly ratio: Ratio
  /** Offered only for contexts below the first threshold of the model's prices. */
  readonly shortContextOnly: boolean
  /** Where the rule was read, and when. */
  readonly source: string
}

/** How the prices of a call differ from the book's. */
export interface Modification {
  /** To be applied one after another. */
  readonly ratios: readonly Ratio[]
  readonly shortContextOnly: boolean
  /** As receipts show them: `serviceTier batch x1/2 (…)`. */
  readonly labels: readonly string[]
}

const ANTHROPIC = 'platform.claude.com pricing as of 2026-08-06'
const OPENAI_PRIORITY = 'openai.com priority processing as of 2026-06-09'
const OPENAI_FAST = 'developers.openai.com fast mode as of 2026-08-21'
const OPENAI_PRICING = 'developers.openai.com pricing as of 2026-08-27'
const GOOGLE = 'ai.google.dev optimization as of 2026-11-21'

function openaiPriority(ratio: Ratio, models: readonly string[], source = OPENAI_PRIORITY): Modifier {
  const values = ['priority', 'fast']
  return { provider: 'openai', models, circumstance: 'serviceTier', values, ratio, shortContextOnly: true, source }
}

function tier(provider: string, value: string, ratio: Ratio, source: string): Modifier {
  return {
    provider,
    models: null,
    circumstance: 'serviceTier',
    values: [value],
    ratio,
    shortContextOnly: false,
    source,
  }
}

function anthropic(circumstance: keyof Circumstances, value: string, ratio: Ratio, models: string[] | null): Modifier {
  return {
    provider: 'anthropic',
    models,
    circumstance,
    values: [value],
    ratio,
    shortContextOnly: false,
    source: ANTHROPIC,
  }
}

const MODIFIERS: readonly Modifier[] = [
  anthropic('serviceTier', 'batch', [1, 2], null),
  anthropic('inferenceGeo', 'us', [11, 10], null),
  anthropic('speed', 'fast', [6, 1], ['claude-opus-4-6', 'claude-opus-4-7']),
  anthropic('speed', 'fast', [2, 1], ['claude-opus-4-8', 'claude-opus-5']),
  tier('openai', 'batch', [1, 2], OPENAI_PRICING),
  tier('openai', 'flex', [1, 2], OPENAI_PRICING),
  openaiPriority([2, 1], ['gpt-4.1-nano', 'gpt-5', 'gpt-5.1', 'gpt-5.2', 'gpt-5.4', 'gpt-5.4-mini']),
  openaiPriority([5, 2], ['gpt-5.5']),
  openaiPriority([9, 5], ['gpt-5-mini']),
  openaiPriority([7, 4], ['gpt-4.1', 'gpt-4.1-mini', 'gpt-4o-2024-05-13', 'o3']),
  openaiPriority([17, 10], ['gpt-4o']),
  openaiPriority([5, 3], ['gpt-4o-mini']),
  openaiPriority([20, 11], ['o4-mini']),
  openaiPriority([2, 1], ['gpt-5.6-sol', 'gpt-5.6-terra', 'gpt-5.6-luna', 'gpt-6-astra'], OPENAI_FAST),
  tier('google', 'batch', [1, 2], GOOGLE),
  tier('google', 'flex', [1, 2], GOOGLE),
]

/** Values that change no price, whoever says them. `auto` is what engines echo that have one tier only; empty says nothing. */
const NEUTRAL: Readonly<Record<keyof Circumstances, ReadonlySet<string>>> = {
  serviceTier: new Set(['', 'default', 'standard', 'auto', 'on_demand']),
  speed: new Set(['', 'standard']),
  inferenceGeo: new Set(['', 'global', 'not_available']),
}

/** What is left of a circumstance when it changes no price. */
export function unlessNeutral(circumstance: keyof Circumstances, value: string | undefined): string | null {
  return value === undefined || NEUTRAL[circumstance].has(value) ? null : value
}

/**
 * Looks up how circumstances change a model's prices.
 *
 * @param provider the price book's id; null for prices of our own configuration, which know no circumstances
 * @param circumstances without neutral values
 * @returns null when one of them has no known price: the call is then unrated. Committed capacity (Anthropic's
 *   `priority`, OpenAI's `scale`) is such a case, since its price is a contract's.
 */
export function modificationFor(
  provider: string | null,
  model: string,
  circumstances: Circumstances,
): Modification | null {
  // Providers offer a faster mode only at their ordinary tier, so together they have no price that anyone published.
  if (circumstances.speed !== null && circumstances.serviceTier !== null) return null
  const found: Modifier[] = []
  for (const circumstance of ['serviceTier', 'speed', 'inferenceGeo'] as const) {
    const value = circumstances[circumstance]
    if (value === null) continue
    const modifier = MODIFIERS.find(
      rule =>
        rule.provider === provider &&
        rule.circumstance === circumstance &&
        rule.values.includes(value) &&
        (rule.models === null || rule.models.includes(model)),
    )
    if (modifier === undefined) return null
    found.push(modifier)
  }
  return {
    ratios: found.map(modifier => modifier.ratio),
    shortContextOnly: found.some(modifier => modifier.shortContextOnly),
    labels: found.map(({ circumstance, ratio, source }) => {
      const factor = ratio[1] === 1 ? `${ratio[0]}` : `${ratio[0]}/${ratio[1]}`
      return `${circumstance} ${circumstances[circumstance]} x${factor} (${source})`
    }),
  }
}
