import { formatTime } from '../units/time.ts'
import { type LimitUnit, scopeText, showQuantity } from './limit.ts'
import { type LimitForm, writeLimitTerms } from './limit-terms.ts'
import { PLAN_PARTS, type Plan, type PlanLimit } from './plan.ts'
import { BURN_PARTS, type BurnRates, type Thousandths, WHOLE } from './plan-burn.ts'
import type { Grant, GrantKind } from './plan-grant.ts'

/** Credits as configuration and admin API write them. */
export interface GrantForm {
  readonly id: string
  readonly amount: string | number
  readonly priority: number
  readonly createdAt: string
  /** Absent for never. */
  readonly expiresAt?: string
  readonly kind: GrantKind
}

/** A limit of a plan as configuration and admin API write it. */
export interface PlanLimitForm extends Omit<LimitForm, 'amount' | 'onReached'> {
  /** This or `seats` or `grants`. */
  readonly amount?: string | number
  readonly seats?: readonly { readonly kind: string; readonly count: number; readonly each: string | number }[]
  readonly grants?: readonly GrantForm[]
  readonly onReached: LimitForm['onReached'] | 'overflow'
  readonly except?: readonly string[]
  readonly models?: readonly string[]
  readonly weights?: Readonly<Record<string, string>>
  readonly multipliers?: Readonly<Record<string, Readonly<Record<string, string>>>>
}

/** A plan as configuration and admin API write it, under its name. */
export interface PlanForm {
  readonly subscribers: readonly string[]
  readonly limits?: readonly PlanLimitForm[]
  readonly included?: readonly PlanLimitForm[]
  readonly overflow?: readonly PlanLimitForm[]
}

/** Writes a plan such that `readPlan` reads the same plan. */
export function writePlan(plan: Plan): PlanForm {
  const parts = PLAN_PARTS.filter(part => plan[part].length > 0).map(part => [part, plan[part].map(writeLimit)])
  return { subscribers: plan.subscribers.map(scopeText), ...Object.fromEntries(parts) }
}

/** Writes credits such that they are read the same. */
export function writeGrant({ id, amount, priority, createdAt, expiresAt, kind }: Grant, unit: LimitUnit): GrantForm {
  const times = {
    createdAt: formatTime(createdAt),
    ...(expiresAt === null ? {} : { expiresAt: formatTime(expiresAt) }),
  }
  return { id, amount: showQuantity(unit, amount), priority, ...times, kind }
}

function writeLimit(limit: PlanLimit): PlanLimitForm {
  const { scope, onReached, except, models, burn } = limit
  const { amount: _, ...form } = writeLimitTerms({ ...limit, onReached: { kind: 'stop' } })
  const reached = onReached.kind === 'overflow' ? { onReached: 'overflow' as const } : reachedOf(limit)
  return {
    ...form,
    ...amountOf(limit),
    scope: scope.kind === 'plan' ? 'plan' : scopeText(scope),
    ...reached,
    ...(except.length === 0 ? {} : { except: except.map(scopeText) }),
    ...(models === null ? {} : { models }),
    ...(burn === undefined ? {} : burnOf(burn)),
  }
}

function reachedOf(limit: PlanLimit): Pick<LimitForm, 'onReached' | 'wait'> {
  const { onReached, wait } = writeLimitTerms(limit)
  return { onReached, ...(wait === undefined ? {} : { wait }) }
}

function amountOf({ unit, amount, seats, grants }: PlanLimit): Pick<PlanLimitForm, 'amount' | 'seats' | 'grants'> {
  if (grants !== undefined) return { grants: grants.map(grant => writeGrant(grant, unit)) }
  if (seats === null) return { amount: showQuantity(unit, amount) }
  return { seats: seats.map(({ kind, count, each }) => ({ kind, count, each: showQuantity(unit, each) })) }
}

function burnOf({ weights, multipliers }: BurnRates): Pick<PlanLimitForm, 'weights' | 'multipliers'> {
  const own = BURN_PARTS.filter(part => weights[part] !== WHOLE).map(part => [part, decimalOf(weights[part])])
  const tables = Object.entries(multipliers).map(([circumstance, table]) => {
    return [circumstance, Object.fromEntries(Object.entries(table).map(([name, factor]) => [name, decimalOf(factor)]))]
  })
  return {
    weights: Object.fromEntries(own),
    ...(tables.length === 0 ? {} : { multipliers: Object.fromEntries(tables) }),
  }
}

/** 1,250 thousandths are "1.25". */
function decimalOf(thousandths: Thousandths): string {
  const fraction = (thousandths % WHOLE).toString().padStart(3, '0').replace(/0+$/, '')
  const whole = Math.floor(thousandths / WHOLE)
  return fraction === '' ? `${whole}` : `${whole}.${fraction}`
}
