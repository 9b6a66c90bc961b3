import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { EpochMs } from '../../units/time.ts'
import { ID_EPOCH_MS, integerAtTime } from '../../vocabulary/id.ts'
import type { Command, WriterMessage } from './command.ts'
import { LEDGER_FILE, lockForWriting, openForWriting, type WriterSettings } from './database.ts'
import { describeFault } from './fault.ts'
import { type GroupResult, Groups } from './group.ts'
import { KeyRows } from './keyRows.ts'
import { CONTROL, type RingMemory, viewRing } from './ring.ts'
import { Sweeper } from './sweep.ts'

/** What the writer's thread is started with. */
export interface WriterStart extends WriterSettings {
  readonly ring: RingMemory
  /** Age at which records are rolled up; null to keep all. */
  readonly retainMs: number | null
}

/**
 * A commit costs some 100 µs of processor whatever its size. After a group of at least this many entries the next one
 * gathers for a while, so that a busy gateway spends its core on calls; a quiet one never waits.
 */
const BUSY_GROUP_ENTRIES = 4
const GATHER_MS = 1

/** Between two turns of retention, so that they take a small part of the thread's time. */
const SWEEP_PAUSE_MS = 20
/** Between two looks for calls that came of age while retention had nothing to do. */
const SWEEP_LOOK_MS = 1_000
/** After retention failed, as on a full disk. */
const SWEEP_RETRY_MS = 10_000
const ID_TIME_SHIFT = 22n

function tell(message: WriterMessage): void {
  parentPort!.postMessage(message)
}

/** Blocks this thread; nothing else runs on it. */
const pause = new Int32Array(new SharedArrayBuffer(4))
function rest(milliseconds: number): void {
  if (milliseconds > 0) Atomics.wait(pause, 0, 0, milliseconds)
}

function latestIdOf(db: DatabaseSync): bigint {
  const statement = db.prepare(
    'SELECT max(coalesce((SELECT max(id) FROM calls), 0), (SELECT max(id) FROM swept)) AS id',
    {
      readBigInts: true,
    },
  )
  return statement.get()!.id as bigint
}

function timeOf(id: bigint): EpochMs {
  return id === 0n ? 0 : Number(id >> ID_TIME_SHIFT) + ID_EPOCH_MS
}

/** Decides when retention takes a turn. Its time is that of the latest record, or what it was told, whichever is later. */
class Retention {
  readonly #sweeper: Sweeper
  readonly #retainMs: number | null
  #now: EpochMs
  #nextTurn = 0

  constructor(db: DatabaseSync, retainMs: number | null, now: EpochMs) {
    this.#sweeper = new Sweeper(db)
    this.#retainMs = retainMs
    this.#now = now
  }

  told(now: EpochMs): void {
    if (now > this.#now) this.#now = now
  }

  /** Milliseconds until the next turn; infinite when nothing is ever deleted. */
  untilTurn(): number {
    return this.#retainMs === null ? Number.POSITIVE_INFINITY : Math.max(0, this.#nextTurn - performance.now())
  }

  turnWhenDue(): void {
    if (this.#retainMs === null || this.untilTurn() > 0) return
    let pauseMs = SWEEP_RETRY_MS
    try {
      pauseMs = this.#sweeper.turn(integerAtTime(this.#now - this.#retainMs)) ? SWEEP_PAUSE_MS : SWEEP_LOOK_MS
    } catch {
      // The disk's fault reaches the callers through their own records; what is old stays until it can be moved.
    }
    this.#nextTurn = performance.now() + pauseMs
  }
}

/** The life of the writer: take what has come, commit it, tell the callers' thread, until it is told to close. */
class Writer {
  readonly #control: Int32Array
  readonly #groups: Groups
  readonly #retention: Retention
  #position = 0

  constructor(db: DatabaseSync, start: WriterStart, path: string, latestAt: EpochMs) {
    const views = viewRing(start.ring)
    this.#control = views.control
    this.#groups = new Groups(db, path, views)
    this.#retention = new Retention(db, start.retainMs, latestAt)
  }

  run(): void {
    for (;;) {
      const tail = this.#await()
      const began = performance.now()
      if (tail !== this.#position) {
        const group = this.#groups.write(this.#position, tail)
        this.#position = group.end
        Atomics.store(this.#control, CONTROL.head, group.end)
        this.#acknowledge(group)
        if (group.commands.some(command => this.#obey(command))) return
        this.#retention.told(timeOf(group.latestId))
        if (group.count >= BUSY_GROUP_ENTRIES) rest(GATHER_MS - (performance.now() - began))
      }
      this.#retention.turnWhenDue()
    }
  }

  /** Waits until there are entries or retention is due. @returns the position behind the last entry */
  #await(): number {
    Atomics.store(this.#control, CONTROL.sleeping, 1)
    Atomics.wait(this.#control, CONTROL.tail, this.#position, this.#retention.untilTurn())
    Atomics.store(this.#control, CONTROL.sleeping, 0)
    return Atomics.load(this.#control, CONTROL.tail)
  }

  #acknowledge(group: GroupResult): void {
    const [first] = group.acknowledgements
    if (group.acknowledgements.length > 1 || first?.failure) {
      tell({ is: 'acknowledged', groups: group.acknowledgements })
    } else if (group.count > 0) {
      tell(group.count)
    }
  }

  /** @returns true when the writer is to end */
  #obey(command: Command): boolean {
    if (command.do === 'tick') this.#retention.told(command.now)
    return command.do === 'close'
  }
}

function main(start: WriterStart): void {
  const path = join(start.directory, LEDGER_FILE)
  let db: DatabaseSync
  let lock: DatabaseSync
  let writer: Writer
  try {
    lock = lockForWriting(start.directory)
  } catch (error) {
    tell({ is: 'refused', message: error instanceof Error ? error.message : String(error) })
    return
  }
  try {
    db = openForWriting(start)
    const latestAt = timeOf(latestIdOf(db))
    writer = new Writer(db, start, path, latestAt)
    tell({ is: 'open', keys: new KeyRows(db).all(), latestAt })
  } catch (error) {
    tell({ is: 'refused', message: describeFault(error, 'open', path) })
    lock.close()
    return
  }
  writer.run()
  // Closing writes the log back into the file and deletes it, since this is the last connection.
  db.close()
  lock.close()
  tell({ is: 'closed' })
}

main(workerData as WriterStart)
