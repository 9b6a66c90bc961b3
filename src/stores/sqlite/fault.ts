/** Result codes of SQLite that mean the disk or the file, not what was written: https://sqlite.org/rescode.html */
const SQLITE_BUSY = 5
const SQLITE_CONSTRAINT_PRIMARYKEY = 1555
const SQLITE_CONSTRAINT_ROWID = 2579
const DISK_FAULTS: Readonly<Record<number, string>> = {
  [SQLITE_BUSY]: 'another program has locked it; close that program',
  7: 'there is no memory left',
  8: 'it is read-only; give this user the right to write it',
  10: 'the disk reported an error; look at the system log',
  11: 'it is corrupt; restore it from a backup or move it away to start anew',
  13: 'the disk is full or the file has reached its largest size; make room, or keep records for a shorter time',
  14: 'it can not be opened; look at the rights and the space of its directory',
  26: 'it is no SQLite database; move it away to start anew',
}

function codeOf(error: unknown): number {
  const code = (error as { errcode?: unknown }).errcode
  return typeof code === 'number' ? code : 0
}

/** True when the same write might succeed another time, or on another disk: no fault of the record. */
export function isDiskFault(error: unknown): boolean {
  return (codeOf(error) & 0xff) in DISK_FAULTS
}

export function isBusy(error: unknown): boolean {
  return (codeOf(error) & 0xff) === SQLITE_BUSY
}

/** True when the row was there already. */
export function isDuplicate(error: unknown): boolean {
  const code = codeOf(error)
  return code === SQLITE_CONSTRAINT_PRIMARYKEY || code === SQLITE_CONSTRAINT_ROWID
}

/** One sentence for people: what failed, where, why and what to do. */
export function describeFault(error: unknown, doing: 'open' | 'write' | 'read', path: string): string {
  const message = error instanceof Error ? error.message : String(error)
  const advice = DISK_FAULTS[codeOf(error) & 0xff]
  return `can not ${doing} the ledger ${path}: ${message}${advice ? ` (${advice})` : ''}`
}
