import type { LimitBook } from '../../policy/limits/book.ts'
import type { Clock } from '../../ports/clock.ts'
import type { AuditEntry, LimitStore } from '../../ports/ledger.ts'
import type { Actor } from '../../ports/limits.ts'
import type { EpochMs } from '../../units/time.ts'

/** What changes of limits and plans need. */
export interface RegisterParts {
  readonly book: LimitBook
  readonly store: Pick<LimitStore, 'limits' | 'putLimit' | 'removeLimit'>
  readonly clock: Pick<Clock, 'now'>
  /** Told whenever a limit came, went or changed, so that calls that wait are asked again. */
  changed(): void
}

export const CONFIGURATION: Actor = { name: 'configuration', address: null }

/** One change after the other: each goes by what the one before left, in memory as on disk. */
export class Turns {
  /** Ends with the change that was asked for last. */
  #last: Promise<unknown> = Promise.resolve()

  take<T>(change: () => Promise<T>): Promise<T> {
    const done = this.#last.then(change)
    this.#last = done.catch(() => {})
    return done
  }
}

/** What was before and what is after a change, as JSON; null for nothing. */
export interface Changed {
  readonly subject: string
  readonly before: unknown
  readonly after: unknown
}

export function auditOf({ subject, before, after }: Changed, { name, address }: Actor, at: EpochMs): AuditEntry {
  const action = before === null ? 'create' : after === null ? 'delete' : 'change'
  return { at, actor: name, address, action, subject, before, after }
}
