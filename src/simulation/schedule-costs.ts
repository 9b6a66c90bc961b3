import { defaultLimits } from './scheduler.ts'
import { type Batch, type EngineShape, stepCosts, stepTime } from './step-time.ts'

/**
 * The step-time model of a replica in numbers that add up, for deciding what work is worth; milliseconds of the whole
 * replica each.
 *
 *     prefill = tokens × prefillMsPerToken + Σ chunk × (past + chunk / 2) × prefillPairMs
 *     decode step = decodeBaseMs + sequences × decodeSequenceMs + tokens attended to × contextTokenMs
 */
export interface ScheduleCosts {
  /** Of an uncached token of a prompt in a step that is full of them, attention left out. */
  readonly prefillMsPerToken: number
  /** Of a token of a prompt for each token before it that it attends to. */
  readonly prefillPairMs: number
  /** Of a step that gives tokens, whatever its batch. */
  readonly decodeBaseMs: number
  /** What one more sequence adds to such a step, its context left out: a chord of the model up to 64 sequences. */
  readonly decodeSequenceMs: number
  /** What each token that is attended to adds to such a step. */
  readonly contextTokenMs: number
  /** The part of any step that no batch explains; part of the two figures above it that are of steps. */
  readonly fixedMs: number
}

/** A well-used engine: the same batch that prices output. */
const CHORD_SEQUENCES = 64

/** Works the costs of a replica out. Layers with a window count as if they had none: dearer, never cheaper, than it is. */
export function scheduleCosts(shape: EngineShape): ScheduleCosts {
  const costs = stepCosts(shape)
  const { stepTokens } = defaultLimits(shape.accelerator)
  const one = stepTime(costs, batchOf(1, 0))
  const many = stepTime(costs, batchOf(CHORD_SEQUENCES, 0))
  const decodeSequenceMs = (many - one) / (CHORD_SEQUENCES - 1)
  return {
    prefillMsPerToken: stepTime(costs, batchOf(0, stepTokens)) / stepTokens,
    prefillPairMs: costs.prefillPairMs + costs.windowedPrefillPairMs,
    decodeBaseMs: one - decodeSequenceMs,
    decodeSequenceMs,
    contextTokenMs: costs.contextTokenMs + costs.windowedContextTokenMs,
    fixedMs: costs.fixedMs,
  }
}

function batchOf(decodeSequences: number, prefillTokens: number): Batch {
  return {
    decodeSequences,
    prefillTokens,
    contextTokens: 0,
    windowedContextTokens: 0,
    prefillPairs: 0,
    windowedPrefillPairs: 0,
  }
}
