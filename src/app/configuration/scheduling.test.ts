import { describe, expect, it } from 'vitest'
import { DEFAULT_QUEUE, type Pool } from '../../vocabulary/scheduling.ts'
import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import type { Configuration } from './configuration.ts'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'

function load(text: string) {
  return loadConfiguration({ path: 'p.yaml', env: { BLOCKS: '5000' }, read: () => ({ text, modifiedAt: 0 }) })
}

function good(text: string): Configuration {
  const loaded = load(text)
  if (!loaded.configuration) throw new Error(formatFaults(loaded.faults))
  return loaded.configuration
}

function poolOf(entries: string, model = 'meta-llama/Llama-3.1-8B-Instruct'): Pool {
  const models = entries.includes('simulated')
    ? ''
    : `models: { m: { deployments: [{ upstream: u, model: ${model} }] } }`
  const configuration = good(`upstreams: { u: { ${entries} } }\n${models}`)
  expect(configuration.pools).toHaveLength(1)
  return configuration.pools[0]!
}

const REPLICAS = 'replicas: ["http://10.0.0.1/v1", "http://10.0.0.2/v1"]'
const H100 = 'accelerator: { kind: H100-SXM, count: 2, dollarsPerHour: "2.95" }'

describe('the sharing of engines', () => {
  it('is the usual one where nothing is said', () => {
    expect(good('').scheduling).toEqual({ tiers: DEFAULT_TIERS, shares: {}, queue: DEFAULT_QUEUE })
    expect(good('tiers:\nshares: {}\nqueue:\n').scheduling).toEqual(good('').scheduling)
  })

  it('is what the file says: its tiers in place of those of their names, the others beside them', () => {
    const text = `
tiers:
  night: { weight: 0.5 }
  interactive: { weight: 10 }
  standard: { timeToFirstToken: 5s, missedTarget: { dollars: "0.25" } }
shares: { "team:search": 4, "key:ci": 0.25 }
queue: { maxCalls: 5, maxBytes: 200KB, maxWait: 1s }
`
    const missedTargetDollars = 10_000_000n
    expect(good(text).scheduling).toEqual({
      tiers: [
        { name: 'interactive', weight: 10, timeToFirstTokenMs: null, missedTargetDollars },
        { name: 'standard', weight: 4, timeToFirstTokenMs: 5_000, missedTargetDollars: 250_000_000n },
        { name: 'batch', weight: 1, timeToFirstTokenMs: null, missedTargetDollars },
        { name: 'night', weight: 0.5, timeToFirstTokenMs: null, missedTargetDollars },
      ],
      shares: { 'team:search': 4, 'key:ci': 0.25 },
      queue: { maxCalls: 5, maxBytes: 200_000, maxWaitMs: 1_000 },
    })
    expect(good('queue: { maxCalls: 0 }').scheduling.queue).toEqual({ ...DEFAULT_QUEUE, maxCalls: 0 })
  })

  it('knows the tiers that keys are limited to', () => {
    const keys = 'keys: [{ name: a, secret: sk-0123456789, tiers: [night, batch] }, { name: b, secret: sk-0123456788 }]'
    expect(good(`tiers: { night: { weight: 1 } }\n${keys}`).keys.map(({ tiers }) => tiers)).toEqual([
      ['night', 'batch'],
      null,
    ])
  })
})

describe('a share that nobody has', () => {
  const warned = (share: string) => {
    const keys = '[{ name: ci, secret: sk-0123456789, team: search }, { name: web, secret: sk-0123456788 }]'
    const loaded = load(`keys: ${keys}\nshares:\n  "${share}": 2\n`)
    return loaded.configuration && loaded.warnings.map(({ line, path }) => `${line} ${path}`)
  }

  it.each(['team:serach', 'key:wbe', 'key:ci'])('such as %s, is warned of', share => {
    expect(warned(share)).toEqual([`3 shares["${share}"]`])
  })

  it.each(['team:search', 'key:web'])('is not the one of %s', share => expect(warned(share)).toEqual([]))

  it('is not warned of where the file has no keys', () => {
    const loaded = load('shares: { "key:x": 2 }')
    expect(loaded.configuration && loaded.warnings).toEqual([])
  })
})

