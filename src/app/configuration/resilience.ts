import type { z } from 'zod'
import type { DurationMs } from '../../units/time.ts'
import type { Deployment } from '../../vocabulary/deployment.ts'
import {
  DEFAULT_FIRST_TOKEN_MS,
  DEFAULT_IDLE_MS,
  DEFAULT_RESILIENCE,
  type Resilience,
  type TimeLimits,
} from '../../vocabulary/resilience.ts'
import { count, duration, leaf, oneOf, shown, Wrong } from './leaves.ts'
import { chosen, mapping, optional, required } from './shapes.ts'
import { isMapping } from './walk.ts'

const MINUTE = 60_000
/** No call may take longer than a day. */
export const MAX_TOTAL_MS: DurationMs = 86_400_000
const MAX_ATTEMPTS = 100
const MAX_FAILURES = 1_000_000

const span = duration(1, MAX_TOTAL_MS, 'from 1ms to 1d')
/** Whoever is more patient with a stream than this says nothing, and leaves it to `total`. */
const silence = duration(1, 10 * MINUTE, 'from 1ms to 10m')
const connect = duration(1, MINUTE, 'from 1ms to 1m')

/** One word that turns a setting off, or a mapping that says how it is done. */
function unless<Word extends string, Terms>(
  word: Word,
  terms: z.ZodType<Terms>,
  form: string,
): z.ZodType<Word | Terms> {
  const off = leaf<Word>(`${word} or ${form}`, (text, of) => (text === word ? word : new Wrong(`is ${shown(of)}`)))
  return chosen<Word | Terms>(input => (isMapping(input as never) ? terms : off))
}

const settings = mapping({
  attempts: count(1, MAX_ATTEMPTS).optional(),
  connect: connect.optional(),
  firstToken: silence.optional(),
  idle: silence.optional(),
  total: span.optional(),
  hedge: unless('off', required(mapping({ after: silence })), '{ after: 2s }').optional(),
  onCut: oneOf(['fail', 'continue']).optional(),
  onCallerLeft: unless('cancel', required(mapping({ drain: span })), '{ drain: 30s }').optional(),
  breaker: optional(
    mapping({ failures: count(1, MAX_FAILURES).optional(), within: span.optional(), open: span.optional() }),
  ),
})

/** What is done for a model's calls when its deployments fail. */
export const resilience = optional(settings)

export type ResilienceForm = z.output<typeof settings>

/** The most deployments that one call can choose among: it goes only where its own dialect is spoken. */
export function mostChoices(deployments: readonly Pick<Deployment, 'dialects'>[]): number {
  return mostOfOneDialect(deployments, () => 1)
}

/** The most replicas, of all its deployments, that one call can ask. */
export function mostReplicas(deployments: readonly Pick<Deployment, 'dialects' | 'replicas'>[]): number {
  return mostOfOneDialect(deployments, ({ replicas }) => replicas)
}

function mostOfOneDialect<Item extends Pick<Deployment, 'dialects'>>(
  deployments: readonly Item[],
  countOf: (deployment: Item) => number,
): number {
  const counts = new Map<string, number>()
  for (const deployment of deployments) {
    for (const dialect of deployment.dialects) counts.set(dialect, (counts.get(dialect) ?? 0) + countOf(deployment))
  }
  return Math.max(0, ...counts.values())
}

function timeLimitsOf(form: ResilienceForm, choices: number): TimeLimits {
  const totalMs = form.total ?? DEFAULT_RESILIENCE.timeLimits.totalMs
  // A default that is longer than the whole call would only look as if it did something.
  const unlessSaid = (said: DurationMs | undefined, usual: DurationMs): DurationMs | null => {
    if (said !== undefined) return said
    return choices > 1 ? Math.min(usual, totalMs ?? usual) : null
  }
  return {
    firstTokenMs: unlessSaid(form.firstToken, DEFAULT_FIRST_TOKEN_MS),
    idleMs: unlessSaid(form.idle, DEFAULT_IDLE_MS),
    totalMs,
  }
}

/** A model's resilience: what the file says of it, and for the rest what holds where nobody said. */
export function resilienceOf(
  form: ResilienceForm | undefined,
  deployments: readonly Pick<Deployment, 'dialects'>[],
): Resilience {
  const { attempts, connect, hedge, onCut, onCallerLeft, breaker } = form ?? {}
  const usual = DEFAULT_RESILIENCE
  return {
    attempts: attempts ?? usual.attempts,
    connectMs: connect ?? usual.connectMs,
    timeLimits: timeLimitsOf(form ?? {}, mostChoices(deployments)),
    hedgeAfterMs: typeof hedge === 'object' ? hedge.after : usual.hedgeAfterMs,
    onCut: onCut ?? usual.onCut,
    drainMs: typeof onCallerLeft === 'object' ? onCallerLeft.drain : usual.drainMs,
    breaker: {
      failures: breaker?.failures ?? usual.breaker.failures,
      withinMs: breaker?.within ?? usual.breaker.withinMs,
      openMs: breaker?.open ?? usual.breaker.openMs,
    },
  }
}
