import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Report } from '../twin/report.ts'
import { parseDraw, parseSweep } from './foreseeOptions.ts'
import { runPenstock } from './penstock.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-foresee-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

const FLEET = file(
  'fleet.yaml',
  `upstreams:
  sim: { engine: simulated, model: Llama-3.1-8B, accelerator: { kind: H100-SXM, count: 1, dollarsPerHour: "2.95" } }
models: { m: { deployments: [{ upstream: sim, model: x }] } }
`,
)
const line = (timestamp: number) =>
  JSON.stringify({ timestamp, input_length: 2_000, output_length: 50, hash_ids: [0, 1, 2, 3] })
const TRACE = file('trace.jsonl', `${Array.from({ length: 40 }, (_, i) => line(i * 50)).join('\n')}\n`)

const foresee = (...args: string[]) => runPenstock(['foresee', TRACE, '--fleet', FLEET, ...args], { cwd: folder })
const json = async (...args: string[]) => {
  const ran = await foresee('--format', 'json', ...args)
  if (ran.code !== 0) throw new Error(ran.err)
  return JSON.parse(ran.out)
}

describe('foresee', () => {
  it('prints one report, the same bytes each time', async () => {
    const [one, other] = await Promise.all([foresee('--format', 'json'), foresee('--format', 'json')])
    expect(one).toEqual(other)
    const report: Report & { policy: string; seed: number } = JSON.parse(one.out)
    expect(report).toMatchObject({ policy: 'penstock', seed: 1, requests: 40, completed: 40 })
    expect(Number(report.dollars)).toBeCloseTo((2.95 * report.durationMs) / 3_600_000, 6)
  })

  it('prints a row for each policy and each value of a sweep, in JSON, as csv and as a table', async () => {
    const asked = ['--policy', 'roundRobin, penstock', '--sweep', 'sim.replicas=1..2']
    const rows: (Report & Record<string, unknown>)[] = await json(...asked)
    expect(rows.map(row => [row['sim.replicas'], row.policy])).toEqual([
      [1, 'roundRobin'],
      [1, 'penstock'],
      [2, 'roundRobin'],
      [2, 'penstock'],
    ])
    const csv = (await foresee('--format', 'csv', ...asked)).out.trimEnd().split('\n')
    expect(csv).toHaveLength(5)
    expect(csv[0]).toMatch(/^policy,sim\.replicas,requests,completed,timeToFirstTokenMs\.p50,/)
    const table = (await foresee(...asked)).out
    expect(table.split('\n').filter(text => /roundRobin|penstock/.test(text))).toHaveLength(4)
  })

  it('writes a page that needs nothing else', async () => {
    const page = join(folder, 'page.html')
    const ran = await foresee('--format', 'html', '--output', page, '--sweep', 'speed=1,2', '--seed', '5')
    expect([ran.code, ran.out]).toEqual([0, ''])
    const text = readFileSync(page, 'utf8')
    expect(text.match(/<svg /g)!.length).toBeGreaterThanOrEqual(7)
    expect(text).toContain('first token within 2000 ms')
    expect(text).toContain('Seed 5')
    expect(text).not.toMatch(/<script|<link|src=|href="http/)
  })

  it('draws tiers and tenants by their shares', async () => {
    const report: Report = await json('--tiers', 'interactive=3,batch=1', '--tenants', 'team:a,team:b')
    expect(Object.keys(report.perTier)).toEqual(['batch', 'interactive'])
    expect(Object.keys(report.perTenant)).toEqual(['team:a', 'team:b'])
    expect(report.perTier.interactive!.requests).toBeGreaterThan(report.perTier.batch!.requests)
  })

  it('plays only as much of the recording as it is told to', async () => {
    const [few, early] = await Promise.all([json('--requests', '3'), json('--duration', '500ms')])
    expect([few.requests, early.requests]).toEqual([3, 11])
  })

  it('tells how far it is where that is wanted, and else only what of its figures is extrapolated', async () => {
    const told = 'figures of sim are extrapolated: an answer of 50 tokens is below the 100 of the calibration\n'
    expect((await foresee('--format', 'json')).err).toBe(told)
  })

  it.each([
    ['no such trace', ['/nowhere/trace.jsonl', '--fleet', FLEET], '/nowhere/trace.jsonl'],
    ['a broken line', [file('broken.jsonl', `${line(0)}\n{"timestamp": 7, "inp\n`), '--fleet', FLEET], 'line 2'],
    ['no fleet', [TRACE], '--fleet'],
    ['a fleet with faults', [TRACE, '--fleet', file('bad.yaml', 'upstraems: {}\n')], 'bad.yaml:1:1: upstraems'],
    ['no such policy', [TRACE, '--fleet', FLEET, '--policy', 'random'], '"random" is none'],
    ['a sweep of nothing', [TRACE, '--fleet', FLEET, '--sweep', 'cores=1..3'], 'UPSTREAM.replicas=2..16'],
    [
      'a sweep of an upstream that is not there',
      [TRACE, '--fleet', FLEET, '--sweep', 'x.replicas=1..3'],
      '--sweep x.replicas',
    ],
    ['a tier that is not there', [TRACE, '--fleet', FLEET, '--tiers', 'gold'], '--tiers gold'],
    ['a model that is not there', [TRACE, '--fleet', FLEET, '--model', 'n'], '--model n'],
  ])('says what is wrong with exit status 2: %s', async (_, args, told) => {
    const ran = await runPenstock(['foresee', ...args], { cwd: folder })
    expect(ran.code).toBe(2)
    expect(ran.err).toContain(told)
    expect(ran.err).not.toMatch(/\n\s+at /)
  })

  it('says which model it wants where the trace names none and the fleet has two', async () => {
    const two = file(
      'two.yaml',
      readFileSync(FLEET, 'utf8').replace(
        'models: { m:',
        'models: { n: { deployments: [{ upstream: sim, model: y }] }, m:',
      ),
    )
    const ran = await runPenstock(['foresee', TRACE, '--fleet', two], { cwd: folder })
    expect([ran.code, ran.err]).toEqual([2, expect.stringContaining('the trace names no model')])
    expect((await runPenstock(['foresee', TRACE, '--fleet', two, '--model', 'n'], { cwd: folder })).code).toBe(0)
  })
})

describe('a sweep', () => {
  it.each([
    ['sim.replicas=2..5', { of: 'replicas', upstream: 'sim', values: [2, 3, 4, 5] }],
    ['replicas=1, 4,8..9', { of: 'replicas', upstream: null, values: [1, 4, 8, 9] }],
    ['speed=0.5,1,2', { of: 'speed', upstream: null, values: [0.5, 1, 2] }],
    ['a.b.replicas=3,3', { of: 'replicas', upstream: 'a.b', values: [3] }],
  ])('%s is read', (text, sweep) => expect(parseSweep(text)).toEqual(sweep))

  it.each([
    '',
    'replicas',
    'replicas=',
    'replicas=0..3',
    'replicas=5..2',
    'replicas=1.5',
    'replicas=1..9999',
    'sim.speed=2',
    'speed=0',
    'a=1',
  ])('%j is none', text => expect(parseSweep(text)).toEqual(expect.any(String)))
})

describe('shares', () => {
  it('are 1 where nothing is said', () => {
    expect(parseDraw('interactive=3, batch')).toEqual([
      { name: 'interactive', share: 3 },
      { name: 'batch', share: 1 },
    ])
  })

  it.each(['', 'a=0', 'a=b', '=2', 'a,a', 'a=1=2'])('%j are none', text => {
    expect(parseDraw(text)).toEqual(expect.any(String))
  })
})
