import { setPriority } from 'node:os'
import { parentPort, workerData } from 'node:worker_threads'
import type { ReceiptQuery, UsageQuery } from '../../ports/ledger.ts'
import type { CallId } from '../../vocabulary/id.ts'
import { type AuditQuery, auditsIn } from './audits.ts'
import { openForReading } from './database.ts'
import { describeFault } from './fault.ts'
import type { Answers, QueryName, ReaderReply, ReaderRequest } from './query.ts'
import { Receipts } from './receipts.ts'
import { balancesIn, usageIn } from './usage.ts'

/** What the reader's thread is started with. */
export interface ReaderStart {
  readonly path: string
}

/** Behind the threads that serve calls, on a machine whose cores they fill. */
const READER_NICENESS = 10

const { path } = workerData as ReaderStart
// On Linux 0 means this thread alone; elsewhere it would mean the whole process.
if (process.platform === 'linux') setPriority(0, READER_NICENESS)
const db = openForReading(path)
const receipts = new Receipts(db)

function find({ name, ask }: ReaderRequest): Answers[QueryName]['answer'] {
  switch (name) {
    case 'receipt':
      return receipts.one(ask as CallId)
    case 'receipts':
      return receipts.page(ask as ReceiptQuery)
    case 'usage':
      return usageIn(db, ask as UsageQuery)
    case 'balances':
      return balancesIn(db)
    case 'audits':
      return auditsIn(db, ask as AuditQuery)
  }
}

function answer(request: ReaderRequest): ReaderReply {
  const { number } = request
  // One transaction for each question: retention must not move calls between its parts.
  db.exec('BEGIN')
  try {
    return { number, answer: find(request) }
  } catch (error) {
    if (error instanceof RangeError) return { number, failure: error.message, isRange: true }
    return { number, failure: describeFault(error, 'read', path), isRange: false }
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK')
  }
}

parentPort!.on('message', (request: ReaderRequest | 'close') => {
  if (request !== 'close') {
    parentPort!.postMessage(answer(request))
    return
  }
  db.close()
  parentPort!.close()
})
