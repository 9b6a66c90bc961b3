import type { EngineLoad } from '../../ports/fleet.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import { type Metrics, readMetrics, type Series, wantedOf } from './prometheus.ts'
import { countOf, meanShare, shareOf, sum, total } from './sums.ts'

/** Engines whose metrics are in Prometheus' format. */
type Told = Exclude<EngineKind, 'simulated'>

/** An engine's way to say how it is; names have `_` for `:`. */
interface Way {
  readonly names: readonly string[]
  read(metrics: Metrics): EngineLoad
}

/** Of each part, by the label that parts it from the others. */
function tokensByPart(
  metrics: Metrics,
  info: string,
  label: string,
  tokensOf: (labels: Series['labels']) => number | null,
): ReadonlyMap<string, Tokens> {
  const parts = new Map<string, Tokens>()
  for (const { labels } of metrics.get(info) ?? []) {
    const tokens = tokensOf(labels)
    if (tokens !== null) parts.set(labels.get(label) ?? '', tokens)
  }
  return parts
}

/** A whole number above 0 in a label; null for `None` and the like. */
function countIn(labels: Series['labels'], name: string): number | null {
  const text = labels.get(name) ?? ''
  return /^\d{1,15}$/.test(text) && Number(text) > 0 ? Number(text) : null
}

const product = (a: number | null, b: number | null): number | null => (a === null || b === null ? null : a * b)
const allOf = (parts: ReadonlyMap<string, Tokens>): Tokens | null => (parts.size === 0 ? null : sum(parts.values()))

/** https://docs.vllm.ai/en/stable/usage/metrics.html; before version 0.10 the share of the cache had `gpu` in its name. */
const VLLM: Way = {
  names: [
    'vllm_num_requests_running',
    'vllm_num_requests_waiting',
    'vllm_kv_cache_usage_perc',
    'vllm_gpu_cache_usage_perc',
    'vllm_cache_config_info',
  ],
  read(metrics) {
    // Of a model with several kinds of layers, blocks times their size are not the tokens; newer versions say these.
    const tokens = tokensByPart(
      metrics,
      'vllm_cache_config_info',
      'engine',
      labels =>
        countIn(labels, 'kv_cache_size_tokens') ??
        product(countIn(labels, 'num_gpu_blocks'), countIn(labels, 'block_size')),
    )
    return {
      running: total(metrics, 'vllm_num_requests_running'),
      waiting: total(metrics, 'vllm_num_requests_waiting'),
      kvUse:
        meanShare(metrics, 'vllm_kv_cache_usage_perc', tokens, 'engine') ??
        meanShare(metrics, 'vllm_gpu_cache_usage_perc', tokens, 'engine'),
      kvTokens: allOf(tokens),
      maxRunning: null,
    }
  },
}

/** python/sglang/srt/observability/metrics_collector.py of SGLang; the last two were in its early versions, and are again. */
const SGLANG: Way = {
  names: [
    'sglang_num_running_reqs',
    'sglang_num_queue_reqs',
    'sglang_token_usage',
    'sglang_cache_config_info',
    'sglang_max_total_num_tokens',
    'sglang_max_running_requests',
  ],
  read(metrics) {
    const tokens = tokensByPart(metrics, 'sglang_cache_config_info', 'dp_rank', labels =>
      product(countIn(labels, 'num_pages'), countIn(labels, 'page_size')),
    )
    return {
      running: total(metrics, 'sglang_num_running_reqs'),
      waiting: total(metrics, 'sglang_num_queue_reqs'),
      kvUse: meanShare(metrics, 'sglang_token_usage', tokens, 'dp_rank'),
      kvTokens: allOf(tokens) ?? atLeastOne(total(metrics, 'sglang_max_total_num_tokens')),
      maxRunning: atLeastOne(total(metrics, 'sglang_max_running_requests')),
    }
  },
}

const atLeastOne = (count: number | null): number | null => (count === 0 ? null : count)

