import { describe, expect, it } from 'vitest'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import { loadOf } from './load.ts'

const NOTHING: EngineLoad = { running: null, waiting: null, kvUse: null, kvTokens: null, maxRunning: null }

const SAID: readonly [string, EngineKind, string, Partial<EngineLoad>][] = [
  [
    'vLLM',
    'vllm',
    `# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="m"} 5.0
vllm:num_requests_waiting{engine="0",model_name="m"} 3.0
vllm:num_requests_waiting_by_reason{engine="0",model_name="m",reason="capacity"} 3.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.42
vllm:cache_config_info{block_size="16",engine="0",num_gpu_blocks="1000",num_gpu_blocks_override="None"} 1.0`,
    { running: 5, waiting: 3, kvUse: 0.42, kvTokens: 16_000 },
  ],
  [
    'vLLM before version 0.10',
    'vllm',
    'vllm:num_requests_running{model_name="m"} 5\nvllm:gpu_cache_usage_perc{model_name="m"} 0.25',
    { running: 5, kvUse: 0.25 },
  ],
  [
    'vLLM whose tokens are not its blocks',
    'vllm',
    'vllm:cache_config_info{block_size="16",kv_cache_size_tokens="9000",num_gpu_blocks="1000"} 1',
    { kvTokens: 9_000 },
  ],
  [
    'vLLM of two data-parallel ranks',
    'vllm',
    `vllm:num_requests_running{engine="0"} 5
vllm:num_requests_running{engine="1"} 7
vllm:num_requests_waiting{engine="0"} 1
vllm:num_requests_waiting{engine="1"} 0
vllm:kv_cache_usage_perc{engine="0"} 0.9
vllm:kv_cache_usage_perc{engine="1"} 0.1
vllm:cache_config_info{engine="0",block_size="16",num_gpu_blocks="300"} 1
vllm:cache_config_info{engine="1",block_size="16",num_gpu_blocks="100"} 1`,
    { running: 12, waiting: 1, kvUse: 0.7, kvTokens: 6_400 },
  ],
  [
    'vLLM of two ranks that do not say what they hold',
    'vllm',
    'vllm:kv_cache_usage_perc{engine="0"} 0.9\nvllm:kv_cache_usage_perc{engine="1"} 0.1',
    { kvUse: 0.5 },
  ],
  [
    'SGLang',
    'sglang',
    `sglang:num_running_reqs{model_name="m"} 5.0
sglang:num_running_reqs_offline_batch{model_name="m"} 1.0
sglang:num_queue_reqs{model_name="m"} 3.0
sglang:token_usage{model_name="m"} 0.42
sglang:cache_config_info{num_pages="1000",page_size="16"} 1
sglang:max_running_requests{model_name="m"} 128`,
    { running: 5, waiting: 3, kvUse: 0.42, kvTokens: 16_000, maxRunning: 128 },
  ],
  ['SGLang without pages', 'sglang', 'sglang:max_total_num_tokens 471258', { kvTokens: 471_258 }],
  [
    'SGLang that counts by priority besides',
    'sglang',
    `sglang:num_running_reqs{priority=""} 5
sglang:num_running_reqs{priority="1"} 2
sglang:num_running_reqs{priority="10"} 3`,
    { running: 5 },
  ],
  [
    'SGLang whose tensor parallel ranks all report',
    'sglang',
    `sglang:num_running_reqs{dp_rank="0",tp_rank="0"} 5
sglang:num_running_reqs{dp_rank="0",tp_rank="1"} 5
sglang:num_running_reqs{dp_rank="1",tp_rank="2"} 4
sglang:num_running_reqs{dp_rank="1",tp_rank="3"} 4`,
    { running: 9 },
  ],
  [
    'trtllm-serve',
    'trtllm',
    `trtllm_num_requests_running{engine_type="trtllm",model_name="m"} 5.0
trtllm_num_requests_waiting{engine_type="trtllm",model_name="m"} 3.0
trtllm_kv_cache_utilization{engine_type="trtllm",model_name="m"} 0.42
trtllm_kv_cache_tokens_per_block{engine_type="trtllm",model_name="m"} 32
trtllm_kv_cache_max_blocks{engine_type="trtllm",model_name="m"} 100
trtllm_max_num_active_requests{engine_type="trtllm",model_name="m"} 64`,
    { running: 5, waiting: 3, kvUse: 0.42, kvTokens: 3_200, maxRunning: 64 },
  ],
  [
    'TensorRT-LLM in Triton',
    'trtllm',
    `nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="context",version="1"} 1
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="scheduled",version="1"} 5
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="active",version="1"} 8
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="waiting",version="1"} 3
nv_trt_llm_request_metrics{model="tensorrt_llm",request_type="max",version="1"} 512
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="fraction",model="tensorrt_llm",version="1"} 0.42
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="tokens_per",model="tensorrt_llm",version="1"} 64
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used",model="tensorrt_llm",version="1"} 3000
nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max",model="tensorrt_llm",version="1"} 6239`,
    { running: 5, waiting: 3, kvUse: 0.42, kvTokens: 399_296, maxRunning: 512 },
  ],
  [
    'Triton that tells blocks and no share',
    'trtllm',
    'nv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="used"} 25\nnv_trt_llm_kv_cache_block_metrics{kv_cache_block_type="max"} 100',
    { kvUse: 0.25 },
  ],
  [
    'llama.cpp',
    'llamacpp',
    'llamacpp:requests_processing 5\nllamacpp:requests_deferred 3\nllamacpp:n_decode_total 99',
    { running: 5, waiting: 3 },
  ],
  ['llama.cpp until 2025', 'llamacpp', 'llamacpp:kv_cache_usage_ratio 0.42', { kvUse: 0.42 }],
  ['an engine behind a proxy that renames', 'vllm', 'vllm_num_requests_running 5', { running: 5 }],
]

