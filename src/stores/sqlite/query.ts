import type { AccountBalance, ReceiptPage, ReceiptQuery, UsageQuery, UsageReport } from '../../ports/ledger.ts'
import type { CallId } from '../../vocabulary/id.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import type { AuditQuery, NumberedAudit } from './audits.ts'

/** What the reader's thread can be asked, with what it answers. */
export interface Answers {
  readonly receipt: { readonly ask: CallId; readonly answer: CallRecord | null }
  readonly receipts: { readonly ask: ReceiptQuery; readonly answer: ReceiptPage }
  readonly usage: { readonly ask: UsageQuery; readonly answer: UsageReport }
  readonly balances: { readonly ask: null; readonly answer: readonly AccountBalance[] }
  readonly audits: { readonly ask: AuditQuery; readonly answer: readonly NumberedAudit[] }
}

export type QueryName = keyof Answers

export interface ReaderRequest {
  readonly number: number
  readonly name: QueryName
  readonly ask: Answers[QueryName]['ask']
}

export type ReaderReply =
  | { readonly number: number; readonly answer: Answers[QueryName]['answer'] }
  | { readonly number: number; readonly failure: string; readonly isRange: boolean }
