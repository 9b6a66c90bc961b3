import { z } from 'zod'
import { FAULT_KINDS, RETRY_AFTER_FORMS } from '../../engines/faults/plan.ts'
import { count, decimal, duration, oneOf, reference } from '../configuration/leaves.ts'
import { mapping, required } from '../configuration/shapes.ts'

const DAY = 86_400_000
const MAX_REPLICA = 1_023
const MAX_TOKENS = 1_000_000
const MAX_SEED = 2 ** 32 - 1

const begin = duration(0, 365 * DAY, 'from 0s to 365d')
const span = duration(1, 365 * DAY, 'from 1ms to 365d')
const wait = duration(1, DAY, 'from 1ms to 1d')
const quiet = duration(0, DAY, 'from 0s to 1d')

// What a fault may have depends on its kind; `references.ts` knows. Here stands what each entry looks like.
const fault = required(
  mapping({
    upstream: reference,
    kind: oneOf(FAULT_KINDS),
    replica: count(0, MAX_REPLICA).optional(),
    share: decimal(0, 1).optional(),
    after: begin.optional(),
    for: span.optional(),
    every: span.optional(),
    tokens: count(0, MAX_TOKENS).optional(),
    wait: wait.optional(),
    status: count(400, 599).optional(),
    retryAfter: quiet.optional(),
    retryAfterIn: oneOf(RETRY_AFTER_FORMS).optional(),
  }),
)

const plan = mapping({
  faults: required(z.array(fault).min(1, 'names no fault')),
  seed: count(0, MAX_SEED).optional(),
})

/** The form of a plan of faults. What refers to what is checked beside it, so that all that is wrong is found at once. */
export const faultPlanSchema = required(plan)

export type FaultForm = z.output<typeof fault>
export type FaultPlanForm = z.output<typeof plan>
