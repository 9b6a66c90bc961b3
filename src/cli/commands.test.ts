import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, openStage, plainReceipt, recordOf, type Stage } from '../control/stage.fixture.ts'
import { runPenstock } from './penstock.fixture.ts'

const [PLAIN] = recordOf(0).attempts
const ROUTE = {
  by: 'cheapest',
  candidates: [{ deployment: 'mock/check-chat', score: 1_500_000, dollars: 1_500_000n }],
  passedOver: [{ deployment: 'old/chat', why: 'its breaker is open' }],
} as const
const PLACED = { expectedCachedTokens: 150, spill: null }
const SPILL = {
  why: 'full',
  expectedMs: 9_000,
  targetMs: 1_000,
  harmDollars: 10_000_000n,
  moreDollars: 2_000n,
} as const
const RECORDS = [
  recordOf(0),
  recordOf(1, {
    tier: 'batch',
    queueMs: 12.5,
    attempts: [
      { ...PLAIN!, replica: 0, route: ROUTE, outcome: 'cut', dollars: 700_000n, placement: PLACED },
      { ...PLAIN!, replica: 1, placement: { expectedCachedTokens: null, spill: SPILL } },
    ],
  }),
  recordOf(2, { model: 'a,"b"' }),
]
const [FIRST, SECOND] = RECORDS
const folder = mkdtempSync(join(tmpdir(), 'penstock-cli-'))
const dataDirectory = join(folder, 'data')

let stage: Stage
/** What the stage's other paths were asked, with whose key. */
const asked: string[] = []

beforeAll(async () => {
  mkdirSync(dataDirectory)
  writeFileSync(join(dataDirectory, 'admin-token'), `${ADMIN_TOKEN}\n`, { mode: 0o600 })
  stage = await openStage(RECORDS, (request, response) => {
    asked.push(`${request.url} ${request.headers.authorization}`)
    if (request.url === `/v1/receipts/${FIRST!.id}` && request.headers.authorization === 'Bearer caller-key') {
      response.setHeader('content-type', 'application/json').end(JSON.stringify(plainReceipt(FIRST!)))
    } else if (request.url?.startsWith('/page')) response.end('<html>')
    else response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"no such receipt"}}')
  })
})
afterAll(async () => {
  await stage.close()
  rmSync(folder, { recursive: true, force: true })
})
beforeEach(() => {
  asked.length = 0
})

/** Runs a command against the stage; `env` is all that it knows of Penstock's variables besides. */
const penstock = (args: readonly string[], env: Record<string, string> = {}) =>
  runPenstock(args, { cwd: folder, env: { PENSTOCK_URL: stage.url, ...env } })

/** The same with the data directory of the stage. */
const onStage = (args: readonly string[], env?: Record<string, string>) =>
  penstock([...args, '--data', dataDirectory], env)

describe('wrong usage', () => {
  it.each([
    ['an unknown command', ['no-such-command'], 'no-such-command'],
    ['a name of every object', ['constructor'], 'constructor'],
    ['an unknown option', ['usage', '--no-such-flag'], '--no-such-flag'],
    ['a missing argument', ['receipt'], 'id'],
    ['an argument too many', ['usage', 'more'], 'too many arguments'],
    ['a missing option', ['key', 'create'], '--name'],
    ['an unknown format', ['usage', '--format', 'xml'], 'xml'],
    ['a tag without a value', ['key', 'create', '--name', 'x', '--tag', 'project'], 'NAME=VALUE'],
    ['a URL that is none', ['usage', '--url', 'localhost:4000'], '--url localhost:4000'],
  ])('%s ends with 2, says so and prints nothing else', async (_, args, told) => {
    const { code, out, err } = await onStage(args)
    expect([code, out]).toEqual([2, ''])
    expect(err).toContain(told)
    expect(err).not.toMatch(/^\s+at /m)
  })

  it('no command at all shows the help and ends with 2; asked for, it ends with 0', async () => {
    expect((await penstock([])).code).toBe(2)
    const help = await penstock(['--help'])
    expect(help.code).toBe(0)
    for (const name of [
      'serve',
      'check',
      'key',
      'usage',
      'receipt',
      'limits',
      'plans',
      'fleet',
      'status-line',
      'replay',
    ])
      expect(help.out).toContain(name)
    expect((await penstock(['--version'])).out).toMatch(/^\d+\.\d+\.\d+\n$/)
  })
})

