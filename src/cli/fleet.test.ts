import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, openStage, type Stage } from '../control/stage.fixture.ts'
import { runPenstock } from './penstock.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-cli-fleet-'))

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
})
afterAll(async () => {
  await stage.close()
  rmSync(folder, { recursive: true, force: true })
})

const penstock = (...args: readonly string[]) =>
  runPenstock(['fleet', ...args], { cwd: folder, env: { PENSTOCK_URL: stage.url, PENSTOCK_ADMIN_TOKEN: ADMIN_TOKEN } })

describe('penstock fleet', () => {
  it('shows every replica and every tier', async () => {
    const { code, out, err } = await penstock()
    expect([code, err]).toEqual([0, ''])
    expect(out).toMatch(
      /│ pool +│ +0 │ vllm +│ ready │ +4 │ +64 │ +5 │ +3 │ +0\.42 │ +250\.5 │ +0\.375 │ http:\/\/10\.0\.0\.1/,
    )
    expect(out).toMatch(/│ batch +│ +1 │ +│ +8 │ +1500 │/)
    const csv = (await penstock('--format', 'csv')).out.trimEnd().split('\n')
    expect(csv).toHaveLength(3)
    expect(csv[2]).toBe('pool,1,vllm,ready,0,,,,,,,http://10.0.0.2:8000/v1')
    const json = JSON.parse((await penstock('--format', 'json')).out)
    expect(Object.keys(json)).toEqual(['upstreams', 'tiers'])
  })

  it('drains a replica and resumes it', async () => {
    const drained = await penstock('drain', 'pool/1', '--format', 'json')
    expect([drained.code, JSON.parse(drained.out).state]).toEqual([0, 'draining'])
    expect((await penstock()).out).toMatch(/│ pool +│ +1 │ vllm +│ draining │/)
    const resumed = await penstock('resume', 'pool/1')
    expect([resumed.code, resumed.err]).toEqual([0, ''])
    expect(resumed.out).toMatch(/│ pool +│ +1 │ +│ ready │/)
  })

  it.each([
    [['drain', 'pool/7'], 1, "there is no replica 'pool/7'"],
    [['resume', 'none/0'], 1, "there is no replica 'none/0'"],
    [['drain', 'pool'], 2, 'expected UPSTREAM/REPLICA'],
    [['drain', 'pool/x'], 2, 'expected UPSTREAM/REPLICA'],
    [['resume'], 2, 'replica'],
  ])('%j ends with %i and a sentence', async (args, code, told) => {
    const ran = await penstock(...args)
    expect([ran.code, ran.out]).toEqual([code, ''])
    expect(ran.err).toContain(told)
  })
})
