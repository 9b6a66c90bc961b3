import { join } from 'node:path'
import type { DatabaseSync } from 'node:sqlite'
import { parentPort, workerData } from 'node:worker_threads'
import type { EpochMs } from '../../units/time.ts'
import { ID_EPOCH_MS, integerAtTime } from '../../vocabulary/id.ts'
import type { Command, WriterMessage } from './command.ts'
import { LEDGER_FILE, lockForWriting, openForWriting, type WriterSettings } from './database.ts'
import { describeFault } from './fault.ts'
import { Forgetting } from './forgetting.ts'
import { type GroupResult, Groups } from './group.ts'
import { KeyRows } from './keyRows.ts'
import { LimitRows } from './limitRows.ts'
import { CONTROL, type RingMemory, viewRing } from './ring.ts'
import { Sweeper } from './sweep.ts'

/** What the writer's thread is started with. */
export interface WriterStart extends WriterSettings {
  readonly ring: RingMemory
  /** Age at which records are rolled up; null to keep all. */
  readonly retainMs: number | null
  /** Whose time retention goes by: that of the latest record, or what \`tick\` tells. */
  readonly timeFrom: 'records' | 'ticks'
}

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

/** Decides when retention takes a turn, and what is old. */
class Retention {
  readonly #sweeper: Sweeper
  readonly #retainMs: number | null
  readonly #timeFrom: 'records' | 'ticks'
  #now: EpochMs
  #nextTurn = 0

  constructor(db: DatabaseSync, { retainMs, timeFrom }: WriterStart, latestAt: EpochMs) {
    this.#sweeper = new Sweeper(db)
    this.#retainMs = retainMs
    this.#timeFrom = timeFrom
    this.#now = timeFrom === 'records' ? latestAt : 0
  }

  ticked(now: EpochMs): void {
    if (this.#timeFrom === 'ticks') this.#now = now
  }

  recorded(at: EpochMs): void {
    if (this.#timeFrom === 'records' && at > this.#now) this.#now = at
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
  readonly #forgetting: Forgetting
  #position = 0

  constructor(
    db: DatabaseSync,
    start: WriterStart,
    { path, limits, latestAt }: { readonly path: string; readonly limits: LimitRows; readonly latestAt: EpochMs },
  ) {
    const views = viewRing(start.ring)
    this.#control = views.control
    this.#groups = new Groups(db, { path, views, limits })
    this.#retention = new Retention(db, start, latestAt)
    this.#forgetting = new Forgetting(limits)
  }

  run(): void {
    for (;;) {
      const tail = this.#await()
      if (tail !== this.#position) {
        const group = this.#groups.write(this.#position, tail)
        this.#position = group.end
        Atomics.store(this.#control, CONTROL.head, group.end)
        this.#acknowledge(group)
        if (group.commands.some(command => this.#obey(command))) return
        this.#retention.recorded(timeOf(group.latestId))
      }
      this.#retention.turnWhenDue()
      this.#forgetting.turnWhenDue()
    }
  }

  /** Waits until there are entries or something is to be deleted. @returns the position behind the last entry */
  #await(): number {
    Atomics.store(this.#control, CONTROL.sleeping, 1)
    const untilTurn = Math.min(this.#retention.untilTurn(), this.#forgetting.untilTurn())
    Atomics.wait(this.#control, CONTROL.tail, this.#position, untilTurn)
    Atomics.store(this.#control, CONTROL.sleeping, 0)
    return Atomics.load(this.#control, CONTROL.tail)
  }

  #acknowledge(group: GroupResult): void {
    const [first] = group.acknowledgements
    if (group.acknowledgements.length > 1 || first?.failure) {
      tell({ is: 'acknowledged', groups: group.acknowledgements, isCommitted: group.isCommitted })
    } else {
      // Also when it is 0: those who wait for room in the ring must hear of it.
      tell(group.count)
    }
  }

  /** @returns true when the writer is to end */
  #obey(command: Command): boolean {
    if (command.do === 'tick') this.#retention.ticked(command.now)
    else if (command.do === 'cover') this.#forgetting.wake()
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
    const limits = new LimitRows(db)
    writer = new Writer(db, start, { path, limits, latestAt })
    tell({ is: 'open', keys: new KeyRows(db).all(), limits: limits.all(), lastSeq: limits.lastSeq(), latestAt })
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
