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

/** Threads of the data plane. */
export const workers = count(1, 64)

const MINUTE = 60_000
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

const breaker = optional(mapping({ failures: count(1, 1_000_000_000), within: span, open: span }))

// No upstream may be silent for longer, so a longer bound on its silence would never be reached.
const silence = duration(1, 10 * MINUTE, 'from 1ms to 10m')

/**
 * This version makes one attempt and has no breaker, so of a model's resilience only that much may be asked for. A
 * breaker is read and warned of: without one a failing upstream is asked again, and nothing else changes. Connections
 * belong to an upstream and serve all its models, so none of these has a bound of its own for connecting.
 */
export const resilience = optional(
  mapping({
    attempts: leaf('1', (text, of) => (text === '1' ? 1 : new Wrong(`is ${shown(of)}, which ${NOT_YET}`)), {
      kinds: ['number'],
    }).optional(),
    connect: later('no bound of its own').optional(),
    firstToken: silence.optional(),
    idle: silence.optional(),
    total: span.optional(),
    hedge: onlyText('off').optional(),
    onCut: only('fail').optional(),
    onCallerLeft: onlyText('cancel').optional(),
    breaker,
  }),
)