describe('a gateway that does not help', () => {
  it.each([
    ['is not there', ['--url', 'http://127.0.0.1:1'], {}, 'no gateway answers at http://127.0.0.1:1'],
    ['is something else', ['--url', 'STAGE/page'], {}, 'is it a Penstock?'],
    ['does not know the token', [], { PENSTOCK_ADMIN_TOKEN: 'another-token' }, 'PENSTOCK_ADMIN_TOKEN'],
  ])('because it %s: 1, with a sentence', async (_, args, env, told) => {
    const { code, out, err } = await onStage(['usage', ...args.map(arg => arg.replace('STAGE', stage.url))], env)
    expect([code, out]).toEqual([1, ''])
    expect(err).toContain(told)
    expect(err).not.toMatch(/^\s+at /m)
  })

  it('tells every fault that the gateway found, once: they are those of the arguments', async () => {
    const { code, err } = await onStage(['usage', '--by', 'colour', '--since', 'soon'])
    expect(code).toBe(2)
    expect(err).toMatch(/^by: 'colour' is unknown.*\nsince: .*RFC 3339.*\n$/)
  })

  it('is not asked without a token, and a token that cannot be one is no reason to take another', async () => {
    const none = await penstock(['key', 'list', '--data', join(folder, 'empty')])
    expect(none.code).toBe(1)
    expect(none.err).toContain(join(folder, 'empty', 'admin-token'))
    const wrong = await onStage(['key', 'list'], { PENSTOCK_ADMIN_TOKEN: 'short' })
    expect([wrong.code, wrong.out]).toEqual([2, ''])
    expect(wrong.err).toContain('PENSTOCK_ADMIN_TOKEN')
  })
})

describe('penstock key', () => {
  it('makes a key whose secret is all that stands on standard output, lists it without, and revokes it', async () => {
    const made = await onStage([
      'key',
      'create',
      '--name',
      'robot',
      '--team',
      'search',
      '--tag',
      'a=1',
      '--tag',
      'b=x=y',
    ])
    expect(made.code).toBe(0)
    const key = stage.registry.authenticate(made.out.trim())
    expect(key).toMatchObject({ name: 'robot', team: 'search', tags: { a: '1', b: 'x=y' }, models: null })
    for (const format of ['table', 'json', 'csv']) {
      const { out } = await onStage(['key', 'list', '--format', format])
      expect(out).toContain('robot')
      expect(out).not.toContain(made.out.trim())
    }
    expect((await onStage(['key', 'revoke', 'robot'])).code).toBe(0)
    expect(stage.registry.authenticate(made.out.trim())).toBeNull()
    const again = await onStage(['key', 'revoke', 'robot'])
    expect([again.code, again.err]).toEqual([1, "there is no key named 'robot'\n"])
  })

  it('tells a made key as JSON, word for word as the API does', async () => {
    const { out } = await onStage([
      'key',
      'create',
      '--name',
      'json',
      '--models',
      'fast',
      '--tier',
      'batch, standard',
      '--format',
      'json',
    ])
    expect(JSON.parse(out)).toMatchObject({
      name: 'json',
      models: ['fast'],
      tiers: ['batch', 'standard'],
      secret: expect.any(String),
    })
    expect((await onStage(['key', 'list'])).out).toContain('["batch","standard"]')
    expect((await onStage(['key', 'revoke', 'json'])).code).toBe(0)
    const none = await onStage(['key', 'create', '--name', 'json', '--tier', 'night'])
    expect([none.code, none.err]).toEqual([2, expect.stringContaining("there is no tier 'night'")])
  })

  it('fails for a name that is taken and for a declared key', async () => {
    expect((await onStage(['key', 'create', '--name', 'ci'])).err).toContain("already a key named 'ci'")
    const { code, err } = await onStage(['key', 'revoke', 'ci'])
    expect(code).toBe(1)
    expect(err).toContain('declared in the configuration')
  })
})

describe('penstock usage', () => {
  it('prints as JSON what the API says', async () => {
    const { code, out } = await onStage(['usage', '--by', 'model', '--format', 'json'])
    const answer = await fetch(`${stage.url}/admin/v1/usage?by=model`, {
      headers: { authorization: `Bearer ${ADMIN_TOKEN}` },
    })
    expect(code).toBe(0)
    expect(JSON.parse(out)).toEqual(await answer.json())
  })

  it("prints as CSV the API's columns, quoted as RFC 4180 says, and no total among the rows", async () => {
    const { out } = await onStage(['usage', '--by', 'model,tag:project', '--format', 'csv'])
    const lines = out.trimEnd().split('\n')
    expect(lines[0]).toBe(
      'model,tag:project,requests,inputTokens,cachedInputTokens,outputTokens,dollars,wastedDollars,unratedAttempts',
    )
    expect(lines.slice(1)).toEqual(['fast,,2,2000,400,200,0.003,0,0', '"a,""b""",,1,1000,200,100,0.0015,0,0'])
  })

  it('prints as a table the rows and their total, without colours', async () => {
    const { out } = await onStage(['usage'])
    expect(out).toMatch(/│ fast +│ +2 │/)
    expect(out).toMatch(/│ total +│ +3 │/)
    expect(out).not.toContain('\u001b')
  })
})

