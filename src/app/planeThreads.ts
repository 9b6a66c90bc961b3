import { createServer } from 'node:net'
import { Worker } from 'node:worker_threads'
import type { HealthBoard } from '../policy/health/board.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import { lineOver } from '../threads/channel.ts'
import type { Lessee } from '../threads/lessee.ts'
import type { Owner } from '../threads/owner.ts'
import type { DurationMs } from '../units/time.ts'
import type { Key } from '../vocabulary/caller.ts'
import type { ListenAddress } from './configuration/configuration.ts'
import type { PlaneStart } from './planeWorker.ts'

/** How often threads are told whether the ledger takes records, and what others have learnt. */
const TELLING_MS: DurationMs = 50
/** A thread that died is followed by another one after so long, so that one which dies at its start does not spin. */
const RESTART_MS: DurationMs = 500

/** A thread that has not drained so long after its calls should have ended hears nothing any more, and is ended. */
const SPINNING_MS: DurationMs = 10_000

export interface ThreadsOptions extends Pick<PlaneStart, 'configuration' | 'faultPlan' | 'adminToken' | 'commons'> {
  readonly owner: Owner
  /** The owner's view of what threads know together. */
  readonly health: HealthBoard
  readonly ledger: Pick<LedgerStore, 'writable' | 'latestAt'>
  /** Keys as they are now. */
  keys(): readonly Key[]
  note(sentence: string): void
}

/** Threads of the data plane that listen on one port. */
export interface Threads {
  readonly port: number
  /** Lets their calls finish, then ends them. */
  drain(drainMs: DurationMs): Promise<void>
}

/**
 * Finds the port: the system gives it to nobody else while it is shared, but would also let a stranger share it, so that
 * it is taken alone first.
 *
 * @throws Error when it is taken
 */
function freePort({ host, port }: ListenAddress): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer()
    server.once('error', reject)
    server.listen({ host, port }, () => {
      const bound = server.address()
      server.close(() => resolve(typeof bound === 'object' && bound !== null ? bound.port : port))
    })
  })
}

/** Starts as many threads as the configuration asks for, and has another one follow each that dies. */
export async function openThreads(options: ThreadsOptions): Promise<Threads> {
  const { configuration, owner, ledger } = options
  const port = await freePort(configuration.listen)
  const pool = Array.from({ length: configuration.workers }, (_, i) => new PlaneThread(i + 1, port, options))
  let writable = ledger.writable
  const looking = setInterval(() => {
    owner.tellLessons()
    if (ledger.writable === writable) return
    writable = ledger.writable
    owner.tellWritable(writable)
  }, TELLING_MS).unref()
  const drain = async (drainMs: DurationMs) => {
    clearInterval(looking)
    await Promise.all(pool.map(thread => thread.drain(drainMs)))
  }
  try {
    await Promise.all(pool.map(thread => thread.start()))
  } catch (error) {
    await drain(0)
    throw error
  }
  return { port, drain }
}

/** One place in the pool, with the thread that has it now. */
class PlaneThread {
  readonly #instance: number
  readonly #port: number
  readonly #options: ThreadsOptions
  #worker: Worker | null = null
  #lessee: Lessee | null = null
  #isDraining = false
  /** One that never listened is a fault of the start, which fails then. */
  #hasListened = false

  constructor(instance: number, port: number, options: ThreadsOptions) {
    this.#instance = instance
    this.#port = port
    this.#options = options
  }

  start(): Promise<void> {
    const { configuration, faultPlan, adminToken, commons, owner, health, ledger, keys } = this.#options
    const { host } = configuration.listen
    const workerData: PlaneStart = {
      configuration,
      faultPlan,
      adminToken,
      keys: keys().filter(({ declared }) => !declared),
      instance: this.#instance,
      commons,
      // One that follows another must not make its ids again, even if the clock is set back.
      latestAt: Math.max(ledger.latestAt, Date.now()),
      host,
      port: this.#port,
    }
    const ending = import.meta.url.endsWith('.ts') ? '.ts' : '.js'
    const worker = new Worker(new URL(`./planeWorker${ending}`, import.meta.url), {
      workerData,
      name: `data plane ${this.#instance}`,
      execArgv: [],
    })
    const lessee = owner.attach(lineOver(worker))
    this.#worker = worker
    this.#lessee = lessee
    let failure = 'it ended'
    const ended = new Promise<void>((_, reject) => {
      worker.on('error', (error: unknown) => {
        failure = error instanceof Error ? error.message : String(error)
      })
      worker.on('exit', () => {
        owner.detach(lessee)
        // Its calls are no more: others must not think that they are under way.
        health.clearThread(this.#instance)
        reject(new Error(failure))
        this.#follow(failure)
      })
    })
    return Promise.race([lessee.listening.then(() => this.#listens()), ended])
  }

  #listens(): void {
    this.#hasListened = true
  }

  #follow(failure: string): void {
    if (this.#isDraining || !this.#hasListened) return
    this.#options.note(`a thread of the data plane died and is followed: ${failure}`)
    setTimeout(() => {
      if (!this.#isDraining) this.start().catch(() => {})
    }, RESTART_MS)
  }

  async drain(drainMs: DurationMs): Promise<void> {
    this.#isDraining = true
    const late = new Promise<void>(resolve => setTimeout(resolve, drainMs + SPINNING_MS).unref())
    await Promise.race([this.#lessee?.drain(drainMs), late])
    await this.#worker?.terminate()
  }
}
