import type { Coefficients, LoopCoefficients } from '../coefficients.ts'
import { COEFFICIENTS } from '../fitted.ts'
import { BLOCK_TOKENS, kvBlocks } from '../memory.ts'
import { defaultLimits } from '../scheduler.ts'
import { type Batch, type StepCosts, stepCosts, stepTime, timesFactor } from '../step-time.ts'
import { versionFactor } from '../versions.ts'
import { meanLengths, type Prediction, type ServingPoint } from './point.ts'

/** Rounds of the fixed point below; the share of time spent in decoding changes by less than 0.1 % after them. */
const ROUNDS = 8
/** Above this share of its time in prompts an engine is taken to be full: queueing formulas have their pole at 1. */
const MOST_BUSY = 0.99
/** Steps of decoding that a call waits for: the rest of the one under way, and its own. */
const STEPS_WAITED = 1.5

/** A closed loop on one data-parallel rank, with everything known beforehand. */
interface Loop {
  readonly costs: StepCosts
  readonly waits: LoopCoefficients
  readonly prompt: number
  readonly output: number
  /** Calls that the KV cache has room for, of those under way. */
  readonly inside: number
  readonly outside: number
  /** Prompts that share the steps of a prefill. */
  readonly gathered: number
  readonly stepTokens: number
}

/**
 * Solves the step-time model for the steady state of a closed loop, in closed form but for a fixed point: a call decodes
 * for as many steps as it has tokens, held up by the prompts of the calls that come meanwhile; by Little's law those are
 * as many as calls decode.
 *
 *     decoding time = tokens × decode step(calls that decode) + calls that decode × prefill
 *     calls that decode = calls × decoding time / (decoding time + time to first token)
 *
 * Time to first token: to and from the server, waiting for prompts of others (by chance, with those that came at the
 * same time, and once at the beginning of the loop with all of them), the prefill, and room in the KV cache.
 *
 * @param coefficients other than the fitted ones, for the fit itself
 * @returns null when the weights do not fit
 */
export function closedLoop(point: ServingPoint, coefficients: Coefficients = COEFFICIENTS): Prediction | null {
  const loop = prepare(point, coefficients)
  if (loop === null) return null
  const { waits, inside, outside, prompt, output } = loop
  let decoding = inside
  let times = roundTimes(loop, decoding)
  for (let round = 1; round < ROUNDS; round++) {
    decoding = (inside * times.decodingMs) / (times.decodingMs + times.firstMs)
    times = roundTimes(loop, decoding)
  }
  const { decodingMs, firstMs } = times
  const roomMs = (outside / inside) * (decodingMs + firstMs)
  const ranks = point.shape.dataParallel * point.pipelineParallel
  const ingressMs = waits.ingressMs + (inside * ranks * waits.ingressCallUs + prompt * waits.ingressTokenUs) / 1000
  const coldMs = waits.coldMs / point.concurrency
  return {
    timeToFirstTokenMs: (ingressMs + coldMs + firstMs + roomMs) * versionFactor(point, coefficients.firstTokens),
    timePerOutputTokenMs: decodingMs / output,
  }
}

function prepare(point: ServingPoint, coefficients: Coefficients): Loop | null {
  const { shape, pipelineParallel } = point
  const { stepTokens } = defaultLimits(shape.accelerator)
  const { prompt, output } = meanLengths(point)
  // Stages of a pipeline work on batches of their own, one after another; together they hold the weights.
  const blocks = kvBlocks({ ...shape, tensorParallel: shape.tensorParallel * pipelineParallel }, stepTokens)
  if (blocks <= 0) return null
  const calls = point.concurrency / (shape.dataParallel * pipelineParallel)
  const slots = Math.max(1, (blocks * BLOCK_TOKENS) / pipelineParallel / (prompt + output * heldOutput(shape.engine)))
  const inside = Math.min(calls, slots)
  const waits = coefficients.loops[shape.engine][point.exactLengths ? 'exact' : 'varied']
  // As many calls end in a step as come in it; what one step can take, it takes.
  const coming = Math.max(1 + waits.gathering * Math.max(0, inside - 1), inside / output)
  return {
    costs: timesFactor(stepCosts(shape, coefficients), versionFactor(point, coefficients.versions)),
    waits,
    prompt,
    output,
    inside,
    outside: calls - inside,
    gathered: Math.max(1, Math.min(coming, stepTokens / prompt)),
    stepTokens,
  }
}

/** Share of its output that a call has room for from the beginning; TensorRT-LLM admits none that it might have to evict. */
function heldOutput(engine: string): number {
  return engine === 'trtllm' ? 1 : 0.5
}

function roundTimes(loop: Loop, decoding: number): { readonly decodingMs: number; readonly firstMs: number } {
  const { costs, waits, prompt, output, inside } = loop
  const context = prompt + output / 2
  const decodeMs = stepTime(costs, decodeBatch(costs, decoding, context))
  const promptMs = prefillMs(loop, decodeBatch(costs, decoding, context), decodeMs)
  // When all come at once, each waits for half of the others' prompts, before its first token or after it.
  const waveMs = (inside * promptMs) / 2
  const heldUpMs = (1 - waits.burst) * decoding * promptMs + waits.burst * waveMs
  const decodingMs = output * decodeMs + heldUpMs
  const busy = Math.min(MOST_BUSY, heldUpMs / (decodingMs + promptMs))
  const others = Math.max(0, inside - 1)
  const chance = waits.clusteredPrefills * others ** waits.clusteringExponent + (waits.queueing * busy) / (1 - busy)
  const steadyMs = promptMs * loop.gathered * (1 + Math.min(others / 2, chance)) + STEPS_WAITED * decodeMs
  const burstMs = Math.max(steadyMs, waveMs + STEPS_WAITED * decodeMs)
  const mixed = costs.shape.model.experts === null ? 1 : waits.expertWait
  return { decodingMs, firstMs: mixed * ((1 - waits.burst) * steadyMs + waits.burst * burstMs) }
}

function decodeBatch(costs: StepCosts, sequences: number, context: number): Batch {
  return {
    decodeSequences: sequences,
    prefillTokens: 0,
    contextTokens: sequences * context,
    windowedContextTokens: sequences * Math.min(context, costs.shape.model.windowTokens),
    prefillPairs: 0,
    windowedPrefillPairs: 0,
  }
}

/**
 * What one prompt adds to steps of decoding, shared with the prompts that are gathered in its steps. SGLang computes
 * prompts in steps of their own.
 */
function prefillMs({ costs, prompt, gathered, stepTokens }: Loop, decode: Batch, decodeMs: number): number {
  const alone = costs.shape.engine === 'sglang'
  const room = stepTokens - (alone ? 0 : Math.min(decode.decodeSequences, stepTokens / 2))
  // Fractions of a step are steps that others' tokens fill; a prompt takes at least one.
  const steps = Math.max(1, (gathered * prompt) / room)
  const tokens = (gathered * prompt) / steps
  const base = alone ? decodeBatch(costs, 0, 0) : decode
  const batch = {
    ...base,
    prefillTokens: tokens,
    prefillPairs: (tokens * prompt) / 2,
    windowedPrefillPairs: tokens * Math.min(prompt / 2, costs.shape.model.windowTokens),
  }
  return (steps * (stepTime(costs, batch) - (alone ? 0 : decodeMs))) / gathered
}