describe('a pool', () => {
  it('is there for each upstream with an engine, with as many slots as its deployments have replicas', () => {
    const { pools, models } = good(`
upstreams:
  hosted: { dialect: openai, baseUrl: http://h }
  pool: { engine: vllm, ${REPLICAS}, maxRunning: 3 }
  sim: { engine: simulated, model: Llama-3.1-8B, ${H100}, replicas: 3 }
models: { m: { deployments: [{ upstream: hosted, model: x }, { upstream: pool, model: x }, { upstream: sim, model: x }] } }
`)
    const told = pools.map(({ upstream, engine, maxRunning, slots }) => ({ upstream, engine, maxRunning, slots }))
    expect(told).toEqual([
      { upstream: 'pool', engine: 'vllm', maxRunning: 3, slots: 2 },
      { upstream: 'sim', engine: 'simulated', maxRunning: null, slots: 3 },
    ])
    expect(models[0]?.deployments.slice(1).map(({ replicas }) => replicas)).toEqual([2, 3])
  })

  it('knows what work costs where model and accelerator are in the tables, however they are spelled', () => {
    const pool = poolOf(`engine: vllm, ${REPLICAS}, ${H100}`)
    const { costs, kvTokens, dollarsPerHour, watts } = pool
    for (const cost of Object.values(costs!)) expect(cost).toBeGreaterThan(0)
    // Reading some 16 GB by two accelerators of 3.35 TB/s takes 2.4 ms at least; a token of a prompt far less.
    expect(costs!.decodeStepMs).toBeGreaterThan(2.4)
    expect(costs!.decodeStepMs).toBeLessThan(20)
    expect(costs!.prefillTokenMs).toBeGreaterThan(0.005)
    expect(costs!.prefillTokenMs).toBeLessThan(0.1)
    expect(kvTokens).toBeGreaterThan(100_000)
    expect([dollarsPerHour, watts]).toEqual([5.9, { idle: 150, busy: 1_400 }])
    const simulated = poolOf(`engine: simulated, model: Llama-3.1-8B, ${H100}`)
    expect([simulated.costs, simulated.kvTokens]).toEqual([costs, kvTokens])
  })

  it.each([
    ['unbounded', Number.POSITIVE_INFINITY],
    ['100', 1_600],
    [`"\${BLOCKS}"`, 80_000],
  ])('has the cache that a simulated engine is said to have: %s', (blocks, kvTokens) => {
    expect(poolOf(`engine: simulated, model: Llama-3.1-8B, ${H100}, kvBlocks: ${blocks}`)).toMatchObject({ kvTokens })
  })

  it.each([
    ['no accelerator is named', `engine: llamacpp, ${REPLICAS}`, 'Llama-3.1-8B', null],
    ['nobody knows the accelerator', `engine: sglang, ${REPLICAS}, accelerator: { kind: X9 }`, 'Llama-3.1-8B', null],
    ['nobody knows the model', `engine: vllm, ${REPLICAS}, ${H100}`, 'our-own-model', { idle: 150, busy: 1_400 }],
    ['the weights do not fit', `engine: vllm, ${REPLICAS}, ${H100}`, 'DeepSeek-V3', { idle: 150, busy: 1_400 }],
  ])('knows nothing of costs where %s', (_, entries, model, watts) => {
    expect(poolOf(entries, model)).toMatchObject({ costs: null, kvTokens: null, watts })
  })

  it('is described with models whose attention has a window or whose experts are many', () => {
    for (const model of ['gpt-oss-20b', 'Qwen3-30B-A3B']) {
      const { costs } = poolOf(`engine: vllm, ${REPLICAS}, ${H100}`, model)
      for (const cost of Object.values(costs!)) expect(cost).toBeGreaterThan(0)
    }
  })
})
