import { describe, expect, it } from 'vitest'
import { loadConfiguration } from './load.ts'

describe('the region of an upstream', () => {
  const loaded = (region: string) => {
    const upstream = `{ engine: vllm, baseUrl: "http://127.0.0.1:8", accelerator: { kind: H100-SXM }, region: ${region} }`
    const text = `upstreams:\n  pool: ${upstream}\nmodels:\n  fast: { deployments: [{ upstream: pool, model: llama-3.1-8b }] }\n`
    const found = loadConfiguration({ path: 'penstock.yaml', env: {}, read: () => ({ text, modifiedAt: 0 }) })
    if (!found.configuration) throw new Error(JSON.stringify(found.faults))
    const { grams } = found.configuration.models[0]!.deployments[0]!
    return { grams, warnings: found.warnings.map(({ path, line }) => `${line} ${path}`) }
  }

  it('gives its deployments their footprint', () => {
    const [sweden, poland] = [loaded('eu-north-1'), loaded('POL')]
    expect([sweden.warnings, poland.warnings]).toEqual([[], []])
    expect(poland.grams!.perOutputToken).toBeGreaterThan(10 * sweden.grams!.perOutputToken)
  })

  it('is warned of where nobody knows its electricity, and gives none', () => {
    expect(loaded('eu-nroth-1')).toEqual({ grams: null, warnings: ['2 upstreams.pool.region'] })
  })
})
