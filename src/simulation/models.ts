import { NameTable } from './names.ts'
import type { Precision } from './precision.ts'

/** What the step time of a model depends on. */
export interface ModelShape {
  readonly name: string
  readonly aliases?: readonly string[]
  readonly layers: number
  readonly hidden: number
  readonly queryHeads: number
  readonly kvHeads: number
  readonly headDim: number
  readonly vocabulary: number
  /** All parameters, embeddings included. */
  readonly parameters: number
  /** Parameters that work on one token, embeddings included. */
  readonly activeParameters: number
  /** Null for a dense model. */
  readonly experts: Experts | null
  /** Width of the compressed KV entry of a layer (512 + 64) with multi-head latent attention; null with grouped queries. */
  readonly latentWidth: number | null
  /** Layers whose attention reads the whole context. */
  readonly fullLayers: number
  /** Layers that read at most `windowTokens` of it. */
  readonly windowLayers: number
  readonly windowTokens: number
  /** How the published checkpoint stores its weights, outside of the experts and in them. */
  readonly precision: Precision
  readonly expertPrecision: Precision
  /** Longest sequence that the model was made for. */
  readonly contextTokens: number
}

export interface Experts {
  readonly count: number
  readonly perToken: number
  readonly inner: number
  readonly layers: number
}

interface Extras {
  readonly aliases?: readonly string[]
  /** Experts, experts a token, inner width, layers without experts. */
  readonly experts?: readonly [count: number, perToken: number, inner: number, denseLayers: number]
  readonly latentWidth?: number
  /** Layers with a window (0 tokens: linear attention, which keeps no KV), and its tokens. */
  readonly window?: readonly [layers: number, tokens: number]
  readonly precision?: Precision
  readonly expertPrecision?: Precision
}

type Row = readonly [
  name: string,
  layers: number,
  hidden: number,
  heads: readonly [query: number, kv: number, dim: number],
  vocabulary: number,
  billions: readonly [total: number, active: number],
  contextTokens: number,
  extras?: Extras,
]

const MLA = 512 + 64

/**
 * Sources: AIConfigurator's model_configs (Hugging Face's config.json), totals recomputed with embeddings. Context
 * lengths are `max_position_embeddings`, compared with those files for Qwen3.5, GLM-5 and Kimi-K2.5 alone; precisions
 * are those that the makers' checkpoints are known for.
 */
