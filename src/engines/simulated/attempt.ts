import type { AttemptHandle, AttemptSink } from '../../ports/engine.ts'
import type { EngineEvent } from '../../simulation/engine.ts'
import { type Answer, jsonPiece } from './answers/answer.ts'
import type { AnswerWire, Counts, StreamWire, Told } from './answers/wire.ts'
import type { ReplicaDriver, SequenceListener } from './driver.ts'

/** Tokens of one answer that may wait for a reader who paused; then the engine holds the sequence back. */
export const MAX_HELD_TOKENS = 256

export const JSON_HEADERS = ['content-type', 'application/json'] as const
const STREAM_HEADERS = ['content-type', 'text/event-stream; charset=utf-8', 'cache-control', 'no-cache'] as const

/** One answer on its way. */
interface Choice {
  readonly sequence: number
  readonly answer: Answer
  /** Tokens that the engine has given, and that were shown. */
  given: number
  shown: number
  finished: boolean
  ended: boolean
  /** Held back in the engine. */
  held: boolean
}

/** Where an attempt's sequences run, and how its answer looks. */
export interface Generation {
  readonly driver: ReplicaDriver
  readonly wire: AnswerWire
  readonly told: Told
  /** Of the sequences, one for each answer. */
  readonly sequences: readonly number[]
}

/** An attempt that generates text: takes what the engine gives, and shows it as the dialect wants it. */
export class TextAttempt implements AttemptHandle, SequenceListener {
  #sink: AttemptSink | null
  readonly #generation: Generation
  readonly #choices: Choice[]
  readonly #stream: StreamWire | null
  #cachedTokens = 0
  #paused = false
  #opened = false

  constructor(sink: AttemptSink, generation: Generation) {
    this.#sink = sink
    this.#generation = generation
    const { told, wire, sequences } = generation
    this.#stream = told.ask.streamed ? wire.stream(told) : null
    this.#choices = told.answers.map((answer, i) => ({
      sequence: sequences[i]!,
      answer,
      given: 0,
      shown: 0,
      finished: false,
      ended: false,
      held: false,
    }))
  }

  pause(): void {
    this.#paused = true
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    // Told later, since whoever resumes does not expect to be called meanwhile.
    queueMicrotask(() => this.flush())
  }

  abort(): void {
    if (this.#sink === null) return
    this.#sink = null
    for (const { sequence, finished } of this.#choices) if (!finished) this.#generation.driver.remove(sequence)
  }

  /** Ends an attempt whose engine went away. */
  cut(message: string): void {
    const sink = this.#sink
    this.abort()
    sink?.fail({ kind: this.#opened ? 'cut' : 'unreachable', message })
  }

  heard(event: EngineEvent): void {
    const choice = this.#choices.find(({ sequence }) => sequence === event.id)!
    switch (event.kind) {
      case 'firstToken':
        if (choice === this.#choices[0]) this.#cachedTokens = event.cachedTokens
        choice.given++
        return
      case 'tokens':
        choice.given += event.count
        return
      case 'finished':
        choice.finished = true
        return
      case 'preempted':
        return
    }
  }

  flush(): void {
    if (this.#sink === null) return
    if (this.#stream === null) return this.#flushPlain(this.#sink)
    this.#holdBack()
    if (!this.#paused) this.#flushStream(this.#sink, this.#stream)
  }

  #flushPlain(sink: AttemptSink): void {
    if (this.#paused || !this.#choices.every(({ finished }) => finished)) return
    const { wire, told } = this.#generation
    sink.head(200, JSON_HEADERS)
    // The sink may break off whenever it is called.
    if (this.#sink !== null) sink.data(Buffer.from(wire.plain(told, this.#counts())))
    if (this.#sink === null) return
    this.#sink = null
    sink.end()
  }

  /** A reader who paused holds its own sequences back; they keep their blocks, and others go on. */
  #holdBack(): void {
    for (const choice of this.#choices) {
      const hold = this.#paused && choice.given - choice.shown >= MAX_HELD_TOKENS
      if (hold === choice.held || choice.finished) continue
      choice.held = hold
      if (hold) this.#generation.driver.pause(choice.sequence)
      else this.#generation.driver.resume(choice.sequence)
    }
  }

  #flushStream(sink: AttemptSink, stream: StreamWire): void {
    const frames = this.#frames(stream)
    if (frames === '') return
    const whole = this.#choices.every(({ ended }) => ended)
    const first = !this.#opened
    this.#opened = true
    if (first) sink.head(200, STREAM_HEADERS)
    // The sink may pause or break off whenever it is called.
    if (this.#sink === null) return
    sink.data(Buffer.from(whole ? frames + stream.closing(this.#counts()) : frames))
    if (!whole || this.#sink === null) return
    this.#sink = null
    sink.end()
  }

  #frames(stream: StreamWire): string {
    let frames = ''
    for (const [place, choice] of this.#choices.entries()) {
      if (choice.given === 0 || choice.ended) continue
      if (choice.shown === 0) {
        if (!this.#opened && frames === '') frames = stream.opening(this.#counts())
        frames += stream.beginChoice(place)
      }
      for (; choice.shown < choice.given; choice.shown++) {
        frames += stream.token(place, jsonPiece(choice.answer, choice.shown, choice.shown + 1))
      }
      if (choice.finished) {
        choice.ended = true
        frames += stream.endChoice(place)
      }
    }
    return frames
  }

  #counts(): Counts {
    return {
      promptTokens: this.#generation.told.ask.prompt.count,
      cachedTokens: this.#cachedTokens,
      outputTokens: this.#choices.reduce((sum, { answer }) => sum + answer.tokens, 0),
    }
  }
}
