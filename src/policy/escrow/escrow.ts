import type { NanoDollars } from '../../units/money.ts'

/** Money that is set aside until what it was for is known. Resolved once: posted or given back. */
export interface HoldId {
  readonly account: string
  readonly amount: NanoDollars
}

/** What became of a hold that was posted. */
export interface Posting {
  readonly posted: NanoDollars
  /** The part of the hold that was not used and went back to the account. */
  readonly returned: NanoDollars
  /** What was used beyond the hold; zero or more. It is posted all the same: what was spent was spent. */
  readonly overrun: NanoDollars
}

/** An account as double entry sees it. Debits are positive, so that all balances together are zero. */
export interface Balance {
  readonly account: string
  readonly pending: NanoDollars
  readonly posted: NanoDollars
}

/** Where holds and postings of all accounts are credited. */
export const COUNTER_ACCOUNT = 'spending'

class Account {
  pending: NanoDollars = 0n
  posted: NanoDollars = 0n
}

class Hold implements HoldId {
  readonly account: string
  readonly amount: NanoDollars
  readonly owner: Escrow
  readonly debtor: Account
  resolved = false

  constructor(owner: Escrow, account: string, amount: NanoDollars, debtor: Account) {
    this.owner = owner
    this.account = account
    this.amount = amount
    this.debtor = debtor
  }
}

/**
 * Two-phase money in memory: the worst case is held before it is spent, then what was used is posted and the rest goes
 * back, or all of it does. Each entry debits one account and credits the counter account with the same amount.
 *
 * Accounts are as many as there are callers who pay; holds are kept by those who made them, so that an escrow of a
 * million open holds is no larger than one of none.
 *
 * Source: two-phase transfers as in TigerBeetle; unlike there, a posting above its hold is taken in full and told.
 */
export class Escrow {
  readonly #accounts = new Map<string, Account>()
  readonly #counter = new Account()

  /**
   * Sets money aside.
   *
   * @throws RangeError when the amount is negative
   */
  hold(account: string, amount: NanoDollars): HoldId {
    if (amount < 0n) throw new RangeError(`a hold of ${amount} nano-dollars is negative`)
    let debtor = this.#accounts.get(account)
    if (debtor === undefined) {
      debtor = new Account()
      this.#accounts.set(account, debtor)
    }
    debtor.pending += amount
    this.#counter.pending -= amount
    return new Hold(this, account, amount, debtor)
  }

  /**
   * Ends a hold by what was used.
   *
   * @throws RangeError when the amount is negative, or the hold is not this escrow's or resolved already
   */
  post(id: HoldId, used: NanoDollars): Posting {
    if (used < 0n) throw new RangeError(`a posting of ${used} nano-dollars is negative`)
    const { debtor, amount } = this.#resolve(id)
    debtor.posted += used
    this.#counter.posted -= used
    return used > amount
      ? { posted: used, returned: 0n, overrun: used - amount }
      : { posted: used, returned: amount - used, overrun: 0n }
  }

  /**
   * Ends a hold of which nothing was used.
   *
   * @throws RangeError when the hold is not this escrow's or resolved already
   */
  void(id: HoldId): void {
    this.#resolve(id)
  }

  /** What an account has pending and posted; zero for one that was never used. */
  balance(account: string): Balance {
    const { pending, posted } = this.#accounts.get(account) ?? new Account()
    return { account, pending, posted }
  }

  /** Every account and the counter account; the sums of `pending` and of `posted` are zero. */
  balances(): readonly Balance[] {
    const { pending, posted } = this.#counter
    return [
      ...[...this.#accounts.keys()].map(name => this.balance(name)),
      { account: COUNTER_ACCOUNT, pending, posted },
    ]
  }

  #resolve(id: HoldId): Hold {
    if (!(id instanceof Hold) || id.owner !== this) throw new RangeError('this hold was made elsewhere')
    if (id.resolved) throw new RangeError(`the hold of ${id.amount} nano-dollars of ${id.account} is resolved already`)
    id.resolved = true
    id.debtor.pending -= id.amount
    this.#counter.pending += id.amount
    return id
  }
}