const ROWS: readonly Row[] = [
  ['Llama-3.1-8B', 32, 4096, [32, 8, 128], 128_256, [8.03, 8.03], 131_072, { aliases: ['Meta-Llama-3.1-8B'] }],
  ['Llama-3.1-70B', 80, 8192, [64, 8, 128], 128_256, [70.6, 70.6], 131_072, { aliases: ['Llama-3.3-70B'] }],
  ['Llama-3.1-405B', 126, 16_384, [128, 8, 128], 128_256, [405.8, 405.8], 131_072],
  ['Qwen3-8B', 36, 4096, [32, 8, 128], 151_936, [8.2, 8.2], 40_960],
  ['Qwen3-32B', 64, 5120, [64, 8, 128], 151_936, [32.8, 32.8], 40_960],
  ['Qwen3-30B-A3B', 48, 2048, [32, 4, 128], 151_936, [30.5, 3.4], 40_960, { experts: [128, 8, 768, 0] }],
  [
    ...(['Qwen3-235B-A22B', 94, 4096, [64, 4, 128], 151_936, [235.1, 22.2], 40_960] as const),
    { experts: [128, 8, 1536, 0], aliases: ['Qwen3-235B', 'Qwen3-235B-A22B-FP8'] },
  ],
  [
    ...(['Qwen3-Coder-480B-A35B', 62, 6144, [96, 8, 128], 151_936, [480.2, 35.5], 262_144] as const),
    { experts: [160, 8, 2560, 0], aliases: ['Qwen3-Coder-480B'] },
  ],
  [
    ...(['Qwen3.5-397B-A17B', 60, 4096, [32, 2, 256], 248_320, [397, 17], 262_144] as const),
    { experts: [512, 10, 1024, 0], window: [45, 0], aliases: ['Qwen3.5-397B'] },
  ],
  ['Mixtral-8x7B', 32, 4096, [32, 8, 128], 32_000, [46.7, 12.9], 32_768, { experts: [8, 2, 14_336, 0] }],
  ['Mixtral-8x22B', 56, 6144, [48, 8, 128], 32_000, [140.6, 39.2], 65_536, { experts: [8, 2, 16_384, 0] }],
  [
    ...(['gpt-oss-20b', 24, 2880, [64, 8, 64], 201_088, [20.9, 4.2], 131_072] as const),
    { experts: [32, 4, 2880, 0], window: [12, 128], expertPrecision: 'mxfp4' },
  ],
  [
    ...(['gpt-oss-120b', 36, 2880, [64, 8, 64], 201_088, [116.8, 5.7], 131_072] as const),
    { experts: [128, 4, 2880, 0], window: [18, 128], expertPrecision: 'mxfp4' },
  ],
  [
    ...(['DeepSeek-R1', 61, 7168, [128, 128, 128], 129_280, [671, 37.6], 163_840] as const),
    {
      experts: [256, 8, 2048, 3],
      latentWidth: MLA,
      precision: 'fp8',
      expertPrecision: 'fp8',
      aliases: ['DeepSeek-V3', 'DeepSeek-V3.1', 'DeepSeek-R1/V3'],
    },
  ],
  [
    ...(['DeepSeek-V3.2', 61, 7168, [128, 128, 128], 129_280, [671, 37.6], 163_840] as const),
    { experts: [256, 8, 2048, 3], latentWidth: MLA, window: [61, 2048], precision: 'fp8', expertPrecision: 'fp8' },
  ],
  [
    ...(['Kimi-K2.5', 61, 7168, [64, 64, 128], 163_840, [1026.4, 32.9], 262_144] as const),
    { experts: [384, 8, 2048, 1], latentWidth: MLA, expertPrecision: 'int4', aliases: ['Kimi-K2', 'Kimi-K2/K2.5'] },
  ],
  [
    ...(['GLM-5', 78, 6144, [64, 64, 64], 154_880, [743.2, 41.1], 202_752] as const),
    { experts: [256, 8, 2048, 3], latentWidth: MLA, window: [78, 2048] },
  ],
  [
    ...(['MiniMax-M2.5', 62, 3072, [48, 8, 128], 200_064, [228.7, 11], 196_608] as const),
    { experts: [256, 8, 1536, 0], precision: 'fp8', expertPrecision: 'fp8' },
  ],
  [
    ...(['Llama-4-Scout', 48, 5120, [40, 8, 128], 202_048, [107.8, 17.2], 10_485_760] as const),
    { experts: [16, 1, 8192, 0], aliases: ['Llama-4-Scout-17B-16E'] },
  ],
]

const BILLION = 1e9

function shapeOf([name, layers, hidden, heads, vocabulary, billions, contextTokens, extras = {}]: Row): ModelShape {
  const { experts, window = [0, 0], precision = 'bf16' } = extras
  return {
    name,
    aliases: extras.aliases,
    layers,
    hidden,
    queryHeads: heads[0],
    kvHeads: heads[1],
    headDim: heads[2],
    vocabulary,
    parameters: billions[0] * BILLION,
    activeParameters: billions[1] * BILLION,
    experts: experts
      ? { count: experts[0], perToken: experts[1], inner: experts[2], layers: layers - experts[3] }
      : null,
    latentWidth: extras.latentWidth ?? null,
    fullLayers: layers - window[0],
    windowLayers: window[0],
    windowTokens: window[1],
    precision,
    expertPrecision: extras.expertPrecision ?? precision,
    contextTokens,
  }
}

export const MODELS: readonly ModelShape[] = ROWS.map(shapeOf)

const TABLE = new NameTable('model', MODELS)

/** Names of the model table, as configurations write them. */
export const MODEL_NAMES = TABLE.names

/** @returns undefined for an unknown model; spelling is forgiven (`meta-llama/llama-3.1-8b-instruct`) */
export function findModel(name: string): ModelShape | undefined {
  return TABLE.find(name)
}

/** @throws Error with a sentence that lists the known models */
export function model(name: string): ModelShape {
  return TABLE.get(name)
}
