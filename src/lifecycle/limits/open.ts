import { LimitBook } from '../../policy/limits/book.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LimitStore } from '../../ports/ledger.ts'
import type { LimitRegistry, PlanRegistry } from '../../ports/limits.ts'
import type { LimitTerms } from '../../vocabulary/limit.ts'
import type { Plan } from '../../vocabulary/plan.ts'
import { Checkpoints } from './checkpoints.ts'
import { LimitDesk } from './desk.ts'
import { LimitRegister } from './register.ts'
import { NumberedUses, recover } from './uses.ts'

/** Limits at work: where calls ask, and where they are changed. */
export interface OpenLimits {
  readonly desk: LimitDesk
  readonly registry: LimitRegistry
  readonly plans: PlanRegistry
  /** Writes what changed. */
  close(): Promise<void>
}

/** What the configuration says. */
export interface Declared {
  readonly limits: readonly LimitTerms[]
  readonly plans: readonly Plan[]
}

/**
 * Opens the limits of one gateway as they were when its last record was written.
 *
 * @throws Error when the store holds what this version can't read
 */
export async function openLimits(declared: Declared, store: LimitStore, clock: Clock): Promise<OpenLimits> {
  const book = new LimitBook(clock.now())
  const uses = new NumberedUses(store)
  const desk = new LimitDesk(book, clock, uses)
  const parts = { book, store, clock, changed: () => desk.wake() }
  const registry = await LimitRegister.open(declared.limits, declared.plans, parts)
  recover(book, store, clock.now())
  const checkpoints = new Checkpoints({ book, uses, store, clock })
  return {
    desk,
    registry,
    plans: registry.plans,
    async close() {
      desk.close()
      await checkpoints.close()
    },
  }
}
