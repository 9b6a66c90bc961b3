import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import { join } from 'node:path'
import type { Cancel, Clock } from '../../ports/clock.ts'
import type { AuditLog, KeyStore, LedgerStore, LimitStore } from '../../ports/ledger.ts'
import type { DurationMs } from '../../units/time.ts'
import { LEDGER_FILE, LOCK_FILE } from './database.ts'
import { type Journal, openJournal } from './journal.ts'
import { KeptLimits } from './keptLimits.ts'
import { SqliteKeys } from './keys.ts'
import { SqliteLedger } from './ledger.ts'
import { SqliteLimits } from './limits.ts'
import { Reading } from './reading.ts'

export interface SqliteOptions {
  /** Made with mode 0700 when it is not there. */
  readonly directory: string
  /** Age at which records are deleted and only their sums are kept; null, the default, keeps all. */
  readonly retainMs?: DurationMs | null
  /** `full`, the default: a record that is durable survives a loss of power. `normal`: only a crash of the process. */
  readonly synchronous?: 'full' | 'normal'
  /** Largest size of the ledger's file in bytes; null, the default, for as much as the disk holds. */
  readonly maxBytes?: number | null
  /** Tells retention the time; without it, its time is that of the latest record, and it rests while no calls come. */
  readonly clock?: Pick<Clock, 'now' | 'after'>
}

export interface SqliteStores {
  readonly ledger: LedgerStore
  readonly keys: KeyStore
  readonly limits: LimitStore & AuditLog
  /** Writes what is pending, then closes; bounded in time. */
  close(): Promise<void>
}

/** How often retention is told the time. */
const TICK_MS = 60_000

/**
 * Opens the embedded ledger of one gateway: a file of SQLite, a thread that writes it and, from the first query on, a
 * thread that reads it.
 *
 * @throws Error, in one sentence with the path, when the directory can't be made or written, another process writes to
 * it, or the file is damaged, foreign or of a newer version
 */
export async function openSqliteStores(options: SqliteOptions): Promise<SqliteStores> {
  const { directory, retainMs = null, synchronous = 'full', maxBytes = null, clock } = options
  prepareFiles(directory)
  const { journal, held } = await openJournal({
    directory,
    retainMs,
    synchronous,
    maxBytes,
    timeFrom: clock === undefined ? 'records' : 'ticks',
  })
  const path = join(directory, LEDGER_FILE)
  const reading = new Reading(path)
  const kept = new KeptLimits(path)
  const stopTicking = clock === undefined || retainMs === null ? () => {} : keepTicking(clock, journal)
  let closing: Promise<void> | null = null
  const close = () => {
    closing ??= (async () => {
      stopTicking()
      // The readers first: the last connection that closes writes the log back into the file.
      kept.close()
      await reading.close()
      await journal.close()
    })()
    return closing
  }
  return {
    ledger: new SqliteLedger(journal, reading, { latestAt: held.latestAt, close }),
    keys: new SqliteKeys(journal, held.keys),
    limits: new SqliteLimits(journal, reading, { limits: held.limits, lastSeq: held.lastSeq, kept }),
    close,
  }
}

/** Makes directory and files with rights for their owner alone; SQLite gives its other files the rights of these. */
function prepareFiles(directory: string): void {
  try {
    mkdirSync(directory, { recursive: true, mode: 0o700 })
    for (const name of [LEDGER_FILE, LOCK_FILE]) {
      const path = join(directory, name)
      closeSync(openSync(path, 'a', 0o600))
      chmodSync(path, 0o600)
    }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    throw new Error(`can not write to the data directory ${directory}: ${reason}`)
  }
}

function keepTicking(clock: Pick<Clock, 'now' | 'after'>, journal: Journal): Cancel {
  let cancel: Cancel = () => {}
  const tick = () => {
    // A failure needs no word here: the records of the calls meet the same disk.
    journal.command({ do: 'tick', now: clock.now() }).catch(() => {})
    cancel = clock.after(TICK_MS, tick)
  }
  tick()
  return () => cancel()
}
