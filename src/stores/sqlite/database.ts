import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { isBusy } from './fault.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

export const LEDGER_FILE = 'ledger.sqlite'
/** Held locked by the process that writes; says in `ledger.writer` who that is. */
export const LOCK_FILE = 'ledger.lock'
export const WRITER_FILE = 'ledger.writer'

/** How long another program that holds the file for a moment, such as a backup, is waited for. */
const BUSY_TIMEOUT_MS = 5_000
const WRITER_CACHE_KIB = 32_768
const READER_CACHE_KIB = 16_384
/** Pages in the log of writes, some 16 MB, after which it is written back into the file. */
const LOG_PAGES = 4_000
/** The log of writes shrinks to this once it was written back. */
const LOG_LIMIT_BYTES = 64 * 1024 * 1024
const PAGE_BYTES = 4096

export interface WriterSettings {
  readonly directory: string
  readonly synchronous: 'full' | 'normal'
  /** The largest size of the file; null for as much as the disk holds. */
  readonly maxBytes: number | null
}

/**
 * Takes the right to write, which the operating system gives back when the process ends, however it ends.
 *
 * @returns what holds the lock, to be kept open
 * @throws Error naming the process that has it
 */
export function lockForWriting(directory: string): DatabaseSync {
  const lock = new DatabaseSync(join(directory, LOCK_FILE), { timeout: 0 })
  try {
    // Nothing is ever written under this lock, so it needs no journal beside it.
    lock.exec('PRAGMA journal_mode = MEMORY')
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!isBusy(error)) throw error
    throw new Error(
      `another Penstock writes to ${directory}: ${currentWriter(directory)}; stop it, or use another data directory`,
    )
  }
  writeFileSync(join(directory, WRITER_FILE), `process ${process.pid}\n`, { mode: 0o600 })
  return lock
}

function currentWriter(directory: string): string {
  try {
    return readFileSync(join(directory, WRITER_FILE), 'utf8').trim() || 'a process that is just starting'
  } catch {
    return 'a process that is just starting'
  }
}

/** Opens the ledger for the one writer, making or migrating it. */
export function openForWriting(settings: WriterSettings): DatabaseSync {
  const db = new DatabaseSync(join(settings.directory, LEDGER_FILE), { timeout: BUSY_TIMEOUT_MS })
  try {
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`)
    checkOwnership(db)
    db.exec(`
      PRAGMA journal_mode = WAL;
      PRAGMA synchronous = ${settings.synchronous === 'full' ? 'FULL' : 'NORMAL'};
      PRAGMA cache_size = -${WRITER_CACHE_KIB};
      PRAGMA wal_autocheckpoint = ${LOG_PAGES};
      PRAGMA journal_size_limit = ${LOG_LIMIT_BYTES};
      PRAGMA application_id = ${APPLICATION_ID};
    `)
    if (settings.maxBytes !== null) db.exec(`PRAGMA max_page_count = ${Math.floor(settings.maxBytes / PAGE_BYTES)}`)
    migrate(db)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Opens the ledger for queries beside the writer. */
export function openForReading(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  db.exec(`PRAGMA cache_size = -${READER_CACHE_KIB}`)
  return db
}

function pragma(db: DatabaseSync, name: 'user_version' | 'application_id'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0)
}

function checkOwnership(db: DatabaseSync): void {
  const version = pragma(db, 'user_version')
  const isEmpty = db.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined
  if (!isEmpty && pragma(db, 'application_id') !== APPLICATION_ID) {
    throw new Error('the file is the database of another program')
  }
  if (version > MIGRATIONS.length) {
    throw new Error(
      `its schema has version ${version} and this Penstock knows versions up to ${MIGRATIONS.length}; use a newer Penstock`,
    )
  }
}

function migrate(db: DatabaseSync): void {
  for (let version = pragma(db, 'user_version'); version < MIGRATIONS.length; version++) {
    db.exec('BEGIN IMMEDIATE')
    try {
      db.exec(MIGRATIONS[version]!)
      db.exec(`PRAGMA user_version = ${version + 1}`)
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
}
