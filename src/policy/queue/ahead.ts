import type { Contest, Flow } from './contest.ts'
import type { QueueEntry } from './entry.ts'
import type { PoolLine } from './line.ts'

/** Rivals that are added up one by one; where there are more, so many stand for all. */
const MAX_COUNTED = 128

/**
 * The work that the others of a contest are given until one's counter reaches a point: each at most up to that point by
 * its weight, and no more than it has waiting.
 */
function workOfOthers<F extends Flow>(
  contest: Contest<F>,
  until: { readonly self: F | null; readonly counter: number },
): number {
  let work = 0
  let counted = 0
  for (const other of contest.sample(MAX_COUNTED)) {
    if (other === until.self) continue
    work += Math.min(Math.max(0, other.waitingWork), other.weight * Math.max(0, until.counter - other.counter))
    counted++
  }
  const others = contest.contenders - (until.self?.waiting ? 1 : 0)
  return counted === 0 ? 0 : (work * others) / counted
}

/** Work that starts at a pool before a call that would join now, as a fluid: see `FairQueue.ahead`. */
export function workAhead<E extends QueueEntry>(
  line: PoolLine<E>,
  call: Pick<QueueEntry, 'tier' | 'tenant' | 'deadlineAt'>,
  weights: { readonly tier: number; readonly share: number },
): number {
  const tier = line.tiers.find(call.tier)
  const tenant = tier?.tenants.find(call.tenant) ?? null
  const own = Math.max(0, (call.deadlineAt === null ? tenant?.waitingWork : tenant?.dueWork) ?? 0)
  let inTier = own
  if (tier !== null) {
    const counter = tier.tenants.counterOf(tenant) + own / weights.share
    inTier += workOfOthers(tier.tenants, { self: tenant, counter })
  }
  const counter = line.tiers.counterOf(tier) + inTier / weights.tier
  return inTier + workOfOthers(line.tiers, { self: tier, counter })
}
