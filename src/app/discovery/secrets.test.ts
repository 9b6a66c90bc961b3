import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { Key } from '../../vocabulary/caller.ts'
import { createRegistry } from '../registry/registry.ts'
import { adminTokenFile, ensureAdminToken, readAdminToken } from './adminToken.ts'
import { embeddedConfiguration } from './embedded.ts'
import { curlLine, ensureFirstKey, firstKeyFile, urlOnThisMachine } from './firstKey.ts'

const root = mkdtempSync(join(tmpdir(), 'penstock-secrets-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let directory: string
let notes: string[]
beforeEach(() => {
  directory = join(mkdtempSync(join(root, 'd-')), 'data')
  notes = []
})
const note = (sentence: string) => notes.push(sentence)
const modeOf = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the admin token', () => {
  it('is made once, for its owner alone, and is the same at every start', () => {
    const token = ensureAdminToken(directory, note)
    expect(token).toMatch(/^pen-admin-[\w-]{43}$/)
    expect(modeOf(adminTokenFile(directory))).toBe('600')
    expect(modeOf(directory)).toBe('700')
    expect(readFileSync(adminTokenFile(directory), 'utf8')).toBe(`${token}\n`)
    expect([ensureAdminToken(directory), readAdminToken(directory)]).toEqual([token, token])
    expect(readdirSync(directory)).toEqual(['admin-token'])
    expect(notes).toEqual([])
  })

  it('is another one for another directory', () => {
    expect(ensureAdminToken(directory)).not.toBe(ensureAdminToken(join(directory, 'other')))
  })

  it('may be written by hand', () => {
    mkdirSync(directory)
    writeFileSync(adminTokenFile(directory), '  my-own-token\n\n', { mode: 0o600 })
    expect(ensureAdminToken(directory)).toBe('my-own-token')
  })

  it('that others could read is closed to them, and that is told', () => {
    const token = ensureAdminToken(directory)
    chmodSync(adminTokenFile(directory), 0o640)
    expect(ensureAdminToken(directory, note)).toBe(token)
    expect(modeOf(adminTokenFile(directory))).toBe('600')
    expect(notes).toEqual([expect.stringContaining('could be read by others')])
    expect(notes.join()).not.toContain(token)
  })

  it('is made anew where the file is empty, and that is told', () => {
    mkdirSync(directory)
    writeFileSync(adminTokenFile(directory), '\n', { mode: 0o644 })
    expect(readAdminToken(directory)).toBeNull()
    const token = ensureAdminToken(directory, note)
    expect(token).toMatch(/^pen-admin-/)
    expect(readAdminToken(directory)).toBe(token)
    expect(modeOf(adminTokenFile(directory))).toBe('600')
    expect(notes.some(line => line.includes('was empty'))).toBe(true)
  })

  it.each([
    ['two words', 'two words'],
    ['too little', 'short'],
    ['far too much', 'x'.repeat(5_000)],
  ])('is not taken from a file with %s', (_, text) => {
    mkdirSync(directory)
    writeFileSync(adminTokenFile(directory), text, { mode: 0o600 })
    expect(() => ensureAdminToken(directory)).toThrow('holds no secret')
    expect(readFileSync(adminTokenFile(directory), 'utf8')).toBe(text)
  })

  it('is not taken from what is no plain file', () => {
    mkdirSync(directory)
    writeFileSync(join(directory, 'elsewhere'), 'a-good-secret', { mode: 0o600 })
    symlinkSync(join(directory, 'elsewhere'), adminTokenFile(directory))
    expect(() => ensureAdminToken(directory)).toThrow('no plain file')
  })

  it('is not there for commands before a gateway made it', () => {
    expect(readAdminToken(directory)).toBeNull()
    expect(existsSync(directory)).toBe(false)
  })
})

describe('the first key', () => {
  const kept = new Map<string, Key>()
  beforeEach(() => kept.clear())
  let drawn = 0

  /** The registry of one start over the same store. */
  async function start() {
    const embedded = await embeddedConfiguration({
      env: {},
      models: [],
      now: 0,
      probe: async () => ({ engines: [], notes: [] }),
    })
    if (!embedded.configuration) throw new Error('nothing was configured')
    const keyStore = {
      keys: () => [...kept.values()],
      create: async (key: Key) => !kept.has(key.name) && Boolean(kept.set(key.name, key)),
      revoke: async (name: string) => kept.delete(name),
    }
    const randomBytes = (count: number) => new Uint8Array(count).fill(++drawn)
    return createRegistry({ configuration: embedded.configuration, keyStore, now: () => 1, randomBytes })
  }

  it('opens the gateway at every start with the same secret', async () => {
    const first = await ensureFirstKey({ dataDirectory: directory, registry: await start() })
    expect(first.name).toBe('first')
    expect(modeOf(firstKeyFile(directory))).toBe('600')
    const registry = await start()
    expect(await ensureFirstKey({ dataDirectory: directory, registry })).toEqual(first)
    expect(registry.authenticate(first.secret)?.name).toBe('first')
    expect(kept.size).toBe(1)
  })

  it.each(['revoked', 'lost', 'emptied'] as const)('that was %s is followed by one that works', async how => {
    const before = await ensureFirstKey({ dataDirectory: directory, registry: await start() })
    if (how === 'revoked') await (await start()).revokeKey('first')
    if (how === 'lost') rmSync(firstKeyFile(directory))
    if (how === 'emptied') writeFileSync(firstKeyFile(directory), '')
    const registry = await start()
    const after = await ensureFirstKey({ dataDirectory: directory, registry })
    expect(after.secret).not.toBe(before.secret)
    expect(registry.authenticate(after.secret)?.name).toBe(after.name)
    expect(after.name).toBe(how === 'revoked' ? 'first' : 'first-2')
    expect(registry.authenticate(before.secret)).toEqual(how === 'revoked' ? null : kept.get('first'))
  })
})

describe('the curl line', () => {
  it('is one line that a shell reads as it was meant', () => {
    const line = curlLine({ url: 'http://127.0.0.1:4000', secret: 'sk-pen-x', model: `it's "m" $HOME \\` })
    expect(line).toBe(
      `curl -i http://127.0.0.1:4000/v1/chat/completions -H 'authorization: Bearer sk-pen-x' -H 'content-type: application/json' ` +
        `-d '{"model":"it'\\''s \\"m\\" $HOME \\\\","messages":[{"role":"user","content":"Say hello."}]}'`,
    )
  })

  it.each([
    ['127.0.0.1', 'http://127.0.0.1:4000'],
    ['0.0.0.0', 'http://127.0.0.1:4000'],
    ['::', 'http://[::1]:4000'],
    ['::1', 'http://[::1]:4000'],
    ['gateway.example.com', 'http://gateway.example.com:4000'],
  ])('asks a gateway on %s at %s', (host, url) => {
    expect(urlOnThisMachine({ host, port: 4000 })).toBe(url)
  })
})