/** tensorrt_llm/metrics/collector.py of TensorRT-LLM, for `trtllm-serve`. */
const TRTLLM_SERVE: Way = {
  names: [
    'trtllm_num_requests_running',
    'trtllm_num_requests_waiting',
    'trtllm_kv_cache_utilization',
    'trtllm_kv_cache_tokens_per_block',
    'trtllm_kv_cache_max_blocks',
    'trtllm_max_num_active_requests',
  ],
  read(metrics) {
    const blockTokens = Math.max(0, ...(metrics.get('trtllm_kv_cache_tokens_per_block') ?? []).map(one => one.value))
    return {
      running: total(metrics, 'trtllm_num_requests_running'),
      waiting: total(metrics, 'trtllm_num_requests_waiting'),
      kvUse: meanShare(metrics, 'trtllm_kv_cache_utilization', new Map(), ''),
      kvTokens: atLeastOne(product(countOf(blockTokens), total(metrics, 'trtllm_kv_cache_max_blocks'))),
      maxRunning: atLeastOne(total(metrics, 'trtllm_max_num_active_requests')),
    }
  },
}

const REQUESTS = 'nv_trt_llm_request_metrics'
const BLOCKS = 'nv_trt_llm_kv_cache_block_metrics'

/** https://github.com/triton-inference-server/tensorrtllm_backend: one metric for each group, and its kinds in a label. */
const TRITON: Way = {
  names: [REQUESTS, BLOCKS],
  read(metrics) {
    const requests = byLabel(metrics, REQUESTS, 'request_type')
    const blocks = byLabel(metrics, BLOCKS, 'kv_cache_block_type')
    const [used, most] = [total(blocks, 'used'), atLeastOne(total(blocks, 'max'))]
    return {
      running: total(requests, 'scheduled', 'active'),
      waiting: total(requests, 'waiting'),
      kvUse:
        meanShare(blocks, 'fraction', new Map(), '') ?? (used === null || most === null ? null : shareOf(used / most)),
      // Models each have blocks of their own, of the same size.
      kvTokens: product(
        atLeastOne(countOf(Math.max(0, ...(blocks.get('tokens_per') ?? []).map(one => one.value)))),
        most,
      ),
      maxRunning: atLeastOne(total(requests, 'max')),
    }
  },
}

function byLabel(metrics: Metrics, name: string, label: string): Metrics {
  return Map.groupBy(metrics.get(name) ?? [], ({ labels }) => labels.get(label) ?? '')
}

/** https://github.com/ggml-org/llama.cpp/tree/master/tools/server; the share of the cache was in versions until 2025. */
const LLAMACPP: Way = {
  names: ['llamacpp_requests_processing', 'llamacpp_requests_deferred', 'llamacpp_kv_cache_usage_ratio'],
  read: metrics => ({
    running: total(metrics, 'llamacpp_requests_processing'),
    waiting: total(metrics, 'llamacpp_requests_deferred'),
    kvUse: meanShare(metrics, 'llamacpp_kv_cache_usage_ratio', new Map(), ''),
    kvTokens: null,
    maxRunning: null,
  }),
}

const WAYS: Readonly<Record<Told, readonly Way[]>> = {
  vllm: [VLLM],
  sglang: [SGLANG],
  trtllm: [TRTLLM_SERVE, TRITON],
  llamacpp: [LLAMACPP],
}

const WANTED = new Map(
  Object.entries(WAYS).map(([kind, ways]) => [kind, wantedOf(ways.flatMap(({ names }) => names))] as const),
)

/**
 * What an engine says of itself in its metrics: series of its parts are added up, the share of the cache is their mean by
 * what they hold. Values that make no sense are as if they were not there.
 *
 * @param text in Prometheus' format, or anything else
 * @returns null where it says nothing that is known
 */
export function loadOf(kind: EngineKind, text: string): EngineLoad | null {
  if (kind === 'simulated') return null
  const metrics = readMetrics(text, WANTED.get(kind)!)
  for (const way of WAYS[kind]) {
    const load = way.read(metrics)
    if (Object.values(load).some(value => value !== null)) return load
  }
  return null
}
