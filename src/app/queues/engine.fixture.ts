import type { AttemptHandle, AttemptSink, UpstreamRequest } from '../../ports/engine.ts'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { VirtualTime } from '../outages/time.fixture.ts'
import { chatChunk, chatWhole, textOf, tokensOf } from './speech.fixture.ts'

/** Of a refusal that asks to be left alone. */
const QUIET_SECONDS = 1
const CONNECTING_MS = 1

export interface EngineTerms {
  readonly slots: number
  readonly cacheTokens: number
  readonly prefillTokenMs: number
  readonly stepMs: number
}

/** A call as its engine has it. */
export interface Job {
  readonly request: UpstreamRequest
  readonly sink: AttemptSink
  /** What it was asked, and what of the answer is not said yet. */
  readonly question: string
  readonly rest: string
  readonly promptTokens: number
  cachedTokens: number
  written: number
  hasHead: boolean
  isRunning: boolean
  isPaused: boolean
  isOver: boolean
}

/** One engine: so many calls at once, the others in a queue of its own, and a cache of what it read. */
export class Engine {
  readonly url: string
  /** Of this gateway. */
  readonly open = new Set<Job>()
  hungUntil = 0
  isDead = false
  refuses: 0 | 429 | 503 = 0
  slowness = 1
  readonly #terms: EngineTerms
  readonly #time: VirtualTime
  readonly #queue: Job[] = []
  readonly #cached: string[] = []
  #running = 0

  constructor(url: string, terms: EngineTerms, time: VirtualTime) {
    this.url = url
    this.#terms = terms
    this.#time = time
  }

  get load(): EngineLoad {
    return { running: this.#running, waiting: this.#queue.length, kvUse: 0, kvTokens: null, maxRunning: null }
  }

  take(request: UpstreamRequest, sink: AttemptSink): AttemptHandle {
    const body = JSON.parse(Buffer.concat(request.body).toString())
    const last = body.messages.at(-1)
    const question: string = body.messages[0].content
    const job: Job = {
      request,
      sink,
      question,
      rest: textOf(question).slice(last.role === 'assistant' ? last.content.length : 0),
      promptTokens: tokensOf(question),
      cachedTokens: 0,
      written: 0,
      hasHead: false,
      isRunning: false,
      isPaused: false,
      isOver: false,
    }
    this.open.add(job)
    this.#after(job, CONNECTING_MS, () => this.#arrive(job))
    return {
      pause: () => {
        job.isPaused = true
      },
      resume: () => {
        job.isPaused = false
      },
      abort: () => this.#leave(job),
    }
  }

  die(): void {
    this.isDead = true
    this.#cached.length = 0
    for (const job of [...this.open]) this.#fail(job)
  }

  /** Its caller's thread is dead. */
  lose(job: Job): void {
    this.#leave(job)
  }

  #arrive(job: Job): void {
    if (this.isDead) return this.#fail(job)
    if (this.refuses > 0) return this.#refuse(job, this.refuses)
    this.#queue.push(job)
    this.#next()
  }

  #next(): void {
    while (this.#running < this.#terms.slots && this.#queue.length > 0) {
      const job = this.#queue.shift()!
      this.#running++
      job.isRunning = true
      job.cachedTokens = this.#cachedOf(job.question)
      const readMs = 2 + (job.promptTokens - job.cachedTokens) * this.#terms.prefillTokenMs
      this.#after(job, readMs * this.slowness, () => {
        this.#keep(job.question)
        this.#write(job)
      })
    }
  }

  #write(job: Job): void {
    if (job.isPaused) return this.#after(job, 5, () => this.#write(job))
    const { request, sink, rest: text } = job
    if (!request.streamed) {
      const restMs = (text.length / 4) * this.#terms.stepMs * this.slowness
      return this.#after(job, restMs, () => {
        const whole = chatWhole(text, { promptTokens: job.promptTokens, cachedTokens: job.cachedTokens })
        this.#end(job, () => {
          sink.head(200, ['content-type', 'application/json'])
          sink.data(Buffer.from(whole))
          sink.end()
        })
      })
    }
    if (!job.hasHead) {
      job.hasHead = true
      sink.head(200, ['content-type', 'text/event-stream'])
    }
    this.#stream(job, text)
  }

  #stream(job: Job, text: string): void {
    const { sink } = job
    if (job.written >= text.length) {
      const usage = { promptTokens: job.promptTokens, cachedTokens: job.cachedTokens, outputTokens: text.length / 4 }
      return this.#end(job, () => {
        sink.data(Buffer.from(`${chatChunk('', usage)}data: [DONE]\n\n`))
        sink.end()
      })
    }
    // A few tokens in a chunk, so that histories are short to play.
    const more = text.slice(job.written, job.written + 16)
    job.written += more.length
    sink.data(Buffer.from(chatChunk(more, null)))
    this.#after(job, (more.length / 4) * this.#terms.stepMs * this.slowness, () => this.#write(job))
  }

  /** What was freed is free before anybody hears of it. */
  #end(job: Job, tell: () => void): void {
    this.#leave(job)
    tell()
  }

  #fail(job: Job): void {
    const kind = job.hasHead ? 'cut' : 'unreachable'
    this.#end(job, () => job.sink.fail({ kind, message: 'the engine is gone' }))
  }

  #refuse(job: Job, status: number): void {
    const headers = ['content-type', 'application/json']
    if (status === 429) headers.push('retry-after', `${QUIET_SECONDS}`)
    this.#end(job, () => {
      job.sink.head(status, headers)
      job.sink.data(Buffer.from('{"error":{"message":"busy","type":"busy"}}'))
      job.sink.end()
    })
  }

  #leave(job: Job): void {
    if (job.isOver) return
    job.isOver = true
    this.open.delete(job)
    const at = this.#queue.indexOf(job)
    if (at >= 0) this.#queue.splice(at, 1)
    if (!job.isRunning) return
    this.#running--
    this.#next()
  }

  /** Nothing goes on while it hangs. */
  #after(job: Job, ms: number, then: () => void): void {
    this.#time.after(ms, () => {
      if (job.isOver) return
      const restMs = this.hungUntil - this.#time.now()
      if (restMs > 0) this.#after(job, restMs, then)
      else then()
    })
  }

  #cachedOf(question: string): number {
    let most = 0
    for (const other of this.#cached) most = Math.max(most, commonTokens(question, other))
    return Math.min(most, tokensOf(question) - 1)
  }

  #keep(question: string): void {
    this.#cached.push(question)
    let room = this.#terms.cacheTokens
    let from = this.#cached.length
    while (from > 0 && room >= tokensOf(this.#cached[from - 1]!)) room -= tokensOf(this.#cached[--from]!)
    this.#cached.splice(0, from)
  }
}

/** Tokens with which two questions begin alike: no two documents do. */
export function commonTokens(one: string, other: string): number {
  if (one === other) return tokensOf(one)
  const end = one.lastIndexOf('pen_')
  return other.startsWith(one.slice(0, end)) ? tokensOf(one.slice(0, end)) : 0
}
