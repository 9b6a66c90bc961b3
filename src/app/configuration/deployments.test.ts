import { expect, it } from 'vitest'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'

/** The deployments of the first model of a file. */
function load(text: string) {
  const loaded = loadConfiguration({ path: 'p.yaml', env: {}, read: () => ({ text, modifiedAt: 0 }) })
  if (!loaded.configuration) throw new Error(formatFaults(loaded.faults))
  return loaded.configuration.models[0]!.deployments
}

it('the grams of a deployment are known where its region is, and what it runs on or costs', () => {
  const text = `
upstreams:
  dirty: { engine: vllm, baseUrl: http://a, accelerator: { kind: H100-SXM }, region: PL }
  clean: { engine: vllm, baseUrl: http://b, accelerator: { kind: H100-SXM }, region: SE }
  hosted: { dialect: openai, baseUrl: http://c, region: us-east-1 }
  nowhere: { dialect: openai, baseUrl: http://d }
models:
  m:
    deployments:
      - { upstream: dirty, model: Llama-3.1-8B }
      - { upstream: clean, model: Llama-3.1-8B }
      - { upstream: clean, model: of-no-table }
      - { upstream: hosted, model: small }
      - { upstream: hosted, model: large }
      - { upstream: nowhere, model: large }
prices:
  - { upstream: hosted, model: small, input: "0.1", output: "0.4" }
  - { upstream: hosted, model: large, input: "10", output: "40" }
`
  const grams = load(text).map(deployment => deployment.grams?.perOutputToken ?? null)
  const [dirty, clean, unknown, small, large, nowhere] = grams
  expect(clean).toBeGreaterThan(0)
  expect(dirty).toBeGreaterThan(clean!)
  expect(large).toBeCloseTo(small! * 100)
  expect([unknown, nowhere]).toEqual([null, null])
})
