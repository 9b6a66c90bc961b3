import { findProvider } from '@pydantic/genai-prices'
import { describe, expect, it } from 'vitest'
import { DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import { formatFaults } from '../configuration/fault.ts'
import { type EmbeddedModel, type EmbeddedOptions, embeddedConfiguration } from './embedded.ts'
import type { Discovery, FoundEngine } from './engines.ts'
import { ANTHROPIC_MODELS, OPENAI_MODELS } from './wellKnown.ts'

const embeddedModel = (name: string): EmbeddedModel => ({
  name,
  simulated: {
    model: 'Llama-3.1-8B',
    accelerator: { kind: 'H100-SXM', count: 1, dollarsPerHour: null },
    replicas: 1,
    speed: 1,
  },
})

const engine = (over: Partial<FoundEngine>): FoundEngine => ({
  port: 8000,
  kind: 'vllm',
  baseUrl: `http://127.0.0.1:${over.port ?? 8000}/v1`,
  dialects: ['openai'],
  models: ['m'],
  ...over,
})

async function embed(options: Partial<EmbeddedOptions> & { found?: Partial<Discovery> } = {}) {
  const { found, ...more } = options
  const probe = async () => ({ engines: [], notes: [], ...found })
  const result = await embeddedConfiguration({
    env: {},
    models: [embeddedModel('llama-3.1-8b')],
    now: 7,
    probe,
    ...more,
  })
  if (!result.configuration) throw new Error(formatFaults(result.faults))
  return result
}

const names = (models: readonly { name: string }[]) => models.map(({ name }) => name)

describe('with nothing configured', () => {
  it('the simulated engine is served on loopback, and nothing else', async () => {
    const { configuration, summary, notes } = await embed()
    expect(configuration).toMatchObject({
      listen: { host: '127.0.0.1', port: 4000 },
      dataDirectory: expect.stringMatching(/[/\\]penstock-data$/),
      adminToken: null,
      trustCallers: false,
      keys: [],
      source: 'embedded',
    })
    expect(configuration.upstreams).toMatchObject([
      { name: 'simulated', engine: 'simulated', dialects: ['openai', 'anthropic'], source: 'embedded' },
    ])
    expect(configuration.models).toEqual([
      {
        name: 'llama-3.1-8b',
        deployments: [
          {
            name: 'simulated/Llama-3.1-8B',
            upstream: 'simulated',
            model: 'Llama-3.1-8B',
            dialects: ['openai', 'anthropic'],
            engine: 'simulated',
            replicas: 1,
            grams: null,
          },
        ],
        route: 'inOrder',
        maxOutputTokens: null,
        resilience: DEFAULT_RESILIENCE,
        createdAt: 7,
      },
    ])
    expect(summary).toBe(
      'nothing is configured: serving the simulated engine (llama-3.1-8b); no engine answers on the usual ports of this machine',
    )
    expect(notes).toEqual([])
  })

  it('several simulated models have an upstream each', async () => {
    const { configuration } = await embed({ models: [embeddedModel('small'), embeddedModel('a/b c')] })
    expect(names(configuration.upstreams)).toEqual(['simulated-small', 'simulated-a-b-c'])
  })

  it('providers whose key is in the environment are served with their well-known models', async () => {
    const { configuration, summary } = await embed({ env: { OPENAI_API_KEY: ' sk-o\n', ANTHROPIC_API_KEY: 'sk-a' } })
    expect(configuration.upstreams.slice(1)).toMatchObject([
      {
        name: 'openai',
        dialects: ['openai'],
        baseUrls: ['https://api.openai.com/v1'],
        apiKey: 'sk-o',
        source: 'environment',
      },
      {
        name: 'anthropic',
        dialects: ['anthropic'],
        baseUrls: ['https://api.anthropic.com/v1'],
        apiKey: 'sk-a',
        source: 'environment',
      },
    ])
    expect(names(configuration.models)).toEqual(['llama-3.1-8b', ...OPENAI_MODELS, ...ANTHROPIC_MODELS])
    expect(summary).toContain(`openai by its key in the environment (${OPENAI_MODELS.length} models)`)
    expect(summary).not.toContain('sk-')
  })

  it('an empty key is none', async () => {
    expect(
      names((await embed({ env: { OPENAI_API_KEY: '', ANTHROPIC_API_KEY: ' ' } })).configuration.upstreams),
    ).toEqual(['simulated'])
  })

  it('providers are asked where the environment says', async () => {
    const env = {
      OPENAI_API_KEY: 'sk',
      OPENAI_BASE_URL: 'http://10.0.0.1:9/openai/v1/',
      ANTHROPIC_API_KEY: 'sk',
      ANTHROPIC_BASE_URL: 'https://proxy.example.com',
    }
    const { configuration } = await embed({ env })
    expect(configuration.upstreams.slice(1).flatMap(({ baseUrls }) => baseUrls)).toEqual([
      'http://10.0.0.1:9/openai/v1',
      'https://proxy.example.com/v1',
    ])
  })

  it.each(['http://127.0.0.1:4000', 'http://localhost:4000/v1', 'http://[::1]:4000'])(
    'a provider is left out whose URL %s is the gateway itself',
    async url => {
      const { configuration, notes } = await embed({ env: { ANTHROPIC_API_KEY: 'sk', ANTHROPIC_BASE_URL: url } })
      expect(names(configuration.upstreams)).toEqual(['simulated'])
      expect(notes).toEqual([expect.stringContaining('ANTHROPIC_BASE_URL leads to this gateway itself')])
    },
  )

  it('engines that were found are served under the names of their models', async () => {
    const found = {
      engines: [
        engine({ models: ['meta-llama/Llama-3.1-8B'] }),
        engine({
          port: 8080,
          kind: 'llamacpp',
          dialects: ['openai', 'anthropic'],
          models: ['/models/SmolLM2-360M.Q8_0.gguf'],
        }),
        engine({ port: 11_434, kind: 'ollama', models: ['llama3.2:1b', 'b', 'c', 'd'] }),
      ],
      notes: ['what answers on port 30000 asks for a key'],
    }
    const { configuration, summary, notes } = await embed({ found })
    expect(configuration.upstreams.slice(1)).toMatchObject([
      { name: 'vllm', engine: 'vllm', source: 'discovered', apiKey: null, baseUrls: ['http://127.0.0.1:8000/v1'] },
      { name: 'llamacpp', engine: 'llamacpp', dialects: ['openai', 'anthropic'] },
      { name: 'ollama', engine: null },
    ])
    expect(configuration.models.slice(1, 4).map(({ name, deployments }) => [name, deployments[0]?.name])).toEqual([
      ['meta-llama/Llama-3.1-8B', 'vllm/meta-llama/Llama-3.1-8B'],
      ['SmolLM2-360M.Q8_0', 'llamacpp//models/SmolLM2-360M.Q8_0.gguf'],
      ['llama3.2:1b', 'ollama/llama3.2:1b'],
    ])
    expect(summary).toBe(
      'nothing is configured: serving the simulated engine (llama-3.1-8b), vLLM on port 8000 (meta-llama/Llama-3.1-8B), ' +
        'llama.cpp on port 8080 (/models/SmolLM2-360M.Q8_0.gguf), Ollama on port 11434 (4 models)',
    )
    expect(notes).toEqual(found.notes)
  })

  it('a name that is taken goes by its upstream as well, and two engines of a kind by their ports', async () => {
    const engines = [
      engine({ models: ['m', 'gpt-5'] }),
      engine({ port: 30_000, models: ['m'] }),
      engine({ port: 8080, kind: 'openai', models: ['m'] }),
    ]
    const { configuration } = await embed({ env: { OPENAI_API_KEY: 'sk' }, found: { engines } })
    expect(names(configuration.upstreams)).toEqual(['simulated', 'openai', 'vllm-8000', 'vllm-30000', 'local'])
    expect(names(configuration.models).slice(1 + OPENAI_MODELS.length)).toEqual([
      'm',
      'vllm-8000/gpt-5',
      'vllm-30000/m',
      'local/m',
    ])
  })

  it('what answers where the gateway will listen is not served', async () => {
    const { configuration } = await embed({
      listen: { host: '0.0.0.0', port: 8080 },
      found: { engines: [engine({ port: 8080 })] },
    })
    expect(names(configuration.upstreams)).toEqual(['simulated'])
    expect(configuration.listen).toEqual({ host: '0.0.0.0', port: 8080 })
  })

  it('the admin token of the environment is taken', async () => {
    expect((await embed({ env: { PENSTOCK_ADMIN_TOKEN: 'from-environment' } })).configuration.adminToken).toBe(
      'from-environment',
    )
  })

  it('every fault of the environment is told, by its name alone', async () => {
    const env = {
      PENSTOCK_ADMIN_TOKEN: 'hunter2',
      OPENAI_API_KEY: 'sk hunter2',
      ANTHROPIC_API_KEY: 'sk',
      ANTHROPIC_BASE_URL: 'http://u:hunter2@h',
    }
    const { faults = [] } = await embeddedConfiguration({
      env,
      models: [],
      now: 0,
      probe: async () => ({ engines: [], notes: [] }),
    })
    expect(faults.map(({ path }) => path)).toEqual(['PENSTOCK_ADMIN_TOKEN', 'OPENAI_API_KEY', 'ANTHROPIC_BASE_URL'])
    expect(formatFaults(faults)).not.toContain('hunter2')
  })
})

describe('the well-known models', () => {
  it.each([
    ['openai', OPENAI_MODELS],
    ['anthropic', ANTHROPIC_MODELS],
  ] as const)('of %s are in the price book, priced and not deprecated', (providerId, models) => {
    const known = new Map(findProvider({ providerId })?.models.map(model => [model.id, model]))
    expect(models.filter(name => !known.has(name))).toEqual([])
    expect(models.filter(name => known.get(name)?.deprecated)).toEqual([])
    for (const name of models) expect(known.get(name)?.prices, name).toBeTruthy()
    expect(new Set(models).size).toBe(models.length)
  })
})
