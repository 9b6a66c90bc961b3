import { describe, expect, it } from 'vitest'
import { readWhereabouts } from './whereabouts.ts'

function whereabouts(text: string, env: Record<string, string> = {}) {
  return readWhereabouts({ path: 'p.yaml', env, read: () => ({ text, modifiedAt: 0 }) })
}

const NOWHERE = { listen: null, adminToken: null, dataDirectory: null }

describe('where the gateway of a configuration is', () => {
  it('is told by its file, variables and all', () => {
    const text = `listen: "[::1]:\${PORT:-4001}"\nadminToken: \${TOKEN}\ndata: /var/lib/penstock\n`
    expect(whereabouts(text, { TOKEN: 'admin-token' })).toEqual({
      listen: { host: '::1', port: 4001 },
      adminToken: 'admin-token',
      dataDirectory: '/var/lib/penstock',
    })
  })

  it.each([
    ['nothing', ''],
    ['a list', '- a'],
    ['entries with nothing after their colon', 'listen:\nadminToken:\ndata:\n'],
    ['a token whose variable is not set', `adminToken: \${TOKEN}\n`],
    ['a mapping for a token', 'adminToken: { a: b }\n'],
  ])('is not told by %s', (_, text) => expect(whereabouts(text)).toEqual(NOWHERE))

  it('is told whatever else is wrong with the file', () => {
    const text = `listen: 127.0.0.1:4001\nupstreams: { a: { apiKey: \${NOT_SET}, colour: red } }\nkeys: [\n`
    expect(whereabouts(text)).toEqual({ ...NOWHERE, listen: { host: '127.0.0.1', port: 4001 } })
  })

  it.each([['soon'], [`\${NOT_SET}`], ['""']])('is nowhere else when its address, %s, cannot be read', address => {
    expect(() => whereabouts(`listen: ${address}`)).toThrow('p.yaml: listen cannot be read')
  })

  it('is not told by a file that is not there', () => {
    expect(() => readWhereabouts({ path: '/nowhere/p.yaml', env: {} })).toThrow('there is no such file')
  })
})
