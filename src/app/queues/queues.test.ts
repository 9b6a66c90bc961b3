import { describe, expect, it } from 'vitest'
import { must } from '../outages/attempts.fixture.ts'
import { checkAnswer, checkDeadline, checkReceipt, checkSent, toldBy } from './calls.fixture.ts'
import { planOf } from './draw.fixture.ts'
import { EVENTS, eventsOf } from './events.fixture.ts'
import { Watcher } from './look.fixture.ts'
import { checkShares } from './shares.fixture.ts'
import { Day } from './world.fixture.ts'

const SEEDS = 250
/** Far longer than they take, since nothing here is about time. */
const TIMEOUT_MS = 300_000

/** How often each thing was come across, over all days. */
const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

/** All is over: nobody waits, and nothing is at work, held, or waited for. */
async function checkRest(day: Day): Promise<void> {
  const { site, places, health, plan, desk } = day
  for (const { engine, before, upstream } of site.slots) {
    for (const { open } of [engine, ...before]) must(open.size === 0, `${open.size} open at ${upstream}`)
  }
  must(places.waiting.size === 0, `${places.waiting.size} wait`)
  must(places.held.size === 0, `${places.held.size} places are held`)
  const { upstreams, tiers } = desk.report()
  for (const { replicas } of upstreams) {
    for (const { inFlight, url } of replicas) must(inFlight === 0, `${inFlight} in flight at ${url}`)
  }
  for (const { waiting, name } of tiers) must(waiting === 0, `${waiting} wait in ${name}`)
  for (const model of plan.models) {
    for (const deployment of model.deployments) {
      const outstanding = health.of(model, deployment).outstanding()
      must(outstanding === 0, `${outstanding} outstanding at ${deployment.name}`)
    }
  }
  for (const { scope, unit, held } of await day.views()) must(held === 0, `${held} held of ${scope} in ${unit}`)
  const timers = await day.timersLeft()
  must(timers === 0, `${timers} timers are left`)
}

async function live(seed: number): Promise<void> {
  const watcher = new Watcher()
  const day = new Day(planOf(seed), watcher)
  await day.play()
  for (const told of toldBy(day)) {
    checkAnswer(told)
    checkReceipt(told, day)
    checkDeadline(told, day)
    for (const event of eventsOf(told, day)) count(event)
  }
  checkSent(day)
  if (checkShares(day) > 0) count('shares compared')
  for (const what of [...watcher.seen, ...day.site.struck, ...day.deaths]) count(what)
  await checkRest(day)
}

describe(`${SEEDS} seeded days of a gateway with owned engines on a virtual clock`, () => {
  it(
    'fill no engine beyond its places, leave no place free that somebody waits for, share by weight, keep every bound, and leave nothing behind',
    async () => {
      for (let seed = 1; seed <= SEEDS; seed++) {
        try {
          await live(seed)
        } catch (error) {
          throw new Error(`seed ${seed}: ${(error as Error).message}`, { cause: error })
        }
      }
    },
    TIMEOUT_MS,
  )

  it('are the same each time for a seed', async () => {
    const played = async () => {
      const day = new Day(planOf(11), new Watcher())
      await day.play()
      return [...day.lived.values()].map(({ caller }) => [caller.status, caller.text, caller.endedAt])
    }
    expect(await played()).toEqual(await played())
  })

  it.each(EVENTS)('come across: %s', what => expect(reached.get(what) ?? 0).toBeGreaterThan(0))
})
