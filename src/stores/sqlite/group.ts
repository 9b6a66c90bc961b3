import type { DatabaseSync } from 'node:sqlite'
import type { Acknowledgement, Command } from './command.ts'
import { Dictionary } from './dictionary.ts'
import { describeFault, isDiskFault } from './fault.ts'
import { KeyRows } from './keyRows.ts'
import type { LimitRows } from './limitRows.ts'
import { Records } from './records.ts'
import { CALL, COMMAND, DEFINE, ENTRY, type RingViews } from './ring.ts'
import { Room } from './room.ts'
import { UseRows } from './useRows.ts'

/** Entries that one transaction takes at most, so that none waits long for the others. */
export const MAX_GROUP_ENTRIES = 4_096

/** Entries of the ring that are written by one transaction. */
interface Span {
  readonly start: number
  end: number
  /** Records, commands and uses. */
  size: number
  /** Those that are acknowledged: records and commands. */
  count: number
  /** Numbers of texts below this one are not used after the span; 0 for none. */
  forgetBelow: number
  /** Those that take effect whether or not the commit succeeds. */
  readonly commands: Command[]
}

export interface GroupResult {
  readonly end: number
  readonly count: number
  readonly acknowledgements: readonly Acknowledgement[]
  /** False when nothing of the group is on disk. */
  readonly isCommitted: boolean
  /** Commands that take effect after the group, whether or not it could be written. */
  readonly commands: readonly Command[]
  /** Largest id of the group's records; 0 when there are none. */
  readonly latestId: bigint
}

/** Whether somebody waits to be told that the entry is on disk. */
function isAcknowledged(kind: number | undefined): boolean {
  return kind === ENTRY.call || kind === ENTRY.command
}

/** Writes groups of entries, each in one transaction: all that came while the last one was on its way to the disk. */
export class Groups {
  readonly #db: DatabaseSync
  readonly #path: string
  readonly #views: RingViews
  readonly #mask: number
  readonly #dictionary: Dictionary
  readonly #records: Records
  readonly #keys: KeyRows
  readonly #limits: LimitRows
  readonly #uses: UseRows
  readonly #room: Room
  #latestId = 0n
  #isCommitted = false

  constructor(
    db: DatabaseSync,
    { path, views, limits }: { readonly path: string; readonly views: RingViews; readonly limits: LimitRows },
  ) {
    this.#db = db
    this.#path = path
    this.#views = views
    this.#mask = views.numbers.length - 1
    this.#dictionary = new Dictionary(db)
    this.#records = new Records(db, views, this.#dictionary)
    this.#keys = new KeyRows(db)
    this.#limits = limits
    this.#uses = new UseRows(db, views)
    this.#room = new Room(db)
  }

  /** Writes the entries between two positions, or the first MAX_GROUP_ENTRIES of them. Never throws. */
  write(start: number, tail: number): GroupResult {
    const span = this.#span(start, tail)
    const acknowledgements = this.#commit(span)
    if (span.forgetBelow > 0) this.#dictionary.forget(span.forgetBelow)
    this.#uses.release()
    return {
      end: span.end,
      count: span.count,
      acknowledgements,
      isCommitted: this.#isCommitted,
      commands: span.commands,
      latestId: this.#latestId,
    }
  }

