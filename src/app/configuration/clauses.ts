import { z } from 'zod'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { ROUTES } from '../../vocabulary/route.ts'
import { baseUrl, count, leaf, oneOf, Wrong } from './leaves.ts'
import { chosen } from './shapes.ts'

const DIALECTS = ['openai', 'anthropic'] as const satisfies readonly DialectName[]
const dialect = oneOf(DIALECTS)

/** A dialect, or a list for an upstream that speaks both. */
export const dialects: z.ZodType<readonly DialectName[]> = chosen<readonly DialectName[]>(input =>
  Array.isArray(input) ? z.array(dialect).min(1, 'names no dialect') : dialect.transform(name => [name]),
)

export const route = oneOf(ROUTES)

const MAX_SIMULATED_REPLICAS = 64
// What stands here may be a URL that should be in a list, and people put credentials into URLs: it is not shown.
const replicaCount = leaf(
  `a list of URLs; of the simulated engine a whole number from 1 to ${MAX_SIMULATED_REPLICAS}`,
  text => {
    const value = /^\d{1,4}$/.test(text) ? Number(text) : 0
    return value >= 1 && value <= MAX_SIMULATED_REPLICAS ? value : new Wrong('is no number of replicas')
  },
  { kinds: ['number'], secret: true },
)
const replicaUrls = z.array(baseUrl).min(1, 'names no replica')

/** URLs of an engine, or how many replicas are simulated. */
export const replicas: z.ZodType<number | readonly string[]> = chosen<number | readonly string[]>(input =>
  Array.isArray(input) ? replicaUrls : replicaCount,
)

/** Threads of the data plane. */
export const workers = count(1, 64)
