import type { Worker } from 'node:worker_threads'
import type { KeptUse } from '../../ports/ledger.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import type { Acknowledgement, Command, Held, WriterMessage } from './command.ts'
import { Encoder } from './encoder.ts'
import { RingProducer } from './producer.ts'
import { Queue } from './queue.ts'
import { createRing } from './ring.ts'
import { TextEntries } from './textEntries.ts'
import { startThread, within } from './thread.ts'
import type { WriterStart } from './writer.ts'

/** Records, with the uses of limits between them, that wait for room in the ring as when the disk hangs; more are refused. */
export const MAX_WAITING = 100_000
/**
 * Records that wait for room in the ring while calls are still let in; the ring itself holds some 14,000. Far below
 * MAX_WAITING, since the records of the calls that are under way come on top.
 */
export const MAX_WAITING_WRITABLE = 10_000
/** Between two looks whether the disk takes records again, since no calls come that could show it. */
export const PROBE_INTERVAL_MS = 1_000
/** How long closing waits for the disk before it gives up. */
const CLOSE_TIMEOUT_MS = 15_000

type Durable = (failure: Error | null) => void

type Entry = CallRecord | Command | KeptUse

interface Waiting {
  readonly entry: Entry
  /** Null where nobody waits to be told. */
  readonly durable: Durable | null
}

export interface Opened {
  readonly journal: Journal
  readonly held: Held
}

/**
 * Starts the writer and waits until it has the ledger open.
 *
 * @throws Error naming the path when the ledger can't be opened
 */
export async function openJournal(start: Omit<WriterStart, 'ring'>): Promise<Opened> {
  const ring = createRing()
  const workerData: WriterStart = { ...start, ring }
  const worker = startThread('writer', import.meta.url, workerData)
  const message = await firstMessage(worker)
  if (typeof message !== 'number' && message.is === 'open') {
    return { journal: new Journal(worker, new RingProducer(ring)), held: message }
  }
  await worker.terminate()
  throw new Error(typeof message !== 'number' && message.is === 'refused' ? message.message : 'the ledger did not open')
}

function firstMessage(worker: Worker): Promise<WriterMessage> {
  return new Promise((resolve, reject) => {
    const ended = () => reject(new Error('the thread that writes the ledger ended as it started'))
    worker.once('error', reject)
    worker.once('exit', ended)
    worker.once('message', (message: WriterMessage) => {
      worker.off('error', reject)
      worker.off('exit', ended)
      resolve(message)
    })
  })
}

/** Hands records, commands and uses of limits to the writer's thread, and tells their owners when they are on disk. */
export class Journal {
  readonly #worker: Worker
  readonly #ring: RingProducer
  readonly #encoder: Encoder
  readonly #texts: TextEntries
  /** Owners of the entries in the ring, in their order. */
  readonly #owners = new Queue<Durable>()
  readonly #waiting = new Queue<Waiting>()
  #publishing = false
  /** Why nothing is taken any more; null while the journal is open. */
  #ended: Error | null = null
  readonly #exited: Promise<void>
  /** Whether calls should be let in, as LedgerStore has it: a field, since it is read for every call. */
  writable = true
  /** Looks for the disk to take records again; null while no commit has failed. */
  #probing: NodeJS.Timeout | null = null
  #isProbeUnderWay = false

