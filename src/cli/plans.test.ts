import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ADMIN_TOKEN, askAdmin, openStage, type Stage } from '../control/stage.fixture.ts'
import { runPenstock } from './penstock.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-cli-plans-'))

let stage: Stage
beforeAll(async () => {
  stage = await openStage()
  const limits = [{ scope: 'each:user', unit: 'requests', grants: [{ id: 'g', amount: 9, createdAt: '2026-01-01' }] }]
  await askAdmin(stage, 'plans', { body: { name: 'users', subscribers: ['key:ci'], limits } })
})
afterAll(async () => {
  await stage.close()
  rmSync(folder, { recursive: true, force: true })
})

const penstock = (...args: readonly string[]) =>
  runPenstock(['plans', ...args], { cwd: folder, env: { PENSTOCK_URL: stage.url, PENSTOCK_ADMIN_TOKEN: ADMIN_TOKEN } })

describe('penstock plans', () => {
  it('lists each limit of each plan with what is used and left, and plans of which nobody has used anything', async () => {
    const table = await penstock()
    expect([table.code, table.err]).toEqual([0, ''])
    expect(table.out).toMatch(/│ team +│ included │ plan:team │ dollars │ calendar month in UTC │ +0 │ +0 │ +1 │ +1 │/)
    expect(table.out).toMatch(/│ team +│ overflow │ plan:team │ dollars │ total +│ +0 │ +0 │ +2 │ +2 │ +│/)
    expect(table.out).toMatch(/│ users │ +│ +│/)
  })

  it('prints them as JSON and as CSV too', async () => {
    const { plans } = JSON.parse((await penstock('--format', 'json')).out)
    expect(plans).toMatchObject([
      { name: 'team', states: [{ part: 'included' }, { part: 'overflow' }] },
      { name: 'users' },
    ])
    expect((await penstock('--format', 'csv')).out).toMatch(
      /^plan,part,scope,.*\nteam,included,plan:team,dollars,"\{""calendar"":""month""\}",1,0,0,1,.*\nteam,overflow,.*\nusers,/,
    )
  })

  it('grants credits of dollars and of counts, shows them, and ends them', async () => {
    const bought = ['--id', 'bought', '--amount', '2.50', '--expires', '2030-01-01', '--priority', '7']
    const made = JSON.parse((await penstock('grant', 'team', ...bought, '--format', 'json')).out)
    expect(made).toMatchObject({ id: 'bought', amount: '2.5', priority: 7, expiresAt: '2030-01-01T00:00:00.000Z' })
    const counted = await penstock('grant', 'users', '--amount', '5', '--kind', 'promotional')
    expect([counted.code, counted.out]).toEqual([0, expect.stringMatching(/│ each:user │ requests │ promotional │/)])
    expect((await penstock('grants', 'team')).out).toMatch(
      /│ bought +│ plan:team │ dollars │ prepaid │ +7 │ +0 │ +2\.5 │/,
    )
    const ended = await penstock('revoke', 'team', 'bought')
    expect([ended.code, ended.out]).toEqual([0, "the grant 'bought' of the plan 'team' is ended\n"])
  })

  it.each([
    [['grant', 'team', '--amount', 'much'], 2, 'amount: expected dollars'],
    [
      ['grant', 'team', '--amount', '1', '--priority', 'high', '--kind', 'free'],
      2,
      'priority: expected a whole number',
    ],
    [['grant', 'team'], 2, '--amount'],
    [['grant', 'none', '--amount', '1'], 1, "there is no plan 'none'"],
    [['grants', 'none'], 1, "there is no plan 'none'"],
    [['revoke', 'team', 'first'], 1, 'stands in the plan'],
    [['revoke', 'team', 'none'], 1, "no grant 'none'"],
  ])('%j ends with %i and a sentence', async (args, code, told) => {
    const ran = await penstock(...args)
    expect([ran.code, ran.out]).toEqual([code, ''])
    expect(ran.err).toContain(told)
  })
})
