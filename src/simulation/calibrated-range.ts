import type { MeasuredRange } from './envelope.ts'
import { ENVELOPE } from './fitted.ts'
import type { EngineShape } from './step-time.ts'

/** How a replica is used; what is left out is not looked at. */
export interface Use {
  readonly pipelineParallel?: number
  /** Calls at once. */
  readonly concurrency?: number
  /** Tokens of the longest prompt and of the longest answer. */
  readonly promptTokens?: number
  readonly outputTokens?: number
}

/**
 * Whether the step-time model was fitted on replicas like this one.
 *
 * @returns null where it was, else a short reason without commas: figures are extrapolated then
 */
export function calibratedRange(shape: EngineShape, use: Use = {}): string | null {
  const envelope = ENVELOPE[shape.engine]
  const { model, accelerator } = shape
  if (!envelope.models.includes(model.name)) return `${model.name} was not measured on ${shape.engine}`
  if (!envelope.accelerators.includes(accelerator.name))
    return `${accelerator.name} was not measured on ${shape.engine}`
  const experts = model.experts === null ? [] : [shape.expertPrecision]
  for (const precision of [shape.precision, ...experts]) {
    if (!envelope.precisions.includes(precision)) return `weights in ${precision} were not measured on ${shape.engine}`
  }
  if ((use.pipelineParallel ?? 1) > 1) return 'pipeline parallelism was not measured'
  return (
    outside('tensor parallelism', shape.tensorParallel, envelope.tensorParallel) ??
    outside('data parallelism', shape.dataParallel, envelope.dataParallel) ??
    outside('concurrency', use.concurrency, envelope.concurrency) ??
    outside('a prompt of', use.promptTokens, envelope.promptTokens, ' tokens') ??
    outside('an answer of', use.outputTokens, envelope.outputTokens, ' tokens')
  )
}

function outside(what: string, value: number | undefined, [least, most]: MeasuredRange, unit = ''): string | null {
  if (value === undefined) return null
  if (value > most) return `${what} ${value}${unit} is beyond the ${most} of the calibration`
  if (value < least) return `${what} ${value}${unit} is below the ${least} of the calibration`
  return null
}
