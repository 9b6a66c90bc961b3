import { workOf } from '../../policy/queue/work.ts'
import { must } from '../outages/attempts.fixture.ts'
import type { Asked } from './asked.fixture.ts'
import type { Day } from './world.fixture.ts'

/** A tier, or a tenant in a tier, with what it was given by its weight while it had calls waiting. */
interface Claimant {
  waiting: number
  readonly weight: number
  /** Since it has had calls waiting without a break. */
  given: number
}

interface Step {
  readonly event: number
  readonly asked: Asked
  readonly is: 'asks' | 'starts' | 'goes'
}

/** Work that a call was found to take when it ended, or is taken to take where nobody said. */
function workIn({ ask, end }: Asked): number {
  const { input, output } = ask.tokens
  const expected = workOf({ uncachedTokens: input, outputTokens: output, contextTokens: input }, null)
  const usage = end?.usage
  if (usage == null) return expected
  const { inputTokens, cachedInputTokens, outputTokens } = usage
  return workOf({ uncachedTokens: inputTokens - cachedInputTokens, outputTokens, contextTokens: inputTokens }, null)
}

/** The most that runs at once, in whatever measure of a call is larger. */
function mostRunning(day: Day): number {
  const works = day.places.all.map(asked => {
    const { input, output } = asked.ask.tokens
    return Math.max(workIn(asked), workOf({ uncachedTokens: input, outputTokens: output, contextTokens: input }, null))
  })
  const places = day.plan.pools.reduce((sum, { pool, slots }) => sum + slots * pool.slots, 0)
  return works
    .sort((one, other) => other - one)
    .slice(0, places + 1)
    .reduce((sum, work) => sum + work, 0)
}

/**
 * Of two that both have calls waiting, neither gets more by its weight than the bound of the Virtual Token Counter says,
 * over any interval. Told of one pool of which all is known: who may not go somewhere has no claim to it.
 *
 * @returns how many pairs were compared
 */
export function checkShares(day: Day): number {
  const { plan } = day
  const isPlain =
    plan.pools.length === 1 &&
    plan.incidents.length === 0 &&
    plan.lineMs === null &&
    plan.pools[0]!.pool.kvTokens === null
  if (!isPlain) return 0
  const bound = 2 * mostRunning(day)
  const weightOf = (tier: string) => plan.terms.tiers.find(({ name }) => name === tier)!.weight
  const shareOf = (tenant: string) => plan.terms.shares[tenant] ?? 1
  const steps = stepsOf(day)
  let pairs = compared(steps, bound, ({ ask }) => ({ name: ask.tier, weight: weightOf(ask.tier) }))
  for (const { name: tier } of plan.terms.tiers) {
    const ofTier = steps.filter(({ asked }) => asked.ask.tier === tier)
    pairs += compared(ofTier, bound, ({ ask }) => ({ name: ask.tenant, weight: shareOf(ask.tenant) }))
  }
  return pairs
}

function stepsOf({ places }: Day): readonly Step[] {
  const steps = places.all.flatMap((asked): Step[] => {
    const asks: Step = { event: asked.event, asked, is: 'asks' }
    if (asked.answer === null) return [asks, { event: asked.leftEvent, asked, is: 'goes' }]
    return [asks, { event: asked.answerEvent, asked, is: asked.answer.kind === 'place' ? 'starts' : 'goes' }]
  })
  return steps.sort((one, other) => one.event - other.event)
}

/** How far two were ever apart, over all intervals in which both waited. */
function compared(
  steps: readonly Step[],
  bound: number,
  claimantOf: (asked: Asked) => { readonly name: string; readonly weight: number },
): number {
  const claimants = new Map<string, Claimant>()
  /** By two names: the least and the most of the difference of what they were given since both wait. */
  const ranges = new Map<string, { least: number; most: number }>()
  let pairs = 0
  for (const { asked, is } of steps) {
    const { name, weight } = claimantOf(asked)
    const claimant = claimants.get(name) ?? { waiting: 0, weight, given: 0 }
    claimants.set(name, claimant)
    if (is === 'starts') claimant.given += workIn(asked) / weight
    claimant.waiting += is === 'asks' ? 1 : -1
    for (const [other, { waiting, given, weight: otherWeight }] of claimants) {
      if (other === name) continue
      const key = [name, other].sort().join('\n')
      if (claimant.waiting === 0 || waiting === 0) {
        ranges.delete(key)
        continue
      }
      const sign = name < other ? 1 : -1
      const difference = sign * (claimant.given - given)
      const range = ranges.get(key) ?? { least: difference, most: difference }
      if (!ranges.has(key)) pairs++
      range.least = Math.min(range.least, difference)
      range.most = Math.max(range.most, difference)
      ranges.set(key, range)
      const apart = range.most - range.least
      const most = bound / Math.min(weight, otherWeight)
      must(apart <= most, `${name} and ${other} came ${apart} ms apart, of ${most}`)
    }
  }
  return pairs
}
