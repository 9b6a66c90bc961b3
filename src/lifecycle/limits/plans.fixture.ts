import type { AuditEntry, LimitStore } from '../../ports/ledger.ts'
import type { LimitAnswer, PlanGrant } from '../../ports/limits.ts'
import { parseDollars } from '../../units/money.ts'
import type { Plan } from '../../vocabulary/plan.ts'
import { readPlan } from '../../vocabulary/plan-terms.ts'
import { Disk, VirtualClock } from '../history.fixture.ts'
import { type OpenLimits, openLimits } from './open.ts'

export const BY = { name: 'admin', address: '10.0.0.1' }
const MONTH = { calendar: 'month' }
export const DOLLARS = { scope: 'plan', unit: 'dollars', window: MONTH }
export const CREDITS = {
  subscribers: ['key:ci'],
  included: [{ ...DOLLARS, amount: '1' }],
  overflow: [
    { scope: 'plan', unit: 'dollars', grants: [{ id: 'first', amount: '2', createdAt: '2026-01-01', priority: 10 }] },
  ],
}

export function planOf(value: unknown, name = 'pro'): Plan {
  const read = readPlan(name, value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.plan
}

/** Limits over a disk, opened and killed as often as a test wants; every change of the disk is committed at once. */
export class PlansWorld {
  readonly clock = new VirtualClock()
  readonly disk = new Disk()
  readonly audits: AuditEntry[] = []
  opened: OpenLimits | null = null
  /** Changes of the disk that still succeed. */
  budget = Number.POSITIVE_INFINITY

  async open(...plans: readonly Plan[]): Promise<OpenLimits> {
    this.clock.forget()
    this.opened = await openLimits({ limits: [], plans }, this.#store(), this.clock)
    return this.opened
  }

  #store(): LimitStore {
    const store = this.disk.store()
    const written = async (entry: AuditEntry | null, write: () => Promise<void>) => {
      if (this.budget-- <= 0) throw new Error('the disk is full')
      await write()
      if (entry !== null) this.audits.push(entry)
    }
    return {
      ...store,
      putLimit: (limit, entry) => written(entry, () => store.putLimit(limit, entry)),
      removeLimit: (id, entry) => written(entry, () => store.removeLimit(id, entry)),
    }
  }

  /** Asks for a call of so many dollars and posts it when it is admitted. */
  call(dollars: string): LimitAnswer {
    const worst = { dollars: parseDollars(dollars), inputTokens: 0, outputTokens: 0 }
    const answers: LimitAnswer[] = []
    const caller = { key: 'ci', team: null, user: null, tags: {}, run: null }
    const call = { caller, model: 'm', upstreams: ['u'], runBudget: null, maxDollars: null, skip: [] }
    this.opened!.desk.admit(call, { worst, expected: null, isLearnt: false }, said => answers.push(said))
    const [answer] = answers
    if (answer?.kind === 'admit') answer.hold.post(worst)
    this.disk.commit()
    return answer!
  }

  /** Used and amount of every limit of a plan. */
  async states(plan = 'pro') {
    const views = await this.opened!.registry.states({ plan, limit: 100 })
    return views.map(({ used, amount }) => [used / 1e9, amount / 1e9])
  }

  /** Lets a checkpoint happen and wait until it is on disk. */
  async checkpoint(): Promise<void> {
    this.clock.pass(5_000)
    for (let i = 0; i < 50; i++) {
      this.disk.commit()
      await new Promise(resolve => setImmediate(resolve))
    }
  }

  async grants(plan = 'pro'): Promise<unknown> {
    const told = await this.opened!.plans.grants(plan)
    return told === 'unknown' ? told : told.map(inDollars)
  }
}

function inDollars({ id, used, remaining, expired }: PlanGrant): unknown {
  return [id, used / 1e9, remaining / 1e9, expired / 1e9]
}
