import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { DEFAULT_FIRST_TOKEN_MS, DEFAULT_IDLE_MS, DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import type { Configuration } from './configuration.ts'
import { formatFaults } from './fault.ts'
import { findConfigurationFile } from './file.ts'
import { loadConfiguration } from './load.ts'
import { hashSecret } from './secret.ts'

const hardware = { models: ['Llama-3.1-8B', 'Llama-3.1-70B'], accelerators: ['H100-SXM', 'A100-80G'] }
const MODIFIED_AT = 1_760_000_000_000

function load(text: string, env: Record<string, string | undefined> = {}) {
  return loadConfiguration({ path: 'p.yaml', env, hardware, read: () => ({ text, modifiedAt: MODIFIED_AT }) })
}

function good(text: string, env?: Record<string, string | undefined>): Configuration {
  const loaded = load(text, env)
  if (!loaded.configuration) throw new Error(formatFaults(loaded.faults))
  return loaded.configuration
}

const folder = mkdtempSync(join(tmpdir(), 'penstock-load-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const EVERYTHING = `
listen: "[::1]:0"
data: /var/lib/penstock
drain: 5s
retain: 30d
adminToken: \${ADMIN}
trustCallers: \${TRUST:-true}
workers: \${WORKERS:-2}
limits:
  - { scope: organisation, unit: dollars, amount: "5000", window: { calendar: month, timezone: Europe/Berlin } }
  - { scope: "key:\${KEY}", unit: requests, amount: \${REQUESTS}, window: { sliding: 1m }, onReached: queue, wait: 30s }
  - { scope: "team:search", unit: dollars, amount: \${DOLLARS}, window: { cycle: month, from: 2026-01-15 } }
  - { scope: each:key, unit: concurrency, amount: 8, onReached: { downgrade: fast } }
upstreams:
  openai:
    dialect: openai
    baseUrl: https://api.openai.com
    apiKey: \${OPENAI_API_KEY}
    headers: { X-Team: search, x-version: 2 }
  pool:
    engine: vllm
    replicas: [http://10.0.0.1:8000/v1/, http://10.0.0.2:8000]
    region: DE
    accelerator: { kind: H100-SXM, count: 2, dollarsPerHour: 2.950 }
  llama: { engine: llamacpp, baseUrl: "http://127.0.0.1:8080" }
  sim:
    engine: simulated
    model: Llama-3.1-8B
    accelerator: { kind: H100-SXM }
    replicas: 2
    speed: 0.5
models:
  fast:
    deployments:
      - { upstream: pool, model: llama-3.1-8b }
      - { upstream: openai, model: gpt-5-mini }
    route: cheapest
    maxOutputTokens: 4096
    resilience:
      attempts: 2
      connect: 500ms
      firstToken: 1500ms
      total: 5m
      hedge: { after: 1s }
      onCut: continue
      onCallerLeft: { drain: 3s }
      breaker: { within: 60s }
prices:
  - { upstream: pool, model: llama-3.1-8b, input: 0.10, output: "0.400" }
keys:
  - { name: ci, secret: \${CI_KEY}, team: search, user: ana, tags: { project: atlas }, models: [fast] }
  - { name: all, secret: sk-0123456789 }
`
const ENVIRONMENT = {
  ADMIN: 'admin-token',
  OPENAI_API_KEY: 'sk-upstream',
  CI_KEY: '12345678',
  KEY: 'ci',
  REQUESTS: '60',
  DOLLARS: '500',
}

describe('a configuration without a fault', () => {
  const all = good(EVERYTHING, ENVIRONMENT)

  it('is resolved to what the gateway runs on', () => {
    expect(all).toMatchObject({
      listen: { host: '::1', port: 0 },
      dataDirectory: '/var/lib/penstock',
      drainMs: 5_000,
      retainMs: 30 * 86_400_000,
      adminToken: 'admin-token',
      trustCallers: true,
      workers: 2,
      source: 'p.yaml',
    })
  })

  it('has limits as the admin API would read them, with variables in the place of texts and counts', () => {
    expect(all.limits).toEqual([
      {
        scope: { kind: 'organisation' },
        unit: 'dollars',
        amount: 5_000_000_000_000,
        window: {
          kind: 'calendar',
          period: 'month',
          timezone: 'Europe/Berlin',
          form: { calendar: 'month', timezone: 'Europe/Berlin' },
        },
        onReached: { kind: 'stop' },
      },
      {
        scope: { kind: 'key', name: 'ci' },
        unit: 'requests',
        amount: 60,
        window: { kind: 'sliding', lengthMs: 60_000, form: { sliding: '1m' } },
        onReached: { kind: 'queue', waitMs: 30_000 },
      },
      {
        scope: { kind: 'team', name: 'search' },
        unit: 'dollars',
        amount: 500_000_000_000,
        window: { kind: 'cycle', from: Date.UTC(2026, 0, 15), form: { cycle: 'month', from: '2026-01-15' } },
        onReached: { kind: 'stop' },
      },
      {
        scope: { kind: 'each', of: 'key' },
        unit: 'concurrency',
        amount: 8,
        window: { kind: 'total', form: null },
        onReached: { kind: 'downgrade', model: 'fast' },
      },
    ])
  })

  it('has upstreams with the dialects of their engines and URLs with a path', () => {
    const told = all.upstreams.map(({ name, dialects, engine, baseUrls }) => ({ name, dialects, engine, baseUrls }))
    expect(told).toEqual([
      { name: 'openai', dialects: ['openai'], engine: null, baseUrls: ['https://api.openai.com/v1'] },
      {
        name: 'pool',
        dialects: ['openai'],
        engine: 'vllm',
        baseUrls: ['http://10.0.0.1:8000/v1', 'http://10.0.0.2:8000/v1'],
      },
      { name: 'llama', dialects: ['openai', 'anthropic'], engine: 'llamacpp', baseUrls: ['http://127.0.0.1:8080/v1'] },
      { name: 'sim', dialects: ['openai', 'anthropic'], engine: 'simulated', baseUrls: [] },
    ])
    expect(all.upstreams[0]).toMatchObject({ apiKey: 'sk-upstream', headers: { 'x-team': 'search', 'x-version': '2' } })
    expect(all.upstreams[1]?.accelerator).toEqual({ kind: 'H100-SXM', count: 2, dollarsPerHour: 2_950_000_000n })
    expect(all.upstreams[3]?.simulated).toEqual({
      model: 'Llama-3.1-8B',
      accelerator: { kind: 'H100-SXM', count: 1, dollarsPerHour: null },
      replicas: 2,
      speed: 0.5,
    })
  })

  it('has models whose deployments know their upstream', () => {
    expect(all.models).toEqual([
      {
        name: 'fast',
        route: 'cheapest',
        maxOutputTokens: 4096,
        resilience: {
          attempts: 2,
          connectMs: 500,
          timeLimits: { firstTokenMs: 1_500, idleMs: 15_000, totalMs: 300_000 },
          hedgeAfterMs: 1_000,
          onCut: 'continue',
          drainMs: 3_000,
          breaker: { failures: 5, withinMs: 60_000, openMs: 15_000 },
        },
        createdAt: MODIFIED_AT,
        deployments: [
          {
            name: 'pool/llama-3.1-8b',
            upstream: 'pool',
            model: 'llama-3.1-8b',
            dialects: ['openai'],
            engine: 'vllm',
            replicas: 2,
            grams: { perInputToken: expect.any(Number), perOutputToken: expect.any(Number) },
          },
          {
            name: 'openai/gpt-5-mini',
            upstream: 'openai',
            model: 'gpt-5-mini',
            dialects: ['openai'],
            engine: null,
            replicas: 1,
            grams: null,
          },
        ],
      },
    ])
  })

  it('takes a price from its spelling, quoted or not', () => {
    expect(all.prices).toEqual([
      { upstream: 'pool', model: 'llama-3.1-8b', perMillion: { input: '0.1', output: '0.4' } },
    ])
  })

  it('keeps of a key the hash of its secret alone', () => {
    expect(all.keys[0]).toEqual({
      name: 'ci',
      team: 'search',
      user: 'ana',
      tags: { project: 'atlas' },
      models: ['fast'],
      tiers: null,
      secretHash: hashSecret('12345678'),
      createdAt: MODIFIED_AT,
      declared: true,
    })
    expect(all.keys[1]).toMatchObject({ team: null, user: null, tags: {}, models: null })
    expect(JSON.stringify(all.keys)).not.toContain('12345678')
  })

  it.each([
    ['nothing at all', ''],
    ['comments alone', '# nothing\n\n  # here\n'],
    ['an empty mapping', '{}'],
    ['entries with nothing after their colon', 'upstreams:\nmodels:\nprices:\nkeys:\nlimits:\n'],
  ])('has its defaults for %s', (_, text) => {
    expect(good(text)).toMatchObject({
      listen: { host: '127.0.0.1', port: 4000 },
      drainMs: 30_000,
      adminToken: null,
      trustCallers: false,
      retainMs: null,
      upstreams: [],
      models: [],
      prices: [],
      keys: [],
      limits: [],
      plans: [],
      workers: 1,
    })
  })

  it('may be JSON, whose variables stand in quotes', () => {
    const text = JSON.stringify({
      trustCallers: `\${T}`,
      listen: '127.0.0.1:0',
      keys: [{ name: 'a', secret: `\${S:-sk-default}` }],
    })
    const configuration = good(text, { T: 'true' })
    expect(configuration.trustCallers).toBe(true)
    expect(configuration.keys[0]?.secretHash).toBe(hashSecret('sk-default'))
  })

  it.each([
    ['Llama-3.1-8B', 'H100-SXM'],
    ['meta-llama/Llama-3.1-8B-Instruct', 'h100'],
  ])('may simulate what the tables have, spelled %s on %s', (model, kind) => {
    const text = `upstreams: { sim: { engine: simulated, model: ${model}, accelerator: { kind: ${kind} } } }`
    const read = () => ({ text, modifiedAt: 0 })
    expect(loadConfiguration({ path: 'p.yaml', env: {}, read }).configuration?.upstreams[0]?.simulated).toMatchObject({
      model,
    })
    expect(
      loadConfiguration({
        path: 'p.yaml',
        env: {},
        read: () => ({ text: text.replace(model, 'Llama-9'), modifiedAt: 0 }),
      }).faults,
    ).toHaveLength(1)
  })

  it('may repeat itself by anchors', () => {
    const text = 'upstreams:\n  a: &a { dialect: openai, baseUrl: http://a }\n  b: *a\n'
    expect(good(text).upstreams.map(({ name, baseUrls }) => [name, baseUrls])).toEqual([
      ['a', ['http://a/v1']],
      ['b', ['http://a/v1']],
    ])
  })

  it('speaks both dialects where it says so', () => {
    expect(
      good('upstreams: { a: { dialect: [openai, anthropic], baseUrl: http://a } }').upstreams[0]?.dialects,
    ).toEqual(['openai', 'anthropic'])
  })

  it('takes the admin token of the environment where it has none itself', () => {
    expect(good('{}', { PENSTOCK_ADMIN_TOKEN: 'from-environment' }).adminToken).toBe('from-environment')
    expect(good('adminToken: its-own-token', { PENSTOCK_ADMIN_TOKEN: 'from-environment' }).adminToken).toBe(
      'its-own-token',
    )
  })
})

describe('a limit that binds no key of the file', () => {
  const warned = (keys: string, scope: string) => {
    const loaded = load(`keys:\n${keys}limits:\n  - { scope: "${scope}", unit: requests, amount: 5, window: total }\n`)
    return loaded.configuration && loaded.warnings.map(({ path, line }) => `${line} ${path}`)
  }
  const ANA = '  - { name: ana, secret: sk-1234567890123456, team: search }\n'

  it.each(['key:anna', 'team:serach', 'user:ana', 'each:user'])('%s, is warned of', scope => {
    expect(warned(ANA, scope)).toEqual(['4 limits[0].scope'])
  })

  it.each(['key:ana', 'team:search', 'each:team', 'each:key', 'each:run', 'organisation', 'tag:a=b', 'run:x'])(
    '%s, which may bind one, is not',
    scope => expect(warned(ANA, scope)).toEqual([]),
  )

  it('is not warned of where the file has no keys', () => {
    const loaded = load('limits: [{ scope: "key:x", unit: requests, amount: 5, window: total }]\n')
    expect(loaded.configuration && loaded.warnings).toEqual([])
  })
})

describe('the file of a configuration', () => {
  it('that is not there, is a directory or is too large is a fault', () => {
    const large = join(folder, 'large.yaml')
    writeFileSync(large, `# ${'x'.repeat(1_000_001)}`)
    for (const path of [join(folder, 'none.yaml'), folder, large]) {
      const { faults = [] } = loadConfiguration({ path, env: {}, hardware })
      expect(faults.map(({ file, line }) => ({ file, line }))).toEqual([{ file: path, line: 0 }])
    }
  })

  it('gives models and keys the time when it was last changed', () => {
    const path = join(folder, 'dated.yaml')
    writeFileSync(
      path,
      'upstreams: { a: { dialect: openai, baseUrl: http://a } }\nmodels: { m: { deployments: [{ upstream: a, model: x }] } }\n',
    )
    utimesSync(path, 1_700_000_000, 1_700_000_000)
    expect(loadConfiguration({ path, env: {}, hardware }).configuration?.models[0]?.createdAt).toBe(1_700_000_000_000)
  })

  it('is the one that was asked for, else that of the environment, else penstock.yaml if there is one', () => {
    const workingDirectory = mkdtempSync(join(folder, 'cwd-'))
    const env = { PENSTOCK_CONFIG: 'from-environment.yaml' }
    expect(findConfigurationFile({ asked: 'asked.yaml', env, workingDirectory })).toBe('asked.yaml')
    expect(findConfigurationFile({ asked: undefined, env, workingDirectory })).toBe('from-environment.yaml')
    expect(findConfigurationFile({ asked: undefined, env: {}, workingDirectory })).toBeNull()
    writeFileSync(join(workingDirectory, 'penstock.yaml'), '')
    expect(findConfigurationFile({ asked: undefined, env: {}, workingDirectory })).toBe(
      join(workingDirectory, 'penstock.yaml'),
    )
  })

  it.each(['penstock.yaml', 'failover/penstock.yaml', 'rehearsal/penstock.yaml', 'fleet/penstock.yaml'])(
    'that stands as an example has no fault: %s',
    name => {
      const loaded = loadConfiguration({ path: join(import.meta.dirname, '../../../examples', name), env: {} })
      expect(loaded.faults).toBeUndefined()
      expect(loaded.configuration && loaded.warnings).toEqual([])
    },
  )

  it('that shows every setting says the usual resilience, and means it', () => {
    const path = join(import.meta.dirname, '../../../examples/penstock.yaml')
    const { configuration } = loadConfiguration({ path, env: {} })
    expect(configuration?.upstreams).toHaveLength(4)
    expect(configuration?.limits).toHaveLength(8)
    expect(configuration?.models.find(({ name }) => name === 'fast')?.resilience).toEqual({
      ...DEFAULT_RESILIENCE,
      timeLimits: {
        ...DEFAULT_RESILIENCE.timeLimits,
        firstTokenMs: DEFAULT_FIRST_TOKEN_MS,
        idleMs: DEFAULT_IDLE_MS,
      },
    })
  })

  it('configures nothing when there is none', () => {
    const { configuration } = loadConfiguration({ path: null, env: {}, hardware })
    expect(configuration).toMatchObject({ source: 'embedded', upstreams: [], models: [] })
  })
})
