import { describe, expect, it } from 'vitest'
import { FAULT_KINDS } from '../../engines/faults/plan.ts'
import { ATTEMPT_OUTCOMES, CALL_OUTCOMES } from '../../vocabulary/outcome.ts'
import { must, type Told, toldBy } from './attempts.fixture.ts'
import { checkBounds, checkEnds, checkQuiet, checkRetries } from './bounds.fixture.ts'
import { checkBreakers } from './breakers.fixture.ts'
import { planOf } from './draw.fixture.ts'
import { checkRivals, EVENTS, eventsOf, eventsOfBreakers } from './events.fixture.ts'
import { checkHonest } from './honest.fixture.ts'
import { checkLimits, checkMoney } from './money.fixture.ts'
import { checkOutcomes } from './outcomes.fixture.ts'
import { Outage } from './world.fixture.ts'

const SEEDS = 300
/** Far longer than they take, since nothing here is about time. */
const TIMEOUT_MS = 300_000

/** How often each thing was come across, over all histories. */
const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

function checkCall(told: Told, all: readonly Told[], { plan }: Outage): void {
  const { resilience } = plan.model
  checkHonest(told, plan.model)
  checkMoney(told)
  checkOutcomes(told, resilience.timeLimits.totalMs!)
  checkBounds(told, resilience)
  checkEnds(told)
  checkRetries(told, all)
  const { record, tried, lived } = told
  // One that left before anybody was asked has no record, and no answer that would refuse it.
  if (record !== null || lived.caller.heads > 0) count(`call ${record?.outcome ?? 'refused'}`)
  for (const attempt of tried) {
    count(`attempt ${attempt.record.outcome}`)
    if (attempt.asked.fault !== null) count(`fault ${attempt.asked.fault.kind}`)
  }
  for (const event of eventsOf(told, resilience)) count(event)
}

/** All is over: nothing is at work, held, or waited for. */
async function checkRest(outage: Outage): Promise<void> {
  const { plan, upstreams, health } = outage
  must(upstreams.busy === 0, `${upstreams.busy} answers are still written`)
  for (const deployment of plan.model.deployments) {
    const outstanding = health.of(plan.model, deployment).outstanding()
    must(outstanding === 0, `${outstanding} outstanding at ${deployment.name}`)
  }
  const timers = await outage.timersLeft()
  must(timers === 0, `${timers} timers are left`)
}

async function live(seed: number): Promise<void> {
  const plan = planOf(seed)
  const outage = new Outage(plan)
  await outage.play()
  const told = toldBy(outage)
  for (const each of told) checkCall(each, told, outage)
  checkQuiet(told, plan.model)
  checkRivals(told, plan)
  for (const event of eventsOfBreakers(checkBreakers(told, plan.model))) count(event)
  checkLimits(await outage.views(), told)
  await checkRest(outage)
}

describe(`${SEEDS} seeded outages of a whole gateway on a virtual clock`, () => {
  it(
    'leave every caller with an honest answer, every receipt with what was billed, every promise kept and nothing behind',
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
      const outage = new Outage(planOf(7))
      await outage.play()
      return [...outage.lived.values()].map(({ caller }) => [caller.status, caller.text, caller.endedAt])
    }
    expect(await played()).toEqual(await played())
  })

  it.each([
    ...ATTEMPT_OUTCOMES.map(outcome => `attempt ${outcome}`),
    ...CALL_OUTCOMES.map(outcome => `call ${outcome}`),
    ...EVENTS,
  ])('come across: %s', what => expect(reached.get(what) ?? 0).toBeGreaterThan(0))

  it.each(FAULT_KINDS)('strike with: %s', kind => expect(reached.get(`fault ${kind}`) ?? 0).toBeGreaterThan(0))
})
