/** What of an engine was measured for the calibration; ranges are from the least to the most, both measured. */
export interface Envelope {
  readonly rows: number
  /** Names as in the tables. */
  readonly models: readonly string[]
  readonly accelerators: readonly string[]
  /** Formats of the weights outside of the experts, and in them. */
  readonly precisions: readonly string[]
  readonly tensorParallel: MeasuredRange
  readonly dataParallel: MeasuredRange
  readonly concurrency: MeasuredRange
  readonly promptTokens: MeasuredRange
  readonly outputTokens: MeasuredRange
}

export type MeasuredRange = readonly [least: number, most: number]
