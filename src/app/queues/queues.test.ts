import { describe, expect, it } from 'vitest'
import { must } from '../outages/attempts.fixture.ts'
import { checkAnswer, checkDeadline, checkReceipt, checkSent, toldBy } from './calls.fixture.ts'
import { planOf } from './draw.fixture.ts'
import { Watcher } from './look.fixture.ts'
import { checkShares } from './shares.fixture.ts'
import { Day } from './world.fixture.ts'

const [FIRST, LAST] = (process.env.SEEDS ?? '1-200').split('-').map(Number) as [number, number]
/** Far longer than they take, since nothing here is about time. */
const TIMEOUT_MS = 3_000_000

const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

async function checkRest(day: Day): Promise<void> {
  const { site, places, health, plan, desk } = day
  for (const { engine, before, upstream } of site.slots) {
    for (const { open } of [engine, ...before]) must(open.size === 0, `${open.size} open at ${upstream}`)
  }
  must(
    places.waiting.size === 0 && places.held.size === 0,
    `${places.waiting.size} wait, ${places.held.size} places are held`,
  )
  for (const { replicas } of desk.report().upstreams) {
    for (const { inFlight, url } of replicas) must(inFlight === 0, `${inFlight} in flight at ${url}`)
  }
  for (const { waiting } of desk.report().tiers) must(waiting === 0, `${waiting} wait`)
  for (const model of plan.models) {
    for (const deployment of model.deployments) {
      const outstanding = health.of(model, deployment).outstanding()
      must(outstanding === 0, `${outstanding} outstanding at ${deployment.name}`)
    }
  }
  const views = await day.views()
  for (const { scope, unit, held } of views) must(held === 0, `${held} held of ${scope} in ${unit}`)
  const timers = await day.timersLeft()
  must(timers === 0, `${timers} timers are left`)
}

async function live(seed: number): Promise<void> {
  const watcher = new Watcher()
  const day = new Day(planOf(seed), watcher)
  await day.play()
  const told = toldBy(day)
  for (const each of told) {
    checkAnswer(each)
    checkReceipt(each, day)
    checkDeadline(each, day)
    if (each.error !== null) count(`error ${each.error}`)
    for (const attempt of each.record?.attempts ?? []) count(`attempt ${attempt.outcome}`)
  }
  checkSent(day)
  checkShares(day)
  for (const what of watcher.seen) count(what)
  for (const what of day.site.struck) count(what)
  await checkRest(day)
}

describe('seeded days', () => {
  it(
    'hold',
    async () => {
      const faults: string[] = []
      for (let seed = FIRST; seed <= LAST; seed++) {
        try {
          await live(seed)
        } catch (error) {
          faults.push(`seed ${seed}: ${(error as Error).message}${(error as Error).message.includes('`') ? '' : ''}`)
          if (process.env.STACK) faults.push((error as Error).stack!)
          if (faults.length > 40) break
        }
      }
      console.log(
        [...reached]
          .sort()
          .map(x => x.join(' '))
          .join('\n'),
      )
      expect(faults).toEqual([])
    },
    TIMEOUT_MS,
  )
})
