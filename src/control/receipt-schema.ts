import { z } from '@hono/zod-openapi'
import { ATTEMPT_OUTCOMES, CALL_OUTCOMES } from '../vocabulary/outcome.ts'
import { ROUTES } from '../vocabulary/route.ts'
import { money, time } from './fields.ts'

const tokens = z.number().int().nonnegative()
const unknownDollars = 'Null when a price is unknown.'

const usage = z.object({
  inputTokens: tokens.openapi({ description: 'With cached and cache-written ones.' }),
  cachedInputTokens: tokens,
  cacheWrite5mTokens: tokens,
  cacheWrite1hTokens: tokens,
  outputTokens: tokens.openapi({ description: 'With reasoning ones.' }),
  reasoningTokens: tokens,
  source: z.enum(['reported', 'estimated']),
})

const line = z.object({ unit: z.string(), tokens, dollarsPerMillion: money, dollars: money })

const route = z.object({
  by: z.enum([...ROUTES]),
  candidates: z
    .array(
      z
        .object({
          deployment: z.string(),
          score: z.number().nullable().openapi({ description: 'Less is better.' }),
          dollars: money.nullable().openapi({ description: 'What the call would probably cost there.' }),
        })
        .loose(),
    )
    .openapi({ description: 'Those that could be asked, the preferred first.' }),
  passedOver: z
    .array(z.object({ deployment: z.string(), why: z.string() }).loose())
    .openapi({ description: 'Those that could not.' }),
})

const spill = z.object({
  why: z.enum(['target', 'full']),
  expectedMs: z.number().nullable().openapi({ description: 'To the first token, with waiting.' }),
  targetMs: z.number().nullable(),
  harmDollars: money.nullable().openapi({ description: 'What missing the target was expected to be worth.' }),
  moreDollars: money.nullable().openapi({ description: 'What the hosted deployment was expected to cost more.' }),
})

const attempt = z.object({
  deployment: z.string(),
  replica: z.number().int().nonnegative().optional().openapi({
    description: "Place in the upstream's list, from 0; absent where there is only one and nothing was placed.",
  }),
  expectedCachedTokens: tokens
    .optional()
    .openapi({ description: "Expected in the replica's cache; absent where nothing was placed." }),
  outcome: z.enum([...ATTEMPT_OUTCOMES]),
  status: z.number().int().nullable(),
  startedAt: time,
  durationMs: z.number(),
  timeToFirstTokenMs: z.number().nullable(),
  usage: usage.loose().nullable(),
  lines: z.array(line.loose()),
  dollars: money.nullable().openapi({ description: unknownDollars }),
  priceBook: z.string().nullable(),
  energy: z.unknown(),
  spill: spill.loose().optional().openapi({ description: 'Absent where it did not leave the queue for a hosted one.' }),
  route: route.loose().optional().openapi({ description: 'Why it went there; absent where there was no choice.' }),
})

const receipt = z.object({
  id: z.string(),
  at: time,
  model: z.string(),
  dialect: z.enum(['openai', 'anthropic']),
  endpoint: z.string(),
  caller: z.object({
    key: z.string(),
    team: z.string().nullable(),
    user: z.string().nullable(),
    tags: z.record(z.string(), z.string()),
    run: z.string().nullable(),
  }),
  outcome: z.enum([...CALL_OUTCOMES]),
  status: z.number().int(),
  streamed: z.boolean(),
  heldDollars: money.nullable(),
  dollars: money.nullable().openapi({ description: unknownDollars }),
  durationMs: z.number(),
  timeToFirstTokenMs: z.number().nullable(),
  limited: z.boolean().openapi({ description: 'Ended because a limit had no room for more.' }),
  overrunDollars: money.nullable().openapi({ description: 'Used beyond what was held.' }),
  downgradedTo: z.string().nullable(),
  tier: z.string().nullable().openapi({ description: 'The class of service; null before there were any.' }),
  queueMs: z.number().openapi({ description: 'Waited for room in limits and for a place on an engine.' }),
  attempts: z.array(attempt.loose()),
})

/** How a receipt looks to its readers. It documents; the receipt itself is made where policy makes it. */
export const receiptSchema: z.ZodType<unknown> = receipt.loose().openapi('Receipt')
