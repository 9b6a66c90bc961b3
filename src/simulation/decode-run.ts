import type { Queues } from './scheduler.ts'
import { knownTokens, type Sequence } from './sequence.ts'
import { type Batch, type StepCosts, stepBaseMs } from './step-time.ts'

/** How far a run may go. */
export interface RunLimits {
  readonly maxSteps: number
  /** No further step begins once this much time has passed. */
  readonly horizonMs: number
}

/** Several steps in which every running sequence gets one token each and nothing else happens. */
export interface DecodeRun {
  readonly steps: number
  readonly durationMs: number
  /** The sum of the steps' batches: its contexts are those of all steps together. */
  readonly batch: Batch
}

/**
 * Advances as many decode-only steps as pass without any event: until a sequence ends, a block cannot be lent, a window
 * fills up or the limits are reached. The context grows by the same number of tokens each step, so that the time of the
 * run is a sum in closed form.
 *
 * What waits cannot be admitted meanwhile, since running sequences only take blocks; the caller has seen to that.
 *
 * @returns null when the next step must be scheduled one by one
 */
export function decodeRun(queues: Queues, costs: StepCosts, limits: RunLimits): DecodeRun | null {
  const run = planRun(queues, costs, limits)
  if (run !== null) advance(queues, run.steps)
  return run
}

/**
 * What `decodeRun` would do, with nothing changed yet: so a run may be planned whole, and carried out as far as it gets
 * before somebody asks for more.
 */
export function planRun(queues: Queues, costs: StepCosts, limits: RunLimits): DecodeRun | null {
  const { running, windowTokens } = queues
  let count = 0
  let context = 0
  let windowed = 0
  let growing = 0
  let steps = limits.maxSteps
  for (const sequence of running) {
    if (sequence.paused) continue
    if (sequence.generated === 0 || sequence.computed + 1 !== knownTokens(sequence)) return null
    const remaining = sequence.outputTokens - sequence.generated
    if (remaining < steps) steps = remaining
    const tokens = sequence.computed + 1
    count++
    context += tokens
    if (tokens < windowTokens) {
      growing++
      windowed += tokens
      if (windowTokens - tokens < steps) steps = windowTokens - tokens
    } else windowed += windowTokens
  }
  if (count === 0 || count > queues.limits.stepTokens) return null
  const first = { count, context, windowed, growing }
  const baseMs = stepBaseMs(costs, batchOf(first, 1))
  steps = stepsBefore(limits.horizonMs, steps, { costs, first, baseMs })
  while (!fits(queues, steps)) {
    if (steps === 1) return null
    steps = steps >> 1
  }
  const batch = batchOf(first, steps)
  return { steps, durationMs: runMs({ costs, first, baseMs }, steps), batch }
}

interface FirstStep {
  readonly count: number
  readonly context: number
  readonly windowed: number
  /** Sequences whose windowed context still grows. */
  readonly growing: number
}

interface RunTiming {
  readonly costs: StepCosts
  readonly first: FirstStep
  readonly baseMs: number
}

function batchOf(first: FirstStep, steps: number): Batch {
  const pairs = (steps * (steps - 1)) / 2
  return {
    decodeSequences: first.count,
    prefillTokens: 0,
    contextTokens: steps * first.context + first.count * pairs,
    windowedContextTokens: steps * first.windowed + first.growing * pairs,
    prefillPairs: 0,
    windowedPrefillPairs: 0,
  }
}

function runMs({ costs, first, baseMs }: RunTiming, steps: number): number {
  const { contextTokens, windowedContextTokens } = batchOf(first, steps)
  return steps * baseMs + contextTokens * costs.contextTokenMs + windowedContextTokens * costs.windowedContextTokenMs
}

/** The fewest steps that reach the horizon, at most `most`, at least 1: the larger root of a quadratic, then exact. */
function stepsBefore(horizonMs: number, most: number, timing: RunTiming): number {
  if (most <= 1 || runMs(timing, most - 1) < horizonMs) return Math.max(1, most)
  const { costs, first, baseMs } = timing
  const growth = (first.count * costs.contextTokenMs + first.growing * costs.windowedContextTokenMs) / 2
  const firstMs = baseMs + first.context * costs.contextTokenMs + first.windowed * costs.windowedContextTokenMs
  const linear = firstMs - growth
  const root = (2 * horizonMs) / (linear + Math.sqrt(linear * linear + 4 * growth * horizonMs))
  let steps = Math.min(most, Math.max(1, Math.ceil(root)))
  while (steps > 1 && runMs(timing, steps - 1) >= horizonMs) steps--
  while (steps < most && runMs(timing, steps) < horizonMs) steps++
  return steps
}

function fits({ running, cache }: Queues, steps: number): boolean {
  let wanted = 0
  for (const sequence of running) {
    if (!sequence.paused) wanted += cache.blocksFor(sequence.computed + steps) - sequence.lease.held
  }
  return wanted <= cache.free
}

function advance({ running, cache }: Queues, steps: number): void {
  for (const sequence of running) {
    if (sequence.paused) continue
    take(cache, sequence, steps)
  }
}

function take(cache: Queues['cache'], sequence: Sequence, steps: number): void {
  sequence.computed += steps
  sequence.generated += steps
  sequence.scheduled = steps
  cache.extend(sequence.lease, cache.blocksFor(sequence.computed))
  cache.index(sequence.lease, sequence.computed)
}