describe('the load of an engine', () => {
  it.each(SAID)('is what the metrics of %s say', (_, kind, text, expected) => {
    const { kvUse, ...counts } = loadOf(kind, text)!
    const { kvUse: expectedUse, ...expectedCounts } = { ...NOTHING, ...expected }
    expect(counts).toEqual(expectedCounts)
    if (expectedUse === null) expect(kvUse).toBeNull()
    else expect(kvUse).toBeCloseTo(expectedUse, 9)
  })

  it.each<[string, number | null]>([
    ['0', 0],
    ['1', 1],
    ['1.004', 1],
    ['42', 0.42],
    ['100', 1],
    ['101', null],
    ['-0.1', null],
    ['NaN', null],
    ['+Inf', null],
  ])('takes a share of %s as %j', (told, expected) =>
    expect(loadOf('vllm', `vllm:num_requests_running 1\nvllm:kv_cache_usage_perc ${told}`)).toEqual({
      ...NOTHING,
      running: 1,
      kvUse: expected,
    }),
  )

  it.each(['-1', 'NaN', '+Inf', '-Inf', '1e300'])('has no count of %s', told =>
    expect(loadOf('sglang', `sglang:num_queue_reqs 2\nsglang:num_running_reqs ${told}`)).toEqual({
      ...NOTHING,
      waiting: 2,
    }),
  )

  it.each(['None', '', '0', '-3', '1e3', '9999999999999999'])('has no cache of %j blocks', told =>
    expect(
      loadOf('vllm', `vllm:num_requests_running 1\nvllm:cache_config_info{block_size="16",num_gpu_blocks="${told}"} 1`),
    ).toEqual({ ...NOTHING, running: 1 }),
  )

  it.each<[string, EngineKind, string]>([
    ['empty text', 'vllm', ''],
    [
      'garbage',
      'vllm',
      '<html>vllm:num_requests_running{ NaN NaN\n\u0000\u0001 llamacpp:requests_processing -7e999\n{}',
    ],
    ['garbage', 'llamacpp', '<html>\n\u0000\u0001 llamacpp:requests_processing -7e999\n{"not":"metrics"}'],
    ['metrics of another engine', 'sglang', 'vllm:num_requests_running 5'],
    ['statistics in JSON', 'trtllm', '[]'],
    ['the simulated engine, which is not asked', 'simulated', 'vllm:num_requests_running 5'],
  ])('is not known from %s (%s)', (_, kind, text) => expect(loadOf(kind, text)).toBeNull())
})
