import fc from 'fast-check'
import type { AuditLog, KeyStore, LedgerStore, LimitStore, UsageReport } from '../ports/ledger.ts'
import type { CallRecord } from '../vocabulary/record.ts'

export interface Stores {
  readonly ledger: LedgerStore
  readonly keys: KeyStore
  readonly limits: LimitStore & AuditLog
  close(): Promise<void>
}

/** A place that outlives the stores opened on it. */
export interface Home {
  open(options?: { readonly retainMs?: number }): Promise<Stores>
  remove(): Promise<void>
}

/** Rounds of a law: each opens a store of its own. */
const LAW_ROUNDS = 12

/** Appends, and resolves when the record is durable. */
export function durably(ledger: LedgerStore, record: CallRecord): Promise<void> {
  return new Promise((resolve, reject) => {
    ledger.append(record, failure => (failure ? reject(failure) : resolve()))
  })
}

/** Everything that the ledger holds, page by page. */
export async function everyReceipt(
  ledger: LedgerStore,
  query: Omit<Parameters<LedgerStore['receipts']>[0], 'limit' | 'cursor'> = {},
  limit = 100,
): Promise<readonly CallRecord[]> {
  const all: CallRecord[] = []
  let cursor: string | null = null
  do {
    const page = await ledger.receipts({ ...query, limit, ...(cursor === null ? {} : { cursor }) })
    all.push(...page.records)
    cursor = page.cursor
  } while (cursor !== null)
  return all
}

export function byValues(report: UsageReport): UsageReport {
  const inOrder = (rows: UsageReport['rows']) =>
    [...rows].sort((a, b) => (JSON.stringify(a.group) < JSON.stringify(b.group) ? -1 : 1))
  return { ...report, rows: inOrder(report.rows) }
}

/** Balances as the attempts of the records make them, without accounts that nothing was posted to. */
export function balancesOf(all: readonly CallRecord[]): ReadonlyMap<string, bigint> {
  const balances = new Map<string, bigint>()
  const post = (account: string, amount: bigint) => balances.set(account, (balances.get(account) ?? 0n) + amount)
  for (const { caller, attempts } of all) {
    for (const { deployment, dollars } of attempts) {
      post(`key:${caller.key}`, -(dollars ?? 0n))
      post(`deployment:${deployment}`, dollars ?? 0n)
    }
  }
  return new Map([...balances].filter(([, amount]) => amount !== 0n))
}

export async function balancesIn(ledger: LedgerStore): Promise<ReadonlyMap<string, bigint>> {
  const balances = await ledger.balances()
  return new Map(balances.filter(({ nanoDollars }) => nanoDollars !== 0n).map(b => [b.account, b.nanoDollars]))
}

/** Stores on a place of their own, for one test. */
export class Ground {
  readonly #makeHome: () => Promise<Home>
  #home: Home | null = null
  #stores: Stores | null = null

  constructor(makeHome: () => Promise<Home>) {
    this.#makeHome = makeHome
  }

  get ledger(): LedgerStore {
    return this.#stores!.ledger
  }

  get keys(): KeyStore {
    return this.#stores!.keys
  }

  get limits(): LimitStore & AuditLog {
    return this.#stores!.limits
  }

  close(): Promise<void> {
    return this.#stores!.close()
  }

  async prepare(): Promise<void> {
    this.#home = await this.#makeHome()
    this.#stores = await this.#home.open()
  }

  async clear(): Promise<void> {
    await this.#stores!.close()
    await this.#home!.remove()
  }

  async reopen(options?: { readonly retainMs?: number }): Promise<void> {
    await this.#stores!.close()
    this.#stores = await this.#home!.open(options)
  }

  /** Goes on with empty stores. */
  async renew(): Promise<void> {
    await this.clear()
    await this.prepare()
  }

  /** A law over random records, each round in a ledger of its own. */
  async law<T>(
    inputs: fc.Arbitrary<T>,
    all: (input: T) => readonly CallRecord[],
    check: (ledger: LedgerStore, input: T) => Promise<void>,
  ): Promise<void> {
    const round = fc.asyncProperty(inputs, async input => {
      const own = await this.#makeHome()
      const opened = await own.open()
      try {
        await Promise.all(all(input).map(record => durably(opened.ledger, record)))
        await check(opened.ledger, input)
      } finally {
        await opened.close()
        await own.remove()
      }
    })
    await fc.assert(round, { numRuns: LAW_ROUNDS })
  }
}
