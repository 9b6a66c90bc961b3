import type { EngineShape } from '../step-time.ts'

/** So many calls at once, each followed by the next as soon as it is answered: a closed loop on one replica. */
export interface ServingPoint {
  readonly shape: EngineShape
  /** Of the engine, as it tells it; empty where nobody knows. */
  readonly engineVersion: string
  /** Pipeline stages that the layers are divided among. */
  readonly pipelineParallel: number
  /** Calls under way at any time, over all data-parallel ranks. */
  readonly concurrency: number
  /** Tokens of the longest prompt and of the longest answer. */
  readonly promptTokens: number
  readonly outputTokens: number
  /** Whether all calls have these lengths, or lengths that are uniform between 0.8 and 1 of them. */
  readonly exactLengths: boolean
}

/** What one call of a closed loop gets. */
export interface Prediction {
  /** Means over the calls. */
  readonly timeToFirstTokenMs: number
  readonly timePerOutputTokenMs: number
}

/** Mean of lengths that are uniform between 0.8 and 1 of the longest. */
const VARIED_MEAN = 0.9

/** Mean tokens of a call's prompt and answer. */
export function meanLengths({ promptTokens, outputTokens, exactLengths }: ServingPoint) {
  const mean = exactLengths ? 1 : VARIED_MEAN
  return { prompt: Math.max(1, mean * promptTokens), output: Math.max(1, mean * outputTokens) }
}
