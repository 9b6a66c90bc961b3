import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'

const load = (text: string) =>
  loadConfiguration({ path: 'p.yaml', env: { A: 'a' }, read: () => ({ text, modifiedAt: 0 }) })

/** Either a configuration or at least one fault that stands in the file; never an exception. */
function expectVerdict(text: string): void {
  const loaded = load(text)
  if (loaded.configuration) return
  expect(loaded.faults.length).toBeGreaterThan(0)
  const lines = text.split('\n').length
  for (const { line } of loaded.faults) expect(line).toBeLessThanOrEqual(lines)
  expect(formatFaults(loaded.faults)).toContain('p.yaml')
}

const WHOLE = {
  listen: '127.0.0.1:0',
  drain: '5s',
  adminToken: 'admin-token',
  upstreams: {
    mock: { dialect: 'openai', baseUrl: 'http://127.0.0.1:9/v1', apiKey: 'sk', headers: { 'x-a': 'b' } },
    pool: {
      engine: 'vllm',
      replicas: ['http://127.0.0.1:8/v1', 'http://127.0.0.1:7/v1'],
      region: 'DE',
      maxRunning: 8,
      kvEvents: { port: 5557 },
    },
    sim: {
      engine: 'simulated',
      model: 'Llama-3.1-8B',
      accelerator: { kind: 'H100-SXM', count: 1, dollarsPerHour: '2.95' },
      replicas: 2,
      kvBlocks: 'auto',
    },
  },
  models: {
    fast: {
      deployments: [
        { upstream: 'mock', model: 'm' },
        { upstream: 'pool', model: 'm' },
      ],
      route: 'balanced',
      resilience: {
        attempts: 2,
        firstToken: '5s',
        hedge: { after: '2s' },
        onCut: 'continue',
        onCallerLeft: { drain: '2s' },
        breaker: { failures: 5, within: '30s', open: '15s' },
      },
    },
    small: { deployments: [{ upstream: 'mock', model: 's' }] },
  },
  prices: [{ upstream: 'mock', model: 'm', input: '0.10' }],
  limits: [
    { scope: 'model:fast', unit: 'dollars', amount: '5', window: { sliding: '1m' }, onReached: { downgrade: 'small' } },
  ],
  keys: [{ name: 'ci', secret: 'sk-check-1', tags: { project: 'atlas' }, models: ['fast'], tiers: ['batch', 'night'] }],
  tiers: {
    interactive: { weight: 8, timeToFirstToken: '1s', missedTarget: { dollars: '0.02' } },
    night: { weight: 1 },
  },
  shares: { 'team:search': 4, 'key:ci': 0.5 },
  queue: { maxCalls: 100, maxBytes: '512MB', maxWait: '60s' },
}
type Json = string | number | boolean | null | Json[] | { [name: string]: Json }

/** Every place of a value, as the path to it. */
function placesOf(value: Json, path: (string | number)[] = []): (string | number)[][] {
  if (value === null || typeof value !== 'object') return [path]
  return [
    path,
    ...Object.entries(value).flatMap(([name, inner]) =>
      placesOf(inner, [...path, Array.isArray(value) ? Number(name) : name]),
    ),
  ]
}

function replaced(value: Json, path: readonly (string | number)[], by: Json): Json {
  const [step, ...rest] = path
  if (step === undefined) return by
  if (Array.isArray(value)) return value.map((inner, i) => (i === step ? replaced(inner, rest, by) : inner))
  const mapping = value as { [name: string]: Json }
  return { ...mapping, [step]: replaced(mapping[step]!, rest, by) }
}

describe('whatever stands in a file', () => {
  it('gets a verdict: any text', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary', maxLength: 200 }), expectVerdict), { numRuns: 250 })
  })

  it('gets a verdict: text made of what YAML is made of', () => {
    const piece = fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ': ',
      ',',
      '\n',
      '  ',
      '- ',
      '&a ',
      '*a',
      '!t ',
      '"',
      "'",
      '|',
      '#',
      '?',
      '---',
      `\${A}`,
      `\${`,
      'models',
      'keys',
      'x',
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), pieces => expectVerdict(pieces.join(''))),
      { numRuns: 400 },
    )
  })

  it('gets a verdict: a sound configuration with one value replaced by any other', () => {
    fc.assert(
      fc.property(fc.constantFrom(...placesOf(WHOLE)), fc.jsonValue({ maxDepth: 2 }), (path, by) => {
        expectVerdict(JSON.stringify(replaced(WHOLE, path, by as Json), null, 1))
      }),
      { numRuns: 250 },
    )
  })

  it('is sound when nothing was replaced', () => {
    expect(load(JSON.stringify(WHOLE)).faults).toBeUndefined()
  })
})
