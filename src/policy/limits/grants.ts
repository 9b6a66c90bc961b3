import type { EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { Grant, GrantView } from '../../vocabulary/plan-grant.ts'

const NEVER = Number.POSITIVE_INFINITY

/** So much was drawn of a grant. */
export type Draw = readonly [grant: string, amount: Quantity]

/** One grant at work. */
interface Credit {
  grant: Grant
  drawn: Quantity
  /** Its time has come, and it is not gone. */
  stage: 'ahead' | 'open' | 'over'
  /** Once it is over: kept for calls that held it before. */
  kept: Quantity
  /** Once it is over: what calls from before still hold, of whatever grant. */
  heldBefore: Quantity
  /** Uses up to this number are counted already. */
  coveredUpTo: number
}

/** Which of two grants is drawn first: by priority, then by expiry, then by creation; the id settles what is left. */
function byDrawing({ grant: a }: Credit, { grant: b }: Credit): number {
  return (
    a.priority - b.priority ||
    compare(a.expiresAt ?? NEVER, b.expiresAt ?? NEVER) ||
    a.createdAt - b.createdAt ||
    (a.id < b.id ? -1 : 1)
  )
}

function compare(a: number, b: number): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/**
 * The credits that make the amount of one member. Calls hold of all of them together; what a call used is drawn of them
 * in their order when it is posted. A grant that expires takes along what nobody holds of it; what calls hold of it, they
 * may still use, and what they then leave over expires with the last of them.
 *
 * Always and exactly: what was granted = drawn + remaining + expired, and used = drawn + debt.
 */
export class GrantPool {
  #credits: Credit[] = []
  /** Used beyond all credits; what is granted later pays it first. */
  debt: Quantity = 0

  /** @param held by calls that run; what they held is honoured */
  constructor(grants: readonly Grant[], now: EpochMs) {
    this.change(grants, now, 0)
  }

  /** Takes a new list. Grants that are known go on, those that are not in it any more are gone with all their use. */
  change(grants: readonly Grant[], now: EpochMs, held: Quantity): void {
    const known = new Map(this.#credits.map(credit => [credit.grant.id, credit]))
    this.#credits = grants.map(grant => {
      const credit = known.get(grant.id) ?? newCredit(grant)
      credit.grant = grant
      const excess = Math.max(0, credit.drawn - grant.amount)
      credit.drawn -= excess
      credit.kept = Math.min(credit.kept, restOf(credit))
      this.debt += excess
      return credit
    })
    this.#credits.sort(byDrawing)
    this.pass(now, held)
  }

  /** What was granted and is not expired: what limits the calls. */
  get amount(): Quantity {
    let amount = 0
    for (const credit of this.#credits) {
      if (credit.stage === 'open') amount += credit.grant.amount
      else if (credit.stage === 'over') amount += credit.drawn + credit.kept
    }
    return amount
  }

  get used(): Quantity {
    let used = this.debt
    for (const { drawn } of this.#credits) used += drawn
    return used
  }

  /** When the next grant begins; null for none. */
  beginsAt(): EpochMs | null {
    return this.#next(credit => (credit.stage === 'ahead' ? credit.grant.createdAt : NEVER))
  }

  /** When the next grant expires that has something to lose; null for none. */
  expiresAt(): EpochMs | null {
    return this.#next(credit =>
      credit.stage === 'open' && restOf(credit) > 0 ? (credit.grant.expiresAt ?? NEVER) : NEVER,
    )
  }

  /** When `pass` has something to do; infinite for never. */
  changesAt(): EpochMs {
    const next = this.#next(({ stage, grant }) =>
      stage === 'ahead' ? grant.createdAt : stage === 'open' ? (grant.expiresAt ?? NEVER) : NEVER,
    )
    return next ?? NEVER
  }

  #next(timeOf: (credit: Credit) => EpochMs): EpochMs | null {
    const next = this.#credits.reduce((least, credit) => Math.min(least, timeOf(credit)), NEVER)
    return next === NEVER ? null : next
  }

  /** Begins grants whose time has come, and ends those whose time is over. */
  pass(now: EpochMs, held: Quantity): void {
    for (const credit of this.#credits) {
      if (credit.stage === 'ahead' && credit.grant.createdAt <= now) credit.stage = 'open'
    }
    for (const credit of this.#byExpiry(({ stage, grant }) => stage === 'open' && (grant.expiresAt ?? NEVER) <= now)) {
      credit.kept = this.#heldOf(credit, held)
      credit.heldBefore = held
      credit.stage = 'over'
    }
    this.#payDebt()
  }

  /** The part of what is held that falls to an open grant: what is kept for earlier calls goes first, then the order. */
  #heldOf(credit: Credit, held: Quantity): Quantity {
    let rest = held
    for (const { stage, kept } of this.#credits) if (stage === 'over') rest -= kept
    for (const other of this.#credits) {
      if (other === credit) return Math.max(0, Math.min(restOf(credit), rest))
      if (other.stage === 'open') rest -= Math.min(Math.max(0, rest), restOf(other))
    }
    return 0
  }

  #byExpiry(which: (credit: Credit) => boolean): Credit[] {
    return this.#credits.filter(which).sort((a, b) => (a.grant.expiresAt ?? NEVER) - (b.grant.expiresAt ?? NEVER))
  }

  #payDebt(): void {
    for (const credit of this.#credits) {
      if (this.debt === 0) return
      if (credit.stage !== 'open') continue
      const paid = Math.min(this.debt, restOf(credit))
      credit.drawn += paid
      this.debt -= paid
    }
  }

  /**
   * Draws what a call used: first of grants that are over and were kept for it, then of the others in their order.
   *
   * @param at when it was held
   */
  settle(at: EpochMs, held: Quantity, used: Quantity): readonly Draw[] {
    const draws: Draw[] = []
    let rest = used
    const over = this.#byExpiry(({ stage }) => stage === 'over')
    const isBefore = ({ grant }: Credit) => at < grant.expiresAt!
    for (const credit of over) if (isBefore(credit)) rest -= draw(credit, Math.min(rest, credit.kept), draws)
    for (const credit of this.#credits) {
      if (credit.stage === 'open') rest -= draw(credit, Math.min(rest, restOf(credit)), draws)
    }
    this.debt += rest
    let kept = 0
    for (const credit of over) {
      if (isBefore(credit)) credit.heldBefore -= held
      credit.kept = Math.max(0, Math.min(credit.kept, credit.heldBefore - kept))
      kept += credit.kept
    }
    return draws
  }

  /**
   * Draws again what was drawn when a use was posted, of grants that do not cover it yet; what was drawn of grants that are
   * gone is gone with them.
   */
  redraw(used: Quantity, draws: readonly Draw[], number: number): void {
    let drawn = 0
    for (const [id, amount] of draws) {
      drawn += amount
      const credit = this.#credits.find(({ grant }) => grant.id === id)
      if (credit === undefined || number <= credit.coveredUpTo) continue
      credit.drawn += Math.min(amount, restOf(credit))
      credit.kept = 0
    }
    this.debt += used - drawn
  }

  /** Takes up what was drawn of one grant. */
  restore(id: string, drawn: Quantity, coveredUpTo: number): void {
    const credit = this.#credits.find(({ grant }) => grant.id === id)
    if (credit === undefined) return
    credit.drawn = Math.min(drawn, credit.grant.amount)
    credit.coveredUpTo = coveredUpTo
  }

  /** What was drawn of each grant of which something was. */
  draws(): readonly Draw[] {
    return this.#credits.filter(({ drawn }) => drawn > 0).map(({ grant, drawn }) => [grant.id, drawn])
  }

  /** Every grant that has begun, in the order in which they are drawn. */
  view(): readonly GrantView[] {
    return this.#credits
      .filter(({ stage }) => stage !== 'ahead')
      .map(credit => {
        const { id, kind, priority, createdAt, expiresAt, amount } = credit.grant
        const remaining = credit.stage === 'over' ? credit.kept : restOf(credit)
        const expired = amount - credit.drawn - remaining
        return { id, kind, priority, createdAt, expiresAt, amount, used: credit.drawn, remaining, expired }
      })
  }
}

function newCredit(grant: Grant): Credit {
  return { grant, drawn: 0, stage: 'ahead', kept: 0, heldBefore: 0, coveredUpTo: 0 }
}

function restOf({ grant, drawn }: Credit): Quantity {
  return grant.amount - drawn
}

function draw(credit: Credit, amount: Quantity, draws: Draw[]): Quantity {
  if (amount === 0) return 0
  credit.drawn += amount
  if (credit.stage === 'over') credit.kept -= amount
  draws.push([credit.grant.id, amount])
  return amount
}
