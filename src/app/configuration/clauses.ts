import { z } from 'zod'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { Leaf } from './document.ts'
import { expectedNames } from './fault.ts'
import { baseUrl, count, duration, leaf, oneOf, shown, Wrong } from './leaves.ts'
import { chosen, mapping, optional } from './shapes.ts'

/** What a clause of a later version is told. To read it and do nothing would be a promise that nobody keeps. */
export const NOT_YET = 'is not supported in this version'

const DIALECTS = ['openai', 'anthropic'] as const satisfies readonly DialectName[]
const dialect = oneOf(DIALECTS)

/** A dialect, or a list for an upstream that speaks both. */
export const dialects: z.ZodType<readonly DialectName[]> = chosen<readonly DialectName[]>(input =>
  Array.isArray(input) ? z.array(dialect).min(1, 'names no dialect') : dialect.transform(name => [name]),
)

const ROUTES = ['inOrder', 'cheapest', 'fastest', 'greenest', 'balanced'] as const

export const route = leaf('inOrder', (text, of) => {
  if (text === 'inOrder') return text
  const known = ROUTES.some(name => name === text)
  return known
    ? new Wrong(`is ${shown(of)}, which ${NOT_YET}`)
    : new Wrong(`is unknown, ${shown(of)}`, expectedNames(text, ROUTES))
})

const MAX_SIMULATED_REPLICAS = 64
const replicaCount = count(1, MAX_SIMULATED_REPLICAS)
const replicaUrls = z.array(baseUrl).min(1, 'names no replica')

/** URLs of an engine, or how many replicas are simulated. */
export const replicas: z.ZodType<number | readonly string[]> = chosen<number | readonly string[]>(input =>
  Array.isArray(input) ? replicaUrls : replicaCount,
)

/** Threads of the data plane: one. */
export const workers = leaf('1', (text, of) => (text === '1' ? 1 : new Wrong(`is ${shown(of)}, which ${NOT_YET}`)), {
  kinds: ['number'],
})

/** Limits: none. An empty list promises nothing, so it may stay. */
export const limits: z.ZodType<undefined> = z.unknown().transform((input, context): undefined => {
  const empty = (Array.isArray(input) && input.length === 0) || (input instanceof Leaf && input.kind === 'null')
  if (!empty) context.addIssue({ code: 'custom', message: NOT_YET, params: { expected: 'no limits', reported: false } })
  return undefined
})

const DAY = 86_400_000
const span = duration(1, DAY, 'from 1ms to 1d')

/** A setting that may only say what happens anyway. */
function only(value: string): z.ZodType<unknown> {
  return leaf(value, (text, of) => (text === value ? value : new Wrong(`is ${shown(of)}, which ${NOT_YET}`)))
}

function onlyText(value: string): z.ZodType<unknown> {
  return chosen(input => (input instanceof Leaf || input === undefined ? only(value) : later(value)))
}

/** A setting that this version cannot keep. */
function later(expected: string): z.ZodType<never> {
  return z.unknown().transform((_, context): never => {
    context.addIssue({ code: 'custom', message: NOT_YET, params: { expected, reported: false } })
    return z.NEVER
  }) as z.ZodType<never>
}

const noBound = later('no bound of its own').optional()

const breaker = optional(mapping({ failures: count(1, 1_000_000_000), within: span, open: span }))

/**
 * This version makes one attempt and has no breaker, so of a model's resilience only that much may be asked for. A
 * breaker is read and warned of: without one a failing upstream is asked again, and nothing else changes.
 */
export const resilience = optional(
  mapping({
    attempts: leaf('1', (text, of) => (text === '1' ? 1 : new Wrong(`is ${shown(of)}, which ${NOT_YET}`)), {
      kinds: ['number'],
    }).optional(),
    connect: noBound,
    firstToken: noBound,
    idle: noBound,
    total: noBound,
    hedge: onlyText('off').optional(),
    onCut: only('fail').optional(),
    onCallerLeft: onlyText('cancel').optional(),
    breaker,
  }),
)
