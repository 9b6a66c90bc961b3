import { beforeEach, describe, expect, it } from 'vitest'
import type { Plan } from '../../vocabulary/plan.ts'
import { BY, CREDITS, DOLLARS, PlansWorld, planOf } from './plans.fixture.ts'

const SEATS = (count: number) => [{ kind: 'business', count, each: '10' }]

let world: PlansWorld
beforeEach(() => {
  world = new PlansWorld()
})

describe('a plan of the configuration', () => {
  it('keeps its use, its seats and when it began over restarts, with and without a checkpoint', async () => {
    const plan = planOf({ subscribers: ['key:ci'], included: [{ ...DOLLARS, seats: SEATS(3) }] })
    await world.open(plan)
    const began = world.opened!.plans.plans()[0]!.createdAt
    world.call('12')
    await world.open(plan)
    expect(await world.states()).toEqual([[12, 30]])
    await world.checkpoint()
    await world.open(plan)
    expect(await world.states()).toEqual([[12, 30]])
    expect(world.opened!.plans.plans()).toMatchObject([{ createdAt: began, readOnly: true }])
    expect(world.audits.map(({ action, subject, actor }) => [action, subject, actor])).toEqual([
      ['create', 'plan:pro', 'configuration'],
    ])
  })

  it('with fewer seats has them from the next period on, over restarts too', async () => {
    const seats = (count: number) =>
      planOf({ subscribers: ['key:ci'], included: [{ ...DOLLARS, seats: SEATS(count) }] })
    await world.open(seats(5))
    world.call('12')
    await world.checkpoint()
    await world.open(seats(2))
    expect(await world.states()).toEqual([[12, 50]])
    await world.checkpoint()
    await world.open(seats(2))
    expect(await world.states()).toEqual([[12, 50]])
    expect(world.audits.at(-1)).toMatchObject({ action: 'change', subject: 'plan:pro', actor: 'configuration' })
    world.clock.pass(31 * 86_400_000)
    expect(await world.states()).toEqual([[0, 20]])
  })

  it('that it declares no more is gone with its limits and their use', async () => {
    const plan = planOf({ subscribers: ['key:ci'], limits: [{ ...DOLLARS, amount: '5' }] })
    await world.open(plan)
    world.call('5')
    await world.checkpoint()
    await world.open()
    expect([...world.disk.limits]).toEqual([])
    expect(world.audits.at(-1)).toMatchObject({ action: 'delete', subject: 'plan:pro', after: null })
    expect(world.call('7').kind).toBe('admit')
    world.clock.pass(1)
    await world.open(plan)
    expect(await world.states()).toEqual([[0, 5]])
  })

  it('is neither changed nor removed nor made again', async () => {
    const plan = planOf(CREDITS)
    const { plans } = await world.open(plan)
    expect([
      await plans.change('pro', () => ({ plan }), BY),
      await plans.remove('pro', BY),
      await plans.create(plan, BY),
      await plans.change('max', () => ({ plan }), BY),
      await plans.remove('max', BY),
    ]).toEqual(['declared', 'declared', 'taken', 'unknown', 'unknown'])
  })
})

