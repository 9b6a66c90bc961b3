import { beforeEach, describe, expect, it } from 'vitest'
import type { PlanGrant } from '../../ports/limits.ts'
import { BY, CREDITS, DOLLARS, PlansWorld, planOf } from './plans.fixture.ts'

let world: PlansWorld
beforeEach(() => {
  world = new PlansWorld()
})

describe('credits that are granted', () => {
  const declared = planOf(CREDITS)

  it('are drawn after those of a higher priority, of a declared plan too, and are there after restarts', async () => {
    const { plans } = await world.open(declared)
    world.call('1')
    const made = await plans.grant('pro', { id: 'bought', amount: '5', expiresAt: '2027-01-01' }, BY)
    expect(made).toMatchObject({ id: 'bought', amount: 5e9, used: 0, remaining: 5e9, isWritten: false, priority: 50 })
    expect(world.call('1')).toMatchObject({ overflow: ['pro'] })
    expect(world.call('4')).toMatchObject({ overflow: ['pro'] })
    const drawn = [
      ['first', 2, 0, 0],
      ['bought', 3, 2, 0],
    ]
    expect(await world.grants()).toEqual(drawn)
    await world.checkpoint()
    await world.open(declared)
    expect(await world.grants()).toEqual(drawn)
    expect(world.audits.at(-1)).toMatchObject({
      action: 'create',
      subject: 'grant:bought',
      actor: 'admin',
      before: null,
      after: { plan: 'pro', id: 'bought', amount: '5', expiresAt: '2027-01-01T00:00:00.000Z' },
    })
  })

  it('let a call go on that had no room', async () => {
    const { plans } = await world.open(declared)
    expect(world.call('3').kind).toBe('refuse')
    await plans.grant('pro', { amount: '1' }, BY)
    expect(world.call('3')).toMatchObject({ kind: 'admit', overflow: ['pro'] })
  })

  it('get an id of their own when they have none, and are refused when it is taken', async () => {
    const { plans } = await world.open(declared)
    const ids = []
    for (let i = 0; i < 3; i++) ids.push(((await plans.grant('pro', { amount: '1' }, BY)) as PlanGrant).id)
    expect(new Set(ids).size).toBe(3)
    for (const id of [ids[0], 'first']) expect(await plans.grant('pro', { id, amount: '1' }, BY)).toBe('taken')
    expect(await plans.grant('max', { amount: '1' }, BY)).toBe('unknown')
  })

  it('are ended: what is used stays used, the rest is gone, over restarts too', async () => {
    const { plans } = await world.open(declared)
    await plans.grant('pro', { id: 'gift', amount: '5', priority: 0, kind: 'promotional' }, BY)
    world.call('1')
    world.call('2')
    world.clock.pass(1)
    expect(await plans.revokeGrant('pro', 'gift', BY)).toBe('revoked')
    const left = [
      ['gift', 2, 0, 3],
      ['first', 0, 2, 0],
    ]
    expect(await world.grants()).toEqual(left)
    await world.open(declared)
    expect(await world.grants()).toEqual(left)
    const audited = world.audits.length
    expect(await world.opened!.plans.revokeGrant('pro', 'gift', BY)).toBe('revoked')
    expect(world.audits.length).toBe(audited)
    expect(world.audits.at(-1)).toMatchObject({ action: 'change', subject: 'grant:gift' })
  })

  it('that have not begun are shown whole, and gone when they are ended', async () => {
    const { plans } = await world.open(declared)
    await plans.grant('pro', { id: 'later', amount: '5', createdAt: '2027-01-01' }, BY)
    expect(await world.grants()).toContainEqual(['later', 0, 5, 0])
    expect((await world.states()).at(-1)).toEqual([0, 2])
    expect(await plans.revokeGrant('pro', 'later', BY)).toBe('revoked')
    expect(await world.grants()).toEqual([['first', 0, 2, 0]])
  })

  it('that the plan writes itself are not ended, nor any that nobody granted', async () => {
    const { plans } = await world.open(declared)
    expect([
      await plans.revokeGrant('pro', 'first', BY),
      await plans.revokeGrant('pro', 'none', BY),
      await plans.revokeGrant('max', 'first', BY),
    ]).toEqual(['written', 'unknown', 'unknown'])
  })

  it('go with the limit that they are for', async () => {
    const { plans } = await world.open()
    await plans.create(declared, BY)
    await plans.grant('pro', { id: 'bought', amount: '5' }, BY)
    const without = planOf({ subscribers: ['key:ci'], included: [{ ...DOLLARS, amount: '1' }] })
    await plans.change('pro', () => ({ plan: without }), BY)
    await plans.change('pro', () => ({ plan: declared }), BY)
    expect(await world.grants()).toEqual([['first', 0, 2, 0]])
  })

  it.each<[string, unknown, readonly string[]]>([
    ['no grant', 7, ['']],
    [
      'wrong fields',
      { amount: 7, priority: -1, kind: 'free', expiresAt: 'soon', colour: 1 },
      ['colour', 'amount', 'priority', 'expiresAt', 'kind'],
    ],
    ['an end before its beginning', { amount: '1', expiresAt: '2026-05-31' }, ['expiresAt']],
    ['the id of no limit', { amount: '1', limit: 'lim_1' }, ['limit']],
    ['more than a limit can hold', { amount: '9000000' }, ['amount']],
  ])('with %s are refused with every fault', async (_, value, paths) => {
    const { plans } = await world.open(declared)
    const answer = await plans.grant('pro', value, BY)
    if (typeof answer === 'string' || !('faults' in answer)) throw new Error('expected faults')
    expect(answer.faults.map(({ path }) => path.join('.'))).toEqual(paths)
    expect(await world.grants()).toEqual([['first', 0, 2, 0]])
  })

  it('name their limit where several are made of credits, and are told of none', async () => {
    const grants = [{ id: 'g', amount: 9, createdAt: '2026-01-01' }]
    const two = planOf({ ...CREDITS, limits: [{ scope: 'each:user', unit: 'requests', grants }] })
    const { plans } = await world.open(
      two,
      planOf({ subscribers: ['key:a'], limits: [{ ...DOLLARS, amount: '1' }] }, 'max'),
    )
    expect(await plans.grant('pro', { amount: 5 }, BY)).toMatchObject({ faults: [{ path: ['limit'] }] })
    const [told] = (await plans.grants('pro')) as PlanGrant[]
    expect(told).toMatchObject({ id: 'g', scope: 'each:user', unit: 'requests', remaining: 9, isWritten: true })
    expect(await plans.grant('pro', { amount: 5, limit: told!.limit }, BY)).toMatchObject({ amount: 5 })
    expect(await plans.grant('max', { amount: '5' }, BY)).toMatchObject({ faults: [{ path: [] }] })
  })
})
