import { findAccelerator } from '../../simulation/accelerators.ts'
import { MODELLED_ENGINES, type ModelledEngine } from '../../simulation/coefficients.ts'
import { findModel, type ModelShape } from '../../simulation/models.ts'
import type { Precision } from '../../simulation/precision.ts'
import type { ServingPoint } from '../../simulation/serving/point.ts'

/** What a line of a table asks to be predicted. */
export type Asked =
  | { readonly point: ServingPoint }
  /** What the tables lack for it: a reason without commas. */
  | { readonly lacking: string }
  /** What is wrong with the line. */
  | { readonly fault: string }

/** Without these nothing can be predicted. */
export const NEEDED_COLUMNS = [
  ...['backend', 'model_path', 'system', 'precision', 'gemm_quant_mode', 'moe_quant_mode', 'isl', 'osl'],
  ...['tp_size', 'concurrency'],
] as const

/** Read where they are there: one stage, one rank, varied lengths and no version otherwise. */
export const OTHER_COLUMNS = [
  ...['pp_size', 'attention_dp_size', 'moe_tp_size', 'moe_ep_size', 'exact_lengths', 'engine_version'],
] as const

export type Fields = Readonly<Record<string, string>>

/** Words for formats of weights, as configurations of engines and of benchmarks write them. */
const PRECISIONS: Readonly<Record<string, Precision>> = {
  bf16: 'bf16',
  bfloat16: 'bf16',
  fp16: 'bf16',
  float16: 'bf16',
  fp8: 'fp8',
  fp8_block: 'fp8',
  fp8_ootb: 'fp8',
  fp8_static: 'fp8',
  fp4: 'nvfp4',
  nvfp4: 'nvfp4',
  mxfp4: 'mxfp4',
  w4a16_mxfp4: 'mxfp4',
  w4a8_mxfp4_mxfp8: 'mxfp4',
  int4: 'int4',
  int4_wo: 'int4',
  w4afp8: 'int4',
}

/** Accelerators from this bandwidth on are of the generation whose engines keep KV in eight bits with quantised weights. */
const EIGHT_BIT_KV_TB_PER_SECOND = 7

/** Turns a line into a point; reads no column that holds a measurement. */
export function askedOf(fields: Fields): Asked {
  const numbers = numbersOf(fields)
  if ('fault' in numbers) return numbers
  const { backend, model_path: modelPath, system } = fields as Record<string, string>
  const engine = MODELLED_ENGINES.find(name => name === backend)
  if (engine === undefined) return { lacking: lacking('the engine', backend!) }
  const model = findModel(modelPath!)
  if (model === undefined) return { lacking: lacking('the model', modelPath!) }
  const accelerator = findAccelerator(system!)
  if (accelerator === undefined) return { lacking: lacking('the accelerator', system!) }
  const formats = formatsOf(fields, model)
  if ('lacking' in formats) return formats
  const dataParallel = numbers.dataParallel ?? ranksOf(numbers, model)
  const newer = accelerator.memoryTbPerSecond >= EIGHT_BIT_KV_TB_PER_SECOND
  const point: ServingPoint = {
    shape: {
      model,
      accelerator,
      tensorParallel: numbers.tensorParallel,
      dataParallel,
      engine,
      ...formats,
      kvBytes: kvBytes(engine, formats, newer),
    },
    engineVersion: fields.engine_version ?? '',
    pipelineParallel: numbers.pipelineParallel,
    // Where the ranks are not told, the calls are those of one.
    concurrency: numbers.concurrency * (numbers.dataParallel === null ? dataParallel : 1),
    promptTokens: numbers.promptTokens,
    outputTokens: numbers.outputTokens,
    exactLengths: numbers.exactLengths,
  }
  return { point }
}

function lacking(what: string, name: string): string {
  return name === '' ? `${what} is not named` : `${what} ${name.replaceAll(/[,"\r\n]/g, ' ')} is not in the tables`
}

interface Numbers {
  readonly promptTokens: number
  readonly outputTokens: number
  readonly concurrency: number
  readonly tensorParallel: number
  readonly pipelineParallel: number
  /** Null where nobody said. */
  readonly dataParallel: number | null
  readonly expertRanks: number
  readonly exactLengths: boolean
}

const MOST = 1e9

function numbersOf(fields: Fields): Numbers | { readonly fault: string } {
  const faults: string[] = []
  const read = (column: string, least: number, absent: number | null): number | null => {
    const text = (fields[column] ?? '').trim()
    if (text === '' && absent !== undefined && !(NEEDED_COLUMNS as readonly string[]).includes(column)) return absent
    const value = Number(text)
    if (text !== '' && Number.isInteger(value) && value >= least && value <= MOST) return value
    faults.push(`${column}: expected a whole number from ${least} on, and it is ${JSON.stringify(text)}`)
    return least
  }
  const numbers = {
    promptTokens: read('isl', 1, null)!,
    outputTokens: read('osl', 1, null)!,
    concurrency: read('concurrency', 1, null)!,
    tensorParallel: read('tp_size', 1, null)!,
    pipelineParallel: read('pp_size', 1, 1)!,
    dataParallel: read('attention_dp_size', 1, null),
    expertRanks: read('moe_tp_size', 0, 0)! * read('moe_ep_size', 0, 0)!,
    exactLengths: read('exact_lengths', 0, 0) === 1,
  }
  return faults.length > 0 ? { fault: faults.join('; ') } : numbers
}

/** Ranks that attend by themselves, where only the ranks that share the experts are told. */
function ranksOf({ expertRanks, tensorParallel }: Numbers, model: ModelShape): number {
  return model.experts === null ? 1 : Math.max(1, Math.floor(expertRanks / tensorParallel))
}

interface Formats {
  readonly precision: Precision
  readonly expertPrecision: Precision
}

function formatsOf(fields: Fields, model: ModelShape): Formats | { readonly lacking: string } {
  // Checkpoints whose experts alone are in four bits keep these whatever a benchmark calls them.
  if (model.expertPrecision !== model.precision) return model
  const own = fields.precision!.trim() || model.precision
  const dense = fields.gemm_quant_mode!.trim() || own
  const experts = fields.moe_quant_mode!.trim() || dense
  const [precision, expertPrecision] = [dense, experts].map(word => PRECISIONS[word.toLowerCase()])
  if (precision === undefined) return { lacking: lacking('the format of weights', dense) }
  if (expertPrecision === undefined) return { lacking: lacking('the format of weights', experts) }
  return { precision, expertPrecision }
}

/** Bytes of a number in the KV cache, as the measured engines were set up. */
function kvBytes(engine: ModelledEngine, { precision, expertPrecision }: Formats, newer: boolean): number {
  const quantised = precision !== 'bf16' || (newer && expertPrecision !== 'bf16')
  return quantised && (newer || engine === 'trtllm') ? 1 : 2
}