describe('a plan that was made', () => {
  it('binds at once, is there after a restart with its use, and is audited from form to form', async () => {
    const { plans } = await world.open()
    await plans.create(planOf(CREDITS), BY)
    expect(world.call('1')).toMatchObject({ kind: 'admit', overflow: [] })
    expect(world.call('1.5')).toMatchObject({ kind: 'admit', overflow: ['pro'] })
    const before = world.opened!.plans.plans()
    await world.open()
    expect(world.opened!.plans.plans()).toEqual(before)
    expect(await world.states()).toEqual([
      [1, 1],
      [1.5, 2],
    ])
    expect(await world.grants()).toEqual([['first', 1.5, 0.5, 0]])
    expect(world.audits).toMatchObject([
      { ...{ action: 'create', subject: 'plan:pro', actor: 'admin', address: '10.0.0.1', before: null } },
    ])
    expect(world.audits[0]!.after).toMatchObject({ subscribers: ['key:ci'], included: [{ amount: '1' }] })
  })

  it('keeps of its limits the use of those that are still in it, whatever their amount', async () => {
    const { plans } = await world.open()
    await plans.create(planOf({ ...CREDITS, limits: [{ ...DOLLARS, amount: '9' }] }), BY)
    world.call('1')
    const revised = await plans.change(
      'pro',
      ({ name }) => ({ plan: planOf({ subscribers: ['key:ci'], included: [{ ...DOLLARS, amount: '4' }] }, name) }),
      BY,
    )
    expect(revised).toMatchObject({ readOnly: false })
    expect(await world.states()).toEqual([[1, 4]])
    expect(world.disk.limits.size).toBe(2)
    await world.open()
    expect(await world.states()).toEqual([[1, 4]])
  })

  it('is changed by two at once one after the other, and left alone by a change that is refused', async () => {
    const { plans } = await world.open()
    await plans.create(planOf(CREDITS), BY)
    const add = (limit: unknown) => (plan: Plan) => {
      const { limits } = planOf({ ...CREDITS, limits: [limit] })
      return { plan: { ...plan, limits: [...plan.limits, ...limits] } }
    }
    await Promise.all([
      plans.change('pro', add({ ...DOLLARS, amount: '8' }), BY),
      plans.change('pro', add({ ...DOLLARS, unit: 'requests', amount: 9 }), BY),
      plans.change('pro', () => ({ faults: [] }), BY),
    ])
    expect(plans.plans()[0]!.plan.limits.map(({ unit }) => unit)).toEqual(['dollars', 'requests'])
  })

  it('is gone with its use, and starts anew when it is made again', async () => {
    const { plans } = await world.open()
    await plans.create(planOf(CREDITS), BY)
    world.call('1')
    await world.checkpoint()
    expect(await plans.remove('pro', BY)).toBe('removed')
    expect([plans.plans(), [...world.disk.limits]]).toEqual([[], []])
    world.clock.pass(1)
    await plans.create(planOf(CREDITS), BY)
    expect(await world.states()).toEqual([
      [0, 1],
      [0, 2],
    ])
    await world.open()
    expect(await world.states()).toEqual([
      [0, 1],
      [0, 2],
    ])
  })

  it('becomes one of the configuration with its use when that declares it', async () => {
    const { plans } = await world.open()
    await plans.create(planOf(CREDITS), BY)
    world.call('1')
    await world.open(planOf({ ...CREDITS, included: [{ ...DOLLARS, amount: '3' }] }))
    expect(world.opened!.plans.plans()).toMatchObject([{ readOnly: true }])
    expect((await world.states())[0]).toEqual([1, 3])
  })

  it.each([0, 1, 2, 3, 4, 5, 6])(
    'whose change the disk breaks off after %i steps is as before or as after',
    async steps => {
      const { plans } = await world.open()
      await plans.create(planOf(CREDITS), BY)
      world.call('1')
      world.clock.pass(1)
      world.budget = steps
      const after = planOf({ subscribers: ['key:ci'], limits: [{ ...DOLLARS, amount: '7' }] })
      const outcome = await plans.change('pro', () => ({ plan: after }), BY).catch(() => 'failed')
      const shown = await world.states()
      world.budget = Number.POSITIVE_INFINITY
      await world.open()
      expect(await world.states()).toEqual(shown)
      expect([
        [
          [1, 1],
          [0, 2],
        ],
        [[0, 7]],
      ]).toContainEqual(shown)
      if (outcome !== 'failed') expect(shown).toEqual([[0, 7]])
      const limits = [...world.disk.limits.keys()].filter(id => id.startsWith('lim_'))
      expect(limits).toHaveLength(shown.length)
    },
  )

  it('that this version cannot read is told with its name', async () => {
    world.disk.limits.set('plan:pro', {
      id: 'plan:pro',
      terms: { plan: { subscribers: ['galaxy'] }, granted: [] },
      createdAt: 0,
      declared: false,
    })
    await expect(world.open()).rejects.toThrow(/the plan pro, which .* subscribers\.0: expected/)
  })
})
