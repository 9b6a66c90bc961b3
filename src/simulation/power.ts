import type { Joules, Watts } from '../units/energy.ts'
import type { DurationMs } from '../units/time.ts'
import { type Batch, type StepCosts, touchedShare } from './step-time.ts'

/** How much one accelerator draws. */
export interface PowerModel {
  readonly idleWatts: Watts
  readonly capWatts: Watts
  /** Share of the range between idle and cap that busy arithmetic draws, and that a busy memory draws. */
  readonly computeWeight: number
  readonly memoryWeight: number
}

/** Watts idle, in prefill and in decode, as splitwise measured them: prefill keeps the arithmetic busy, decode the memory. */
const MEASURED: Readonly<Record<string, readonly [idle: number, prefill: number, decode: number]>> = {
  'H100-SXM': [75, 700, 380],
  'A100-SXM': [63, 400, 250],
}
/** For the others: the H100's proportions. */
const IDLE_SHARE = 75 / 700
const MEMORY_WEIGHT = (380 - 75) / (700 - 75)

/** W = idle + (cap − idle) × (wc × busy arithmetic + wm × busy memory). */
export function powerModel(accelerator: { readonly name: string; readonly tdpWatts: number }): PowerModel {
  const measured = MEASURED[accelerator.name]
  if (measured === undefined) {
    const { tdpWatts } = accelerator
    return { idleWatts: tdpWatts * IDLE_SHARE, capWatts: tdpWatts, computeWeight: 1, memoryWeight: MEMORY_WEIGHT }
  }
  const [idle, prefill, decode] = measured
  return { idleWatts: idle, capWatts: prefill, computeWeight: 1, memoryWeight: (decode - idle) / (prefill - idle) }
}

/**
 * Milliseconds in which the arithmetic, and the memory, of an accelerator would be busy by themselves.
 *
 * @param batch of one step; in a run of several equal ones its contexts are those of all steps together
 */
export function busyMs(
  costs: StepCosts,
  batch: Batch,
  steps = 1,
): { readonly computeMs: DurationMs; readonly memoryMs: DurationMs } {
  const tokens = batch.decodeSequences + batch.prefillTokens
  const arithmetic = tokens * (costs.denseTokenMs + costs.expertTokenMs) + batch.decodeSequences * costs.headTokenMs
  const experts = costs.expertWeightsMs > 0 ? costs.expertWeightsMs * touchedShare(costs, tokens) : 0
  return {
    computeMs:
      steps * arithmetic +
      batch.prefillPairs * costs.prefillPairMs +
      batch.windowedPrefillPairs * costs.windowedPrefillPairMs,
    memoryMs:
      steps * (costs.denseWeightsMs + experts) +
      batch.contextTokens * costs.contextTokenMs +
      batch.windowedContextTokens * costs.windowedContextTokenMs,
  }
}

/** Energy of one accelerator over a length of time with its busy parts, never above the cap. */
export function energy(
  power: PowerModel,
  over: { readonly durationMs: DurationMs; readonly computeMs: DurationMs; readonly memoryMs: DurationMs },
): Joules {
  const busy = power.computeWeight * over.computeMs + power.memoryWeight * over.memoryMs
  const range = power.capWatts - power.idleWatts
  return (power.idleWatts * over.durationMs + range * Math.min(busy, over.durationMs)) / 1000
}
