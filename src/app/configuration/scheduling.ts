import type { z } from 'zod'
import { DEFAULT_QUEUE, type QueueBounds, type SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { DEFAULT_MISSED_TARGET, DEFAULT_TIERS, type Tier } from '../../vocabulary/tier.ts'
import { Leaf } from './document.ts'
import { count, decimal, dollars, duration, leaf, shown, size, Wrong } from './leaves.ts'
import { chosen, mapping, named, optional, required } from './shapes.ts'

const HOUR = 3_600_000
const MAX_WEIGHT = 1_000_000
const MAX_QUEUED_CALLS = 1_000_000
const MAX_QUEUED_BYTES = 1_000_000_000_000
const MAX_RUNNING = 100_000
const MAX_PORT = 65_535
const MAX_BLOCKS = 1_000_000_000

const tier = required(
  mapping({
    weight: decimal(0, MAX_WEIGHT).optional(),
    timeToFirstToken: duration(1, HOUR, 'from 1ms to 1h').optional(),
    missedTarget: optional(mapping({ dollars })),
  }),
)

export const tiers = optional(named(tier))

/** Of tenants by name; `schedulingReferences.ts` knows what a name may be. */
export const shares = optional(named(decimal(0, MAX_WEIGHT)))

export const queue = optional(
  mapping({
    maxCalls: count(0, MAX_QUEUED_CALLS).optional(),
    maxBytes: size(MAX_QUEUED_BYTES, 'from 0KB to 1000GB').optional(),
    maxWait: duration(0, 24 * HOUR, 'from 0s to 1d').optional(),
  }),
)

/** Calls at once on a replica. */
export const maxRunning = count(1, MAX_RUNNING)

/** Where an engine publishes what comes into its KV cache and leaves it. */
export const kvEvents = optional(mapping({ port: count(1, MAX_PORT) }))

const namedBlocks = leaf<number | null>(`auto, unbounded or a whole number from 2 to ${MAX_BLOCKS}`, (text, of) =>
  text === 'auto' ? null : text === 'unbounded' ? Number.POSITIVE_INFINITY : new Wrong(`is ${shown(of)}`),
)
const countedBlocks = count(2, MAX_BLOCKS)

/** Blocks of the KV cache of a simulated replica; null for as many as its memory holds. */
export const kvBlocks: z.ZodType<number | null> = chosen<number | null>(input => {
  const text = input instanceof Leaf ? input.text : ''
  return /^\d/.test(text) ? countedBlocks : namedBlocks
})

type TierForm = z.output<typeof tier>

/** A tier of the file takes the place of the default one of its name; only its weight is still that one's when not said. */
function tierOf(name: string, form: TierForm): Tier {
  const { timeToFirstToken = null, missedTarget } = form
  return {
    name,
    weight: form.weight ?? DEFAULT_TIERS.find(known => known.name === name)?.weight ?? 1,
    timeToFirstTokenMs: timeToFirstToken,
    missedTargetDollars: missedTarget?.dollars ?? DEFAULT_MISSED_TARGET,
  }
}

/** How owned engines are shared where nothing is said of it. */
export const DEFAULT_SCHEDULING: SchedulingTerms = { tiers: DEFAULT_TIERS, shares: {}, queue: DEFAULT_QUEUE }

export function schedulingOf(form: {
  readonly tiers?: z.output<typeof tiers>
  readonly shares?: z.output<typeof shares>
  readonly queue?: z.output<typeof queue>
}): SchedulingTerms {
  const said = Object.entries(form.tiers ?? {}).map(([name, terms]) => tierOf(name, terms))
  const kept = DEFAULT_TIERS.map(known => said.find(({ name }) => name === known.name) ?? known)
  const added = said.filter(({ name }) => !DEFAULT_TIERS.some(known => known.name === name))
  const { maxCalls, maxBytes, maxWait } = form.queue ?? {}
  const bounds: QueueBounds = {
    maxCalls: maxCalls ?? DEFAULT_QUEUE.maxCalls,
    maxBytes: maxBytes ?? DEFAULT_QUEUE.maxBytes,
    maxWaitMs: maxWait ?? DEFAULT_QUEUE.maxWaitMs,
  }
  return { tiers: [...kept, ...added], shares: { ...form.shares }, queue: bounds }
}
