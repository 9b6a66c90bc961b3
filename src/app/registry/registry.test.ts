import { describe, expect, it } from 'vitest'
import type { KeyStore } from '../../ports/ledger.ts'
import type { Key } from '../../vocabulary/caller.ts'
import { DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import type { Configuration, DeclaredKey, UpstreamSettings } from '../configuration/configuration.ts'
import { deploymentOf } from '../configuration/deployments.ts'
import { hashSecret } from '../configuration/secret.ts'
import { createRegistry, makeSecret } from './registry.ts'

/** A store that may be told to fail, and that keeps what was made over restarts. */
function memoryStore(initial: readonly Key[] = []): KeyStore & { fail: boolean } {
  const kept = new Map(initial.map(key => [key.name, key]))
  const store = {
    fail: false,
    keys: () => [...kept.values()],
    async create(key: Key) {
      if (store.fail) throw new Error('the disk is full')
      if (kept.has(key.name)) return false
      kept.set(key.name, key)
      return true
    },
    async revoke(name: string) {
      if (store.fail) throw new Error('the disk is full')
      return kept.delete(name)
    },
  }
  return store
}

const declared = (name: string, secret: string): DeclaredKey => ({
  name,
  team: 'search',
  user: null,
  tags: {},
  models: null,
  tiers: null,
  secretHash: hashSecret(secret),
  createdAt: 1,
  declared: true,
})

const hosted: UpstreamSettings = {
  name: 'openai',
  dialects: ['openai'],
  engine: null,
  baseUrls: ['https://api.openai.com/v1'],
  apiKey: 'sk-upstream',
  headers: { 'x-secret': 'hidden' },
  accelerator: null,
  region: null,
  simulated: null,
  maxRunning: null,
  kvEvents: null,
  source: 'configuration',
}

const configuration: Configuration = {
  listen: { host: '127.0.0.1', port: 0 },
  dataDirectory: '/nowhere',
  drainMs: 0,
  adminToken: null,
  trustCallers: false,
  retainMs: null,
  upstreams: [hosted],
  models: ['fast', 'other'].map(name => ({
    name,
    deployments: [deploymentOf(hosted, 'gpt-5-mini'), deploymentOf(hosted, `gpt-${name}`)],
    route: 'inOrder',
    maxOutputTokens: null,
    resilience: DEFAULT_RESILIENCE,
    createdAt: 1,
  })),
  prices: [],
  keys: [declared('ci', 'sk-declared')],
  limits: [],
  plans: [],
  scheduling: { tiers: [], shares: {}, queue: { maxCalls: 0, maxBytes: 0, maxWaitMs: 0 } },
  pools: [],
  workers: 1,
  source: 'penstock.yaml',
}

let drawn = 0
const randomBytes = (count: number) => new Uint8Array(count).fill(++drawn)
const wanted = (name: string) => ({
  name,
  team: 'ads',
  user: 'bo',
  tags: { project: 'x' },
  models: ['fast'],
  tiers: null,
})

function open(keyStore: KeyStore = memoryStore()) {
  const warnings: string[] = []
  const registry = createRegistry({
    configuration,
    keyStore,
    now: () => 42,
    randomBytes,
    warn: line => warnings.push(line),
  })
  return { registry, warnings, keyStore }
}

async function made(registry: ReturnType<typeof open>['registry'], name: string): Promise<string> {
  const result = await registry.createKey(wanted(name))
  if (result === 'taken') throw new Error(`${name} is taken`)
  return result.secret
}

describe('the registry', () => {
  it('knows a declared key by its secret and by nothing near it', () => {
    const { registry } = open()
    expect(registry.authenticate('sk-declared')?.name).toBe('ci')
    for (const wrong of [
      '',
      'sk-declare',
      'sk-declared ',
      'SK-DECLARED',
      hashSecret('sk-declared'),
      'x'.repeat(100_000),
    ]) {
      expect(registry.authenticate(wrong)).toBeNull()
    }
  })

  it('makes keys that work at once and after a restart, and keeps their hash alone', async () => {
    const { registry, keyStore } = open()
    const result = await registry.createKey(wanted('robot'))
    expect(result).toEqual({
      secret: expect.stringMatching(/^sk-pen-[\w-]{32,}$/),
      key: { ...wanted('robot'), createdAt: 42, declared: false, secretHash: expect.stringMatching(/^[0-9a-f]{64}$/) },
    })
    if (result === 'taken') return
    expect(registry.authenticate(result.secret)).toEqual(result.key)
    expect(open(keyStore).registry.authenticate(result.secret)).toEqual(result.key)
    expect(JSON.stringify(keyStore.keys())).not.toContain(result.secret)
  })

  it('makes no key of a name that is taken by a declared, a made or a key that is being made', async () => {
    const { registry } = open()
    expect(await registry.createKey(wanted('ci'))).toBe('taken')
    const both = await Promise.all([registry.createKey(wanted('robot')), registry.createKey(wanted('robot'))])
    expect(both.filter(result => result === 'taken')).toHaveLength(1)
    expect(await registry.createKey(wanted('robot'))).toBe('taken')
  })

  it('makes no key of a name that is none', async () => {
    const { registry } = open()
    for (const name of ['', ' a', 'a b', '-a', 'a/b', 'ä', 'x'.repeat(65)]) {
      await expect(registry.createKey(wanted(name))).rejects.toThrow(RangeError)
    }
  })

  it('lets a key that could not be stored neither work nor take the name', async () => {
    const store = memoryStore()
    const { registry } = open(store)
    store.fail = true
    await expect(registry.createKey(wanted('robot'))).rejects.toThrow('the disk is full')
    expect(registry.keys().map(({ name }) => name)).toEqual(['ci'])
    store.fail = false
    expect(await registry.createKey(wanted('robot'))).toHaveProperty('secret')
  })

  it('revokes a key at once, for good, and only one that was made', async () => {
    const { registry, keyStore } = open()
    const secret = await made(registry, 'robot')
    const revoking = registry.revokeKey('robot')
    expect(registry.authenticate(secret)).toBeNull()
    expect(await revoking).toBe('revoked')
    expect(open(keyStore).registry.authenticate(secret)).toBeNull()
    expect(await registry.revokeKey('robot')).toBe('unknown')
    expect(await registry.revokeKey('ci')).toBe('declared')
    expect(registry.authenticate('sk-declared')?.name).toBe('ci')
  })

  it('asks the store again for a key whose revocation failed, until the store has it removed', async () => {
    const store = memoryStore()
    const { registry } = open(store)
    const secret = await made(registry, 'robot')
    store.fail = true
    for (let tries = 0; tries < 2; tries++) {
      await expect(registry.revokeKey('robot')).rejects.toThrow('the disk is full')
      expect(registry.authenticate(secret)).toBeNull()
      expect(registry.keys().map(({ name }) => name)).toEqual(['ci'])
    }
    store.fail = false
    expect(await registry.createKey(wanted('robot'))).toBe('taken')
    expect(await registry.revokeKey('robot')).toBe('revoked')
    expect(open(store).registry.authenticate(secret)).toBeNull()
    expect(await registry.revokeKey('robot')).toBe('unknown')
    expect(await registry.createKey(wanted('robot'))).toHaveProperty('secret')
  })

  it('tells everyone who revokes a key at once what came of the one removal', async () => {
    const store = memoryStore()
    const { registry } = open(store)
    await made(registry, 'robot')
    store.fail = true
    const failed = await Promise.allSettled([registry.revokeKey('robot'), registry.revokeKey('robot')])
    expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    store.fail = false
    const revoked = [registry.revokeKey('robot'), registry.revokeKey('robot')]
    expect(await registry.createKey(wanted('robot'))).toBe('taken')
    expect(await Promise.all(revoked)).toEqual(['revoked', 'revoked'])
    expect(await registry.revokeKey('robot')).toBe('unknown')
  })

  it('gives a revoked name a new secret, and the old one opens nothing', async () => {
    const { registry } = open()
    const first = await made(registry, 'robot')
    await registry.revokeKey('robot')
    const second = await made(registry, 'robot')
    expect(second).not.toBe(first)
    expect(registry.authenticate(first)).toBeNull()
    expect(registry.authenticate(second)?.name).toBe('robot')
  })

  it('has declared keys win over made ones of the same name or secret, and says so', () => {
    const sameName: Key = { ...declared('ci', 'sk-made-earlier'), declared: false }
    const sameSecret: Key = { ...declared('old', 'sk-declared'), declared: false }
    const { registry, warnings } = open(memoryStore([sameName, sameSecret]))
    expect(registry.authenticate('sk-declared')?.declared).toBe(true)
    expect(registry.authenticate('sk-made-earlier')).toBeNull()
    expect(warnings).toEqual([expect.stringContaining('key ci '), expect.stringContaining('key old ')])
  })

  it('lists keys by name, models in their order, and every deployment once', async () => {
    const { registry } = open()
    await registry.createKey(wanted('a'))
    expect(registry.keys().map(({ name }) => name)).toEqual(['a', 'ci'])
    expect(registry.models().map(({ name }) => name)).toEqual(['fast', 'other'])
    expect(registry.model('fast')).toBe(configuration.models[0])
    expect(registry.model('constructor')).toBeUndefined()
    expect(registry.deployments().map(({ name }) => name)).toEqual([
      'openai/gpt-5-mini',
      'openai/gpt-fast',
      'openai/gpt-other',
    ])
  })

  it('shows upstreams without their key and headers', () => {
    expect(open().registry.upstreams()).toEqual([
      {
        name: 'openai',
        dialects: ['openai'],
        engine: null,
        baseUrls: ['https://api.openai.com/v1'],
        source: 'configuration',
      },
    ])
  })
})

describe('a made secret', () => {
  it('carries every random byte that it was given', () => {
    let counter = 0
    const counting = (count: number) => Uint8Array.from({ length: count }, () => counter++)
    const [first, second] = [makeSecret(counting), makeSecret(counting)]
    expect(Buffer.from(first.slice('sk-pen-'.length), 'base64url')).toEqual(
      Buffer.from(Array.from({ length: 24 }, (_, i) => i)),
    )
    expect(second).not.toBe(first)
  })
})
