import type { EpochMs } from '../../units/time.ts'
import { LIMIT_UNITS, type Limit, type LimitTerms, scopeText } from '../../vocabulary/limit.ts'
import { WindowClock } from './windows.ts'

/** A limit at work. Its amount and what happens when it is reached may change; whom, what and when it counts may not. */
export class Rule {
  /** Null for the budgets of runs, which no limit declares. */
  readonly id: string | null
  readonly scope: string
  /** Place of what it counts in a list of quantities: of the unit in `LIMIT_UNITS`, or one of its own behind them. */
  readonly unit: number
  readonly clock: WindowClock
  /** Calls that were admitted before are none of its. */
  readonly createdAt: EpochMs
  terms: LimitTerms

  constructor(terms: LimitTerms, id: string | null, createdAt: EpochMs, place = LIMIT_UNITS.indexOf(terms.unit)) {
    this.id = id
    this.createdAt = createdAt
    this.terms = terms
    this.scope = scopeText(terms.scope)
    this.unit = place
    this.clock = new WindowClock(terms.window)
  }

  /** @param place for a limit that tokens burn at rates of its own; else null */
  static of(limit: Limit, place: number | null): Rule {
    return new Rule(limit, limit.id, limit.createdAt, place ?? undefined)
  }
}
