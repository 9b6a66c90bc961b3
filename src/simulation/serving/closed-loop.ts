import { COEFFICIENTS, type Coefficients, type LoopCoefficients } from '../coefficients.ts'
import { kvBlocks } from '../memory.ts'
import { type Batch, type StepCosts, stepCosts, stepTime } from '../step-time.ts'
import type { ServingPoint } from './point.ts'

export interface Prediction {
  readonly timeToFirstTokenMs: number
  readonly timePerOutputTokenMs: number
  /** Sequences that the KV cache of a rank has room for. */
  readonly slots: number
}

const CHUNK = 8192

export function closedLoop(point: ServingPoint, coefficients: Coefficients = COEFFICIENTS): Prediction {
  const factor = coefficients.versions[versionKey(point)] ?? 1
  const { shape } = point
  const costs = scaled(stepCosts(shape, coefficients), factor)
  const loop = coefficients.loops[shape.engine][point.exactLengths ? 'exact' : 'varied']
  const mean = point.exactLengths ? 1 : 0.9
  const prompt = Math.max(1, mean * point.promptTokens)
  const output = Math.max(2, mean * point.outputTokens)
  const calls = point.concurrency / shape.dataParallel
  const blocks = kvBlocks(shape, CHUNK)
  const slots = Math.max(1, (blocks * 16) / (prompt + output * (shape.engine === 'trtllm' ? 1 : 0.5)))
  const inside = Math.min(calls, slots)
  const context = prompt + output / 2
  let decoding = inside
  let cycle = 0
  let prefill = 0
  let first = 0
  let decode = 0
  const gather = 1 + Math.min(loop.gathering * Math.max(0, inside - 1), Math.max(0, CHUNK / prompt - 1))
  for (let i = 0; i < 5; i++) {
    decode = stepTime(costs, decodeBatch(costs, decoding, context))
    prefill = prefillMs(costs, decoding, prompt, context, decode, gather)
    const wave = (inside * prefill) / 2
    const stalls = (1 - loop.burst) * decoding * prefill + loop.burst * wave
    cycle = output * decode + stalls
    const busy = Math.min(0.99, stalls / (cycle + prefill))
    const steady = firstMs({ gather, loop, prefill, decode, busy, inside })
    first = (1 - loop.burst) * steady + loop.burst * Math.max(steady, wave + 1.5 * decode)
    decoding = (inside * cycle) / (cycle + first)
  }
  const waiting = ((calls - inside) / inside) * (cycle + first)
  const ingress = loop.ingressMs + (inside * shape.dataParallel * loop.ingressCallUs + prompt * loop.ingressTokenUs) / 1000
  const ttft = ingress + loop.coldMs / point.concurrency + first + waiting
  return { timeToFirstTokenMs: ttft, timePerOutputTokenMs: cycle / output, slots }
}

function firstMs(o: { gather: number; loop: LoopCoefficients; prefill: number; decode: number; busy: number; inside: number }): number {
  const { loop, prefill, decode, busy, inside } = o
  const others = Math.max(0, inside - 1)
  const queued = Math.min(others/2, loop.clusteredPrefills * others / (others + 1) + (loop.queueing * busy) / (1 - busy))
  return prefill * o.gather * (1 + queued) + 1.5 * decode
}

function decodeBatch(costs: StepCosts, sequences: number, context: number): Batch {
  return {
    decodeSequences: sequences, prefillTokens: 0, contextTokens: sequences * context,
    windowedContextTokens: sequences * Math.min(context, costs.shape.model.windowTokens), prefillPairs: 0, windowedPrefillPairs: 0,
  }
}

/** Of one prompt: what its steps add to those of decoding, shared with the prompts that are gathered in them. */
function prefillMs(costs: StepCosts, decoding: number, prompt: number, context: number, decode: number, gather: number): number {
  const mixed = costs.shape.engine !== 'sglang'
  const room = CHUNK - (mixed ? Math.min(decoding, CHUNK / 2) : 0)
  const together = gather * prompt
  const chunks = Math.max(1, Math.ceil(together / room - 0.05))
  const tokens = together / chunks
  const window = costs.shape.model.windowTokens
  const base = mixed ? decodeBatch(costs, decoding, context) : decodeBatch(costs, 0, context)
  const batch = { ...base, prefillTokens: tokens, prefillPairs: prompt / 2 * tokens, windowedPrefillPairs: tokens * Math.min(prompt / 2, window) }
  return chunks * (stepTime(costs, batch) - (mixed ? decode : 0)) / gather
}

export const versionKey = (p: ServingPoint) => `${p.shape.engine} ${p.version} ${p.shape.model.experts ? 'experts' : 'dense'}`
function scaled(c: StepCosts, f: number): StepCosts {
  if (f === 1) return c
  const o: any = { ...c }
  for (const k of Object.keys(o)) if (k.endsWith('Ms')) o[k] *= f
  return o
}
