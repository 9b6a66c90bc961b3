import { describe, expect, it } from 'vitest'
import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import { formatFaults } from '../configuration/fault.ts'
import { type LoadedFleet, loadFleet } from './load.ts'

const SIM = 'engine: simulated, model: Llama-3.1-8B, accelerator: { kind: H100-SXM, count: 2, dollarsPerHour: "2.95" }'
const MODELS = 'models: { m: { deployments: [{ upstream: sim, model: x }] } }'

function load(text: string) {
  return loadFleet({ path: 'fleet.yaml', env: { BLOCKS: '5000' }, read: () => ({ text, modifiedAt: 0 }) })
}

function good(text: string): LoadedFleet {
  const { loaded, faults } = load(text)
  if (loaded === undefined) throw new Error(formatFaults(faults))
  return loaded
}

function faultsOf(text: string): string {
  const { faults } = load(text)
  return faults === undefined ? 'none' : formatFaults(faults)
}

describe('a fleet file', () => {
  it('tells of engines and lengths that the step-time model was not fitted on', () => {
    const short = { promptTokens: 1_024, outputTokens: 1_024 }
    const usual = good(
      `upstreams: { sim: { ${SIM.replace('Llama-3.1-8B', 'Llama-3.1-70B').replace('count: 2', 'count: 4')} } }\n${MODELS}`,
    )
    expect(usual.extrapolations(short)).toEqual([])
    expect(usual.extrapolations({ ...short, promptTokens: 90_000 })).toEqual([
      expect.stringContaining('figures of sim are extrapolated: a prompt of 90000 tokens'),
    ])
    const rare = good(`upstreams: { sim: { ${SIM.replace('H100-SXM', 'L40S')} } }\n${MODELS}`)
    expect(rare.extrapolations(short)).toEqual([expect.stringMatching(/L40S was not measured/)])
  })

  it('says engines, models and targets', () => {
    const loaded = good(`
upstreams:
  sim: { ${SIM}, replicas: 3, kvBlocks: 20000, maxRunning: 64 }
${MODELS}
targets: { timeToFirstToken: 3s, timePerOutputToken: 25ms }
`)
    expect(loaded).toMatchObject({
      targets: { timeToFirstTokenMs: 3_000, timePerOutputTokenMs: 25 },
      upstreams: ['sim'],
      models: ['m'],
    })
    const { upstreams, models, terms } = loaded.fleet({})
    expect(upstreams).toHaveLength(1)
    expect(upstreams[0]).toMatchObject({
      name: 'sim',
      replicas: 3,
      dollarsPerHour: 5_900_000_000n,
      engine: { kvBlocks: 20_000, costs: { shape: { tensorParallel: 2 } } },
      pool: { upstream: 'sim', maxRunning: 64, slots: 3, kvTokens: 320_000 },
    })
    expect(models[0]!.deployments[0]).toMatchObject({ name: 'sim/x', replicas: 3 })
    expect(terms.tiers).toEqual(DEFAULT_TIERS)
  })

  it('has targets where it names none', () => {
    const { targets } = good(`upstreams: { sim: { ${SIM} } }\n${MODELS}`)
    expect(targets).toEqual({ timeToFirstTokenMs: 2_000, timePerOutputTokenMs: 50 })
  })

  it('lifts the bounds of cache and context where the cache is unbounded', () => {
    const [upstream] = good(`upstreams: { sim: { ${SIM}, kvBlocks: unbounded } }\n${MODELS}`).fleet({}).upstreams
    expect([upstream!.engine.kvBlocks, upstream!.contextTokens]).toEqual([
      Number.POSITIVE_INFINITY,
      Number.POSITIVE_INFINITY,
    ])
    // The scheduler reckons with a number.
    expect(Number.isFinite(upstream!.pool.kvTokens)).toBe(true)
  })

  it('models engines of a configuration by their accelerator and the model that is deployed on them', () => {
    const vllm = 'engine: vllm, accelerator: { kind: h200, count: 1 }, replicas: [http://a/v1, http://b/v1]'
    const models = 'models: { m: { deployments: [{ upstream: pool, model: meta-llama/Llama-3.1-8B-Instruct }] } }'
    const loaded = good(`upstreams: { pool: { ${vllm} } }\n${models}`)
    const [upstream] = loaded.fleet({}).upstreams
    expect(upstream).toMatchObject({ replicas: 2, engine: { costs: { shape: { accelerator: { name: 'H200-SXM' } } } } })
    // A rent that nobody named is the table's.
    expect(upstream!.dollarsPerHour).toBe(1_600_000_000n)
    const more = loaded.fleet({ pool: 5 })
    // Of names that may come to have more addresses, more could be found than there are.
    expect(more.upstreams[0]!.replicas).toBe(5)
    expect(more.models[0]!.deployments[0]!.replicas).toBeGreaterThanOrEqual(5)
  })

  it('has as many replicas as a sweep says', () => {
    const loaded = good(`upstreams: { sim: { ${SIM} } }\n${MODELS}`)
    const { upstreams, models } = loaded.fleet({ sim: 100 })
    expect(upstreams[0]).toMatchObject({ replicas: 100, pool: { slots: 100 } })
    expect(models[0]!.deployments[0]!.replicas).toBe(100)
  })

  it('reads tiers, shares and the bounds of the queue as a configuration does', () => {
    const terms = 'tiers: { night: { weight: 0.5 } }\nshares: { "team:search": 4 }\nqueue: { maxCalls: 7 }'
    const loaded = good(`upstreams: { sim: { ${SIM} } }\n${MODELS}\n${terms}`)
    expect(loaded.tiers).toEqual(['interactive', 'standard', 'batch', 'night'])
    expect(loaded.fleet({}).terms).toMatchObject({ shares: { 'team:search': 4 }, queue: { maxCalls: 7 } })
  })

  it.each([
    [
      'an unknown entry',
      `upstraems: {}\nupstreams: { sim: { ${SIM} } }\n${MODELS}`,
      'fleet.yaml:1:1: upstraems is unknown; expected one of upstreams, models, targets',
    ],
    [
      'what belongs to a gateway',
      `listen: 127.0.0.1:1\nupstreams: { sim: { ${SIM} } }\n${MODELS}`,
      'fleet.yaml:1:1: listen is unknown',
    ],
    ['no models', `upstreams: { sim: { ${SIM} } }`, 'models is missing'],
    [
      'an upstream that is not there',
      `upstreams: { sim: { ${SIM} } }\nmodels: { m: { deployments: [{ upstream: elsewhere, model: x }] } }`,
      'fleet.yaml:2:42: models.m.deployments[0].upstream refers to "elsewhere"',
    ],
    [
      'an accelerator that nobody knows',
      `upstreams:\n  sim: { engine: simulated, model: Llama-3.1-8B, accelerator: { kind: Z80 } }\n${MODELS}`,
      'upstreams.sim.accelerator.kind is "Z80", which is not in the table',
    ],
    [
      'weights that do not fit',
      `upstreams:\n  sim: { engine: simulated, model: DeepSeek-R1, accelerator: { kind: L4 } }\n${MODELS}`,
      'fleet.yaml:2:49: upstreams.sim.accelerator does not do: DeepSeek-R1 has',
    ],
    [
      'a hosted API',
      `upstreams: { sim: { dialect: openai, baseUrl: https://a/v1 } }\n${MODELS}`,
      'upstreams.sim is a hosted API, whose times nobody can reckon',
    ],
    [
      'an engine without accelerators',
      `upstreams: { sim: { engine: vllm, baseUrl: http://a/v1 } }\n${MODELS}`,
      'upstreams.sim.accelerator is missing',
    ],
    [
      'an engine with a model of no table',
      `upstreams: { sim: { engine: vllm, baseUrl: http://a/v1, accelerator: { kind: H100 } } }\n${MODELS}`,
      'models.m.deployments[0].model is "x", which is not in the table of models',
    ],
    [
      'an engine that serves nothing',
      `upstreams: { sim: { ${SIM} }, b: { engine: vllm, baseUrl: http://a/v1, accelerator: { kind: H100 } } }\n${MODELS}`,
      'upstreams.b.accelerator runs an engine without a model',
    ],
    [
      'a target that is no duration',
      `upstreams: { sim: { ${SIM} } }\n${MODELS}\ntargets: { timeToFirstToken: soon }`,
      'fleet.yaml:3:30: targets.timeToFirstToken is no duration, "soon"',
    ],
    ['no YAML', 'upstreams: [', 'is no YAML'],
  ])('is told of %s', (_, text, told) => expect(faultsOf(text)).toContain(told))

  it('is named when it can not be read', () => {
    const read = () => {
      throw Object.assign(new Error('no'), { code: 'ENOENT' })
    }
    const { faults } = loadFleet({ path: 'nowhere.yaml', env: {}, read })
    expect(formatFaults(faults!)).toBe(
      'nowhere.yaml: cannot be read: there is no such file; expected a fleet in YAML or JSON',
    )
  })

  it('may take what it says from the environment', () => {
    const [upstream] = good(`upstreams: { sim: { ${SIM}, kvBlocks: "\${BLOCKS}" } }\n${MODELS}`).fleet({}).upstreams
    expect(upstream!.engine.kvBlocks).toBe(5_000)
  })
})
