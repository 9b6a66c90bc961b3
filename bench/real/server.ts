import type { Clock } from '../../src/ports/clock.ts'
import type { Held, Memory } from './memory.ts'

/** What a server was measured to take, in milliseconds. */
export interface Speeds {
  readonly prefillTokenMs: number
  /** Of a step that only decodes, and of each sequence in it. */
  readonly decodeStepMs: number
  readonly decodeSequenceMs: number
}

/** A call as a server sees it; tokens are told apart by numbers. */
export interface Job {
  readonly prompt: readonly number[]
  readonly outputTokens: number
  began(cachedTokens: number): void
  ended(): void
}

interface Sequence {
  readonly job: Job
  readonly held: Held
  unread: number
  written: number
}

/** Tokens of one step at most: the server's own default. */
const BATCH_TOKENS = 2_048

/** A modelled llama.cpp: prompts are read together, in the same steps in which others write. */
export class ModelledServer {
  readonly #clock: Clock
  readonly #memory: Memory
  readonly #speeds: Speeds
  readonly #waiting: Job[] = []
  readonly #running: Sequence[] = []
  #isBusy = false

  constructor(clock: Clock, memory: Memory, speeds: Speeds) {
    this.#clock = clock
    this.#memory = memory
    this.#speeds = speeds
  }

  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running.length, waiting: this.#waiting.length }
  }

  submit(job: Job): void {
    this.#waiting.push(job)
    if (!this.#isBusy) this.#step()
  }

  #step(): void {
    this.#admit()
    this.#isBusy = this.#running.length > 0
    if (!this.#isBusy) return
    const parts = this.#parts()
    const read = parts.reduce((sum, part) => sum + part, 0)
    const writing = this.#running.filter(({ unread }) => unread === 0).length
    const { prefillTokenMs, decodeStepMs, decodeSequenceMs } = this.#speeds
    const ms = read * prefillTokenMs + (read === 0 ? decodeStepMs : 0) + writing * decodeSequenceMs
    this.#clock.after(ms, () => {
      this.#done(parts)
      this.#step()
    })
  }

  #admit(): void {
    for (let job = this.#waiting[0]; job; job = this.#waiting[0]) {
      const held = this.#memory.take(job.prompt)
      if (held === null) return
      this.#waiting.shift()
      this.#running.push({ job, held, unread: job.prompt.length - held.cachedTokens, written: 0 })
    }
  }

  /** How many tokens of each one's prompt are read in this step. */
  #parts(): readonly number[] {
    let room = BATCH_TOKENS
    return this.#running.map(({ unread }) => {
      const part = Math.min(room, unread)
      room -= part
      return part
    })
  }

  #done(parts: readonly number[]): void {
    const ended: Sequence[] = []
    for (const [i, sequence] of this.#running.slice(0, parts.length).entries()) {
      const { job, held } = sequence
      sequence.unread -= parts[i]!
      if (sequence.unread > 0) continue
      if (sequence.written++ === 0) job.began(held.cachedTokens)
      if (sequence.written >= job.outputTokens) ended.push(sequence)
    }
    for (const sequence of ended) {
      this.#running.splice(this.#running.indexOf(sequence), 1)
      sequence.held.release()
    }
    for (const { job } of ended) job.ended()
  }
}
