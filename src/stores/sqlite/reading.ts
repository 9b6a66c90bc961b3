import type { Worker } from 'node:worker_threads'
import type { Answers, QueryName, ReaderReply, ReaderRequest } from './query.ts'
import type { ReaderStart } from './reader.ts'
import { startThread, within } from './thread.ts'

/** Queries that wait for the reader's thread; more are refused. */
export const MAX_QUERIES = 1_000
/** How long closing waits for the query at work. */
const CLOSE_TIMEOUT_MS = 5_000

interface Asked {
  readonly resolve: (answer: never) => void
  readonly reject: (reason: Error) => void
}

/** Asks the reader's thread, which starts with the first question. */
export class Reading {
  readonly #path: string
  readonly #asked = new Map<number, Asked>()
  #worker: Worker | null = null
  #next = 1
  #isClosed = false

  constructor(path: string) {
    this.#path = path
  }

  /** @throws RangeError for a question that makes no sense, Error when the ledger can't be read */
  ask<Name extends QueryName>(name: Name, ask: Answers[Name]['ask']): Promise<Answers[Name]['answer']> {
    if (this.#isClosed) return Promise.reject(new Error('the ledger is closed'))
    if (this.#asked.size >= MAX_QUERIES) {
      return Promise.reject(new Error(`${MAX_QUERIES} queries of the ledger wait already; ask again later`))
    }
    const worker = this.#worker ?? this.#start()
    return new Promise((resolve, reject) => {
      const number = this.#next++
      this.#asked.set(number, { resolve, reject })
      worker.postMessage({ number, name, ask } satisfies ReaderRequest)
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const worker = this.#worker
    if (worker === null) return
    const exited = new Promise<void>(resolve => worker.once('exit', () => resolve()))
    worker.postMessage('close')
    await within(exited, CLOSE_TIMEOUT_MS, () => {})
    await worker.terminate()
  }

  #start(): Worker {
    const workerData: ReaderStart = { path: this.#path }
    const worker = startThread('reader', import.meta.url, workerData)
    worker.on('message', (reply: ReaderReply) => this.#hear(reply))
    worker.on('error', (error: Error) => this.#end(error.message))
    worker.on('exit', () => this.#end('it has ended'))
    this.#worker = worker
    return worker
  }

  #hear(reply: ReaderReply): void {
    const asked = this.#asked.get(reply.number)
    this.#asked.delete(reply.number)
    if ('answer' in reply) asked?.resolve(reply.answer as never)
    else asked?.reject(reply.isRange ? new RangeError(reply.failure) : new Error(reply.failure))
  }

  /** The next question starts a new thread. */
  #end(why: string): void {
    this.#worker = null
    const reason = new Error(`the thread that reads the ledger failed: ${why}`)
    for (const asked of this.#asked.values()) asked.reject(reason)
    this.#asked.clear()
  }
}
