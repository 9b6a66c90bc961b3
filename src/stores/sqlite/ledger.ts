import type {
  AccountBalance,
  LedgerStore,
  ReceiptPage,
  ReceiptQuery,
  UsageQuery,
  UsageReport,
} from '../../ports/ledger.ts'
import type { EpochMs } from '../../units/time.ts'
import { type CallId, ID_EPOCH_MS } from '../../vocabulary/id.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import { type ParsedId, parseCallId } from './callId.ts'
import type { Journal } from './journal.ts'
import type { Reading } from './reading.ts'

/** The ledger as its port has it: appends go to the writer's thread, questions to the reader's. */
export class SqliteLedger implements LedgerStore {
  readonly #journal: Journal
  readonly #reading: Reading
  readonly #close: () => Promise<void>
  readonly #id: ParsedId = { sinceEpochMs: 0, low: 0 }
  #latestAt: EpochMs

  constructor(
    journal: Journal,
    reading: Reading,
    context: { readonly latestAt: EpochMs; readonly close: () => Promise<void> },
  ) {
    this.#journal = journal
    this.#reading = reading
    this.#latestAt = context.latestAt
    this.#close = context.close
  }

  get writable(): boolean {
    return this.#journal.writable
  }

  /** The time that the latest id carries. */
  get latestAt(): EpochMs {
    return this.#latestAt
  }

  append(record: CallRecord, durable: (failure: Error | null) => void): void {
    if (parseCallId(record.id, this.#id)) {
      const at = this.#id.sinceEpochMs + ID_EPOCH_MS
      if (at > this.#latestAt) this.#latestAt = at
    }
    this.#journal.append(record, durable)
  }

  receipt(id: CallId): Promise<CallRecord | null> {
    return this.#reading.ask('receipt', id)
  }

  receipts(query: ReceiptQuery): Promise<ReceiptPage> {
    return this.#reading.ask('receipts', query)
  }

  usage(query: UsageQuery): Promise<UsageReport> {
    return this.#reading.ask('usage', query)
  }

  balances(): Promise<readonly AccountBalance[]> {
    return this.#reading.ask('balances', null)
  }

  close(): Promise<void> {
    return this.#close()
  }
}