  #span(start: number, tail: number): Span {
    const { halves, numbers } = this.#views
    const span: Span = { start, end: start, size: 0, count: 0, forgetBelow: 0, commands: [] }
    while (span.end !== tail && span.size < MAX_GROUP_ENTRIES) {
      const at = span.end & this.#mask
      const kind = halves[2 * at]
      const command = kind === ENTRY.command ? this.#parseCommand(at) : null
      // A probe goes alone: it needs more room than a record, which must not fail with it.
      const isProbe = command?.do === 'probe'
      if (isProbe && span.size > 0) break
      if (isAcknowledged(kind)) span.count++
      if (isAcknowledged(kind) || kind === ENTRY.use) span.size++
      if (command !== null) span.commands.push(command)
      else if (kind === ENTRY.forget) span.forgetBelow = numbers[at + 1]!
      span.end = (span.end + halves[2 * at + 1]!) | 0
      if (isProbe) break
    }
    return span
  }

  #commit(span: Span): readonly Acknowledgement[] {
    try {
      this.#transaction(() => {
        for (const at of this.#places(span)) this.#entry(at)
      })
      return [{ count: span.count, failure: null }]
    } catch (error) {
      if (isDiskFault(error)) return this.#failed(span, error)
    }
    // One of the records can not be kept. The others must not suffer for it, so each is written under its own savepoint.
    try {
      let acknowledgements: readonly Acknowledgement[] = []
      this.#transaction(() => {
        acknowledgements = this.#writeEach(span)
      })
      return acknowledgements
    } catch (error) {
      return this.#failed(span, error)
    }
  }

  #failed(span: Span, error: unknown): readonly Acknowledgement[] {
    for (const at of this.#places(span)) if (this.#views.halves[2 * at] === ENTRY.use) this.#uses.defer(at)
    return [{ count: span.count, failure: describeFault(error, 'write', this.#path) }]
  }

  #transaction(write: () => void): void {
    this.#latestId = 0n
    this.#isCommitted = false
    try {
      this.#db.exec('BEGIN IMMEDIATE')
      this.#uses.insertLate()
      write()
      this.#records.settle()
      this.#db.exec('COMMIT')
      this.#dictionary.committed()
      this.#uses.committed()
      this.#isCommitted = true
    } catch (error) {
      // SQLite has rolled back by itself after some faults, a full disk among them.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      this.#records.drop()
      this.#dictionary.rollBack(0)
      throw error
    }
  }

  /** The words at which the entries of a span begin. */
  *#places(span: Span): Generator<number> {
    for (let position = span.start; position !== span.end; ) {
      const at = position & this.#mask
      yield at
      position = (position + this.#views.halves[2 * at + 1]!) | 0
    }
  }

  #writeEach(span: Span): readonly Acknowledgement[] {
    const acknowledgements: Acknowledgement[] = []
    for (const at of this.#places(span)) {
      const failure = this.#alone(at)
      if (isAcknowledged(this.#views.halves[2 * at])) acknowledgements.push({ count: 1, failure })
    }
    return acknowledgements
  }

  /** @returns why the entry could not be written, or null */
  #alone(at: number): string | null {
    const mark = this.#dictionary.mark()
    this.#db.exec('SAVEPOINT entry')
    try {
      this.#entry(at)
      // Within the savepoint, so that an account which can not be posted to costs this entry and no other.
      this.#records.settle()
      this.#db.exec('RELEASE entry')
      return null
    } catch (error) {
      if (isDiskFault(error)) throw error
      this.#db.exec('ROLLBACK TO entry')
      this.#db.exec('RELEASE entry')
      this.#records.drop()
      this.#dictionary.rollBack(mark)
      return describeFault(error, 'write', this.#path)
    }
  }

  #entry(at: number): void {
    const { halves, numbers, integers } = this.#views
    const kind = halves[2 * at]
    if (kind === ENTRY.call) {
      this.#records.insert(at)
      const id = integers[at + CALL.id]!
      if (id > this.#latestId) this.#latestId = id
    } else if (kind === ENTRY.define) {
      const text = this.#text(at + DEFINE.text, numbers[at + DEFINE.bytes]!)
      this.#dictionary.define(numbers[at + DEFINE.number]!, numbers[at + DEFINE.table]!, text)
    } else if (kind === ENTRY.use) {
      this.#uses.insert(at)
    } else if (kind === ENTRY.command) {
      this.#do(this.#parseCommand(at))
    }
  }

  #do(command: Command): void {
    switch (command.do) {
      case 'createKey':
        return this.#keys.add(command.key)
      case 'revokeKey':
        return this.#keys.remove(command.name)
      case 'putLimit':
        return this.#limits.put(command.limit, command.audit)
      case 'removeLimit':
        return this.#limits.remove(command.id, command.audit)
      case 'note':
        return this.#limits.note(command.audit)
      case 'putBalances':
        return this.#limits.putBalances(command.balances, command.asOf)
      case 'cover':
        return this.#limits.cover(command.asOf, command.now)
      case 'probe':
        return this.#room.probe()
      case 'tick':
      case 'close':
    }
  }

  #parseCommand(at: number): Command {
    return JSON.parse(this.#text(at + COMMAND.text, this.#views.numbers[at + COMMAND.bytes]!)) as Command
  }

  #text(at: number, bytes: number): string {
    return this.#views.bytes.toString('utf8', at * 8, at * 8 + bytes)
  }
}