  constructor(worker: Worker, ring: RingProducer) {
    this.#worker = worker
    this.#ring = ring
    this.#encoder = new Encoder(ring)
    this.#texts = new TextEntries(ring)
    worker.on('message', (message: WriterMessage) => this.#hear(message))
    worker.on('error', (error: Error) =>
      this.#end(new Error(`the thread that writes the ledger failed: ${error.message}`)),
    )
    this.#exited = new Promise(resolve => {
      worker.on('exit', () => {
        this.#end(new Error('the thread that writes the ledger has ended'))
        resolve()
      })
    })
  }

  /** Never throws and never calls back within the call. */
  append(record: CallRecord, durable: Durable): void {
    this.#put(record, durable)
  }

  /** Resolves when what the command changes is on disk. */
  command(command: Command): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#put(command, failure => (failure ? reject(failure) : resolve()))
    })
  }

  /**
   * Keeps a use of limits, in order with the records. Never throws. A disk that does not take it is asked again; where the
   * journal has ended or too much waits for it, the record that follows in the same turn fails too, and its owner is told.
   */
  keepUse(use: KeptUse): void {
    this.#put(use, null)
  }

  /** Writes what is pending, then ends the writer; gives up after CLOSE_TIMEOUT_MS. */
  async close(): Promise<void> {
    if (this.#ended === null) {
      this.#put({ do: 'close' }, () => {})
      this.#ended = new Error('the ledger is closed')
      this.#stopProbing()
    }
    const inTime = await within<boolean>(
      this.#exited.then(() => true),
      CLOSE_TIMEOUT_MS,
      () => false,
    )
    if (inTime) return
    await this.#worker.terminate()
    throw new Error(`the disk did not take the ledger's last records within ${CLOSE_TIMEOUT_MS} ms`)
  }

  #put(entry: Entry, durable: Durable | null): void {
    if (this.#ended !== null) {
      this.#fail(durable, this.#ended)
    } else if (this.#waiting.length > 0 || !this.#write(entry, durable)) {
      if (this.#waiting.length < MAX_WAITING) {
        this.#waiting.push({ entry, durable })
        this.#assess()
      } else this.#fail(durable, new Error(`the ledger's disk is too slow: ${MAX_WAITING} records wait for it`))
    }
  }

  /** @returns false while the ring has no room */
  #write(entry: Entry, durable: Durable | null): boolean {
    try {
      const written = this.#encode(entry)
      if (written && durable !== null) this.#owners.push(durable)
      if (!this.#publishing) this.#publishSoon()
      return written
    } catch (error) {
      this.#fail(durable, error instanceof Error ? error : new Error(String(error)))
      return true
    }
  }

  #encode(entry: Entry): boolean {
    if ('do' in entry) return this.#texts.command(JSON.stringify(entry))
    return 'seq' in entry ? this.#texts.use(entry) : this.#encoder.record(entry)
  }

  /** Once what this turn of the event loop still brings is there: one wake-up for all of it. */
  #publishSoon(): void {
    this.#publishing = true
    setImmediate(this.#publish)
  }

  readonly #publish = (): void => {
    this.#publishing = false
    this.#ring.publish()
  }

  #hear(message: WriterMessage): void {
    if (typeof message === 'number') {
      this.#acknowledge(message, null)
    } else if (message.is === 'acknowledged') {
      // First, so that whoever is told of the failure finds the journal as it is.
      if (!message.isCommitted) this.#startProbing()
      for (const group of message.groups) this.#acknowledgeGroup(group)
    }
    this.#drainWaiting()
  }

  #assess(): void {
    this.writable = this.#ended === null && this.#probing === null && this.#waiting.length <= MAX_WAITING_WRITABLE
  }

  #startProbing(): void {
    if (this.#ended !== null) return
    this.#probing ??= setInterval(() => this.#probe(), PROBE_INTERVAL_MS).unref()
    this.#assess()
  }

  #stopProbing(): void {
    if (this.#probing !== null) clearInterval(this.#probing)
    this.#probing = null
    this.#assess()
  }

  /** One at a time: the disk that is asked about may hang. */
  #probe(): void {
    if (this.#isProbeUnderWay) return
    this.#isProbeUnderWay = true
    this.#put({ do: 'probe' }, failure => {
      this.#isProbeUnderWay = false
      if (failure === null) this.#stopProbing()
    })
  }

  #acknowledgeGroup({ count, failure }: Acknowledgement): void {
    this.#acknowledge(count, failure === null ? null : new Error(failure))
  }

  #acknowledge(count: number, failure: Error | null): void {
    for (let done = 0; done < count; done++) this.#tell(this.#owners.shift()!, failure)
  }

  #drainWaiting(): void {
    for (let next = this.#waiting.peek(); next !== undefined; next = this.#waiting.peek()) {
      if (!this.#write(next.entry, next.durable)) break
      this.#waiting.shift()
    }
    if (!this.writable) this.#assess()
  }

  #end(reason: Error): void {
    this.#ended ??= reason
    this.#stopProbing()
    while (this.#owners.length > 0) this.#tell(this.#owners.shift()!, reason)
    while (this.#waiting.length > 0) this.#tell(this.#waiting.shift()!.durable, reason)
  }

  #fail(durable: Durable | null, reason: Error): void {
    if (durable !== null) queueMicrotask(() => durable(reason))
  }

  /** What one owner throws is a fault of the program; the others must still be told. */
  #tell(durable: Durable | null, failure: Error | null): void {
    try {
      durable?.(failure)
    } catch (error) {
      queueMicrotask(() => {
        throw error
      })
    }
  }
}
