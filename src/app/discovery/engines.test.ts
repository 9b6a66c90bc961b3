import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { findEngines, MAX_MODELS_OF_AN_ENGINE } from './engines.ts'

interface Reply {
  readonly status?: number
  readonly json?: unknown
  readonly text?: string
  readonly headers?: Record<string, string>
  /** Never answers. */
  readonly silent?: boolean
}

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

/** A server on a free port that answers GET by path; everything else is 404. */
async function play(replies: Readonly<Record<string, Reply>>): Promise<{ port: number; asked: string[] }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`)
    const reply = replies[request.url ?? ''] ?? { status: 404, json: { detail: 'Not Found' } }
    if (reply.silent) return
    response.writeHead(reply.status ?? 200, { 'content-type': 'application/json', ...reply.headers })
    response.end(reply.text ?? JSON.stringify(reply.json))
  })
  servers.push(server)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return { port: (server.address() as AddressInfo).port, asked }
}

/** A port where nobody listens. */
async function closedPort(): Promise<number> {
  const server = createServer()
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise(resolve => server.close(resolve))
  return port
}

const models = (ids: readonly string[], owner?: string) => ({
  json: {
    object: 'list',
    data: ids.map(id => ({ id, object: 'model', created: 1, ...(owner ? { owned_by: owner } : {}) })),
  },
})

// Answers as the engines give them: vLLM 0.11, SGLang 0.5, llama.cpp's server, TensorRT-LLM 1.0, Ollama 0.14.
const ENGINES = {
  vllm: {
    '/v1/models': models(['meta-llama/Llama-3.1-8B'], 'vllm'),
    '/version': { json: { version: '0.11.1' } },
    '/v1/messages': { status: 405 },
  },
  'vllm without messages': { '/v1/models': models(['m'], 'vllm') },
  sglang: {
    '/v1/models': models(['qwen'], 'sglang'),
    '/get_model_info': { json: { model_path: 'qwen', is_generation: true } },
  },
  'sglang that signs otherwise': {
    '/v1/models': models(['qwen'], 'me'),
    '/get_model_info': { json: { model_path: 'qwen' } },
  },
  llamacpp: {
    '/v1/models': models(['smollm2.gguf'], 'llamacpp'),
    '/props': { json: { default_generation_settings: {} } },
    '/api/tags': { json: { models: [] } },
  },
  'llamacpp that signs otherwise': {
    '/v1/models': models(['m'], 'me'),
    '/props': { json: { default_generation_settings: {} } },
    '/api/tags': { json: { models: [] } },
  },
  trtllm: { '/v1/models': models(['m'], 'tensorrt_llm') },
  ollama: {
    '/v1/models': models(['llama3.2:1b'], 'library'),
    '/api/tags': { json: { models: [{ name: 'llama3.2:1b' }] } },
    '/api/version': { json: { version: '0.14.2' } },
  },
  'old ollama': {
    '/v1/models': models(['m'], 'library'),
    '/api/tags': { json: { models: [] } },
    '/api/version': { json: { version: '0.13.5' } },
  },
  other: { '/v1/models': models(['m']), '/version': { json: { version: '9' } } },
} as const satisfies Record<string, Record<string, Reply>>

describe('engines on loopback', () => {
  it.each([
    ['vllm', 'vllm', ['openai', 'anthropic']],
    ['vllm without messages', 'vllm', ['openai']],
    ['sglang', 'sglang', ['openai']],
    ['sglang that signs otherwise', 'sglang', ['openai']],
    ['llamacpp', 'llamacpp', ['openai', 'anthropic']],
    ['llamacpp that signs otherwise', 'llamacpp', ['openai', 'anthropic']],
    ['trtllm', 'trtllm', ['openai']],
    ['ollama', 'ollama', ['openai', 'anthropic']],
    ['old ollama', 'ollama', ['openai']],
    ['other', 'openai', ['openai']],
  ] as const)('are told apart by what they say: %s', async (name, kind, dialects) => {
    const { port } = await play(ENGINES[name])
    const { engines, notes } = await findEngines({ ports: [port], timeoutMs: 5_000 })
    const ids = ENGINES[name]['/v1/models'].json.data.map(({ id }) => id)
    expect(engines).toEqual([{ port, kind, dialects, baseUrl: `http://127.0.0.1:${port}/v1`, models: ids }])
    expect(notes).toEqual([])
  })

  it('are found on all ports at once, in the order of the ports', async () => {
    const [vllm, nobody, ollama] = await Promise.all([play(ENGINES.vllm), closedPort(), play(ENGINES.ollama)])
    const { engines } = await findEngines({ ports: [vllm.port, nobody, ollama.port], timeoutMs: 5_000 })
    expect(engines.map(({ kind }) => kind)).toEqual(['vllm', 'ollama'])
  })

  it.each<[string, Reply]>([
    ['is no JSON', { text: '<html>hello</html>' }],
    ['is cut JSON', { text: '{"data":[{"id":"m"}' }],
    ['is a list', { json: [{ id: 'm' }] }],
    ['lists nothing', models([])],
    ['lists no names', { json: { data: [{ id: 5 }, 'm', null, { name: 'm' }] } }],
    ['lists names that no header can carry', models(['bad\u0007', ' m', 'ünicode', ''])],
    ['is an error', { status: 500, json: { data: [{ id: 'm' }] } }],
    ['is a redirect', { status: 302, headers: { location: '/elsewhere' }, text: '' }],
    ['is of another Penstock', { ...models(['m']), headers: { 'x-penstock-request-id': 'pen_x' } }],
    ['is too large', { text: `{"data":[{"id":"m"}],"x":"${'x'.repeat(1_100_000)}"}` }],
  ])('are not taken from an answer that %s', async (_, reply) => {
    const { port, asked } = await play({ '/v1/models': reply, '/elsewhere': models(['m']) })
    expect(await findEngines({ ports: [port], timeoutMs: 5_000 })).toEqual({ engines: [], notes: [] })
    expect(asked).toEqual([`GET /v1/models 127.0.0.1:${port}`])
  })

  it('that want a key or are still loading are told of', async () => {
    const [locked, loading] = await Promise.all([
      play({ '/v1/models': { status: 401, json: { error: 'no' } } }),
      play({ '/v1/models': { status: 503, json: { error: { message: 'Loading model' } } } }),
    ])
    const { engines, notes } = await findEngines({ ports: [locked.port, loading.port], timeoutMs: 5_000 })
    expect(engines).toEqual([])
    expect(notes).toEqual([
      expect.stringContaining(`port ${locked.port} asks for a key`),
      expect.stringContaining(`port ${loading.port} is not ready`),
    ])
  })

  it('that say nothing hold nobody up, and what is half known is served plainly', async () => {
    const [silent, half] = await Promise.all([
      play({ '/v1/models': { silent: true } }),
      play({ '/v1/models': models(['m']), '/props': { silent: true }, '/v1/messages': { silent: true } }),
    ])
    const { engines } = await findEngines({ ports: [silent.port, half.port], timeoutMs: 150 })
    expect(engines.map(({ kind, port }) => ({ kind, port }))).toEqual([{ kind: 'openai', port: half.port }])
  })

  it('serve each model once, and no more than the bound', async () => {
    const ids = Array.from({ length: MAX_MODELS_OF_AN_ENGINE + 50 }, (_, i) => `m${i}`)
    const [twice, many] = await Promise.all([
      play({ '/v1/models': models(['m', 'm', 'n'], 'vllm') }),
      play({ '/v1/models': models(ids, 'vllm') }),
    ])
    const { engines } = await findEngines({ ports: [twice.port, many.port], timeoutMs: 5_000 })
    expect(engines[0]?.models).toEqual(['m', 'n'])
    expect(engines[1]?.models).toHaveLength(MAX_MODELS_OF_AN_ENGINE)
  })
})
