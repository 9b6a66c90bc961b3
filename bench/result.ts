/** One subject's figures in one measure of one round; names end in their units. */
export interface Measurement {
  readonly round: number
  readonly measure: MeasureName
  readonly subject: string
  readonly figures: Readonly<Record<string, number>>
  /** What makes the figures doubtful, in sentences; empty when all is well. */
  readonly faults: readonly string[]
}

export const MEASURES = [
  'plain',
  'streams',
  'paced',
  'latency',
  'memory',
  'disk',
  'startup',
  'limits',
  'threads',
  'race',
  'resilience',
  'dead',
  'outage',
  'faults',
  'hedge',
  'scheduling',
  'real',
  'micro',
] as const
export type MeasureName = (typeof MEASURES)[number]

export interface Machine {
  readonly cpu: string
  readonly cores: number
  readonly memoryGb: number
  readonly kernel: string
  readonly node: string
  readonly openFiles: number
}

export interface SubjectState {
  readonly name: string
  readonly describe: string
  /** Why it could not be measured; null when it could. */
  readonly unavailable: string | null
}

/** The output of one micro-benchmark of `bench/micro`. */
export interface Micro {
  readonly file: string
  readonly status: number | null
  readonly output: string
}

/** What one run keeps in `bench/results/`. */
export interface Result {
  readonly at: string
  readonly commit: string
  /** Whether the checkout had changes that the commit does not have. */
  readonly changed: boolean
  readonly machine: Machine
  readonly options: Readonly<Record<string, unknown>>
  /** Whether nothing was left out by the options. */
  readonly whole: boolean
  readonly seconds: number
  readonly subjects: readonly SubjectState[]
  readonly measurements: readonly Measurement[]
  readonly micro: readonly Micro[]
  /** Where measures come from that are younger than this run; never kept, only shown. */
  readonly younger?: readonly Younger[]
}

/** A run of its own that measures were taken over from. */
export interface Younger extends Pick<Result, 'at' | 'commit' | 'changed'> {
  readonly measures: readonly MeasureName[]
}