describe('penstock receipt', () => {
  it('prints as JSON what the API says, as a table every field, as CSV a line for each attempt', async () => {
    const json = await onStage(['receipt', FIRST!.id, '--format', 'json'])
    expect(JSON.parse(json.out)).toEqual(JSON.parse(JSON.stringify(plainReceipt(FIRST!))))
    const table = await onStage(['receipt', FIRST!.id])
    for (const told of [FIRST!.id, 'mock/check-chat', '0.0015', '1000']) expect(table.out).toContain(told)
    const csv = await onStage(['receipt', FIRST!.id, '--format', 'csv'])
    expect(csv.out.trimEnd().split('\n')).toHaveLength(2)
    expect(csv.out).toContain(
      `${FIRST!.id},2026-03-01T00:00:00.000Z,fast,completed,200,mock/check-chat,completed,1000,200,100`,
    )
  })

  it('shows attempts in their order, and who was asked and who passed over and why', async () => {
    const { out } = await onStage(['receipt', SECOND!.id])
    expect(out).toMatch(/│ +1 │ mock\/check-chat │ +0 │ cut +│ +200 │.*│ +0\.0007 │/)
    expect(out).toMatch(/│ +2 │ mock\/check-chat │ +1 │ completed +│ +200 │.*│ +0\.0015 │/)
    expect(out).toMatch(/│ +1 │ cheapest +│ 1 +│ mock\/check-chat │ +1500000 │ +0\.0015 │ +│/)
    expect(out).toMatch(/│ +1 │ cheapest +│ passed over +│ old\/chat +│ +│ +│ its breaker is open +│/)
    expect(out).toMatch(/│ tier +│ batch +│/)
    expect(out).toMatch(/│ queueMs +│ 12\.5 +│/)
    expect(out).toMatch(/│ +2 │ full │ +9000 │ +1000 │ +0\.01 │ +0\.000002 │/)
    expect((await onStage(['receipt', FIRST!.id])).out).not.toMatch(/replica|Routes|Spills|expectedCachedTokens/)
    const csv = await onStage(['receipt', SECOND!.id, '--format', 'csv'])
    expect(
      csv.out
        .trimEnd()
        .split('\n')
        .slice(1)
        .map(line => line.split(',').slice(-5)),
    ).toEqual([
      ['0.0007', '0', 'batch', '12.5', '150'],
      ['0.0015', '1', 'batch', '12.5', ''],
    ])
  })

  it('that is not there ends with 1', async () => {
    const { code, out, err } = await onStage(['receipt', 'pen_nothing'])
    expect([code, out, err]).toEqual([1, '', "there is no receipt 'pen_nothing'\n"])
  })

  it.each([
    ['--key says so', ['--key', 'caller-key'], {}, true],
    ['there is no admin token', [], { PENSTOCK_KEY: 'caller-key' }, false],
    [
      "the admin token is another gateway's",
      [],
      { PENSTOCK_KEY: 'caller-key', PENSTOCK_ADMIN_TOKEN: 'of-another' },
      true,
    ],
  ])('is read as its caller when %s', async (_, args, env, withData) => {
    const where = withData ? dataDirectory : join(folder, 'empty')
    const { code, out } = await penstock(['receipt', FIRST!.id, '--format', 'json', '--data', where, ...args], env)
    expect([code, JSON.parse(out).id]).toEqual([0, FIRST!.id])
    expect(asked).toEqual([`/v1/receipts/${FIRST!.id} Bearer caller-key`])
  })

  it('is read as the admin when a token is at hand, whatever key is in the environment', async () => {
    const { code } = await onStage(['receipt', FIRST!.id], { PENSTOCK_KEY: 'caller-key' })
    expect([code, asked]).toEqual([0, []])
  })

  it('without a key and a token says what was looked for', async () => {
    const { code, err } = await penstock(['receipt', FIRST!.id, '--data', join(folder, 'empty')])
    expect(code).toBe(1)
    expect(err).toContain('PENSTOCK_KEY')
  })
})

describe('penstock check', () => {
  it('of a file that is not there, and of none at all, ends with 2', async () => {
    for (const args of [['--config', 'nothing.yaml'], []]) {
      const { code, out, err } = await penstock(['check', ...args])
      expect([code, out]).toEqual([2, ''])
      expect(err).toContain(args[1] ?? 'penstock.yaml')
    }
  })

  it('names every fault of a file and ends with 2, or says that it is good', async () => {
    const faulty = join(folder, 'faulty.yaml')
    writeFileSync(faulty, 'listen: nowhere\ncolour: red\n')
    const wrong = await penstock(['check', '--config', faulty])
    expect([wrong.code, wrong.out]).toEqual([2, ''])
    expect(wrong.err).toMatch(/listen/)
    expect(wrong.err).toMatch(/colour/)
    writeFileSync(join(folder, 'penstock.yaml'), 'listen: 127.0.0.1:0\n')
    const good = await penstock(['check'])
    expect([good.code, good.err]).toEqual([0, ''])
    expect(good.out).toContain('no fault')
  })
})
