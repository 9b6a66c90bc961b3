import type { EngineShape } from '../step-time.ts'

/** So many calls at once, each followed by the next as soon as it is answered. */
export interface ServingPoint {
  readonly shape: EngineShape
  /** Pipeline stages that the layers are divided among. */
  readonly pipelineParallel: number
  /** Calls under way at any time, over all data-parallel ranks. */
  readonly concurrency: number
  /** Nominal lengths; with `exactLengths` false they vary between 0.8 and 1 of these. */
  readonly promptTokens: number
  readonly outputTokens: number
  readonly exactLengths: boolean
  readonly version: string
}
