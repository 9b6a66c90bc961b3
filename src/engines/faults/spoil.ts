import type { AttemptSink, RawHeaders, TransportFailure } from '../../ports/engine.ts'
import type { FaultyAttempt } from './attempt.ts'
import { errorFrame, GARBAGE, GARBAGE_FRAME } from './bodies.ts'
import { PassingFrames } from './frames.ts'
import type { FaultKind } from './plan.ts'

/** How an answer is spoilt: how much of it comes, and what follows. */
interface Spoiling {
  /** Nothing of the content comes; of a plain answer nothing at all. */
  readonly beforeContent?: true
  /** The first half of the frame that is next comes too. Plain answers always break in the middle. */
  readonly half?: true
  readonly follows: 'cut' | 'end' | 'stall' | 'error' | 'garbage'
}

export const SPOILINGS = {
  truncatedJson: { half: true, follows: 'end' },
  shortBody: { half: true, follows: 'cut' },
  cutBeforeContent: { beforeContent: true, follows: 'cut' },
  roleOnly: { beforeContent: true, follows: 'stall' },
  cut: { follows: 'cut' },
  endWithoutTerminal: { follows: 'end' },
  halfFrame: { half: true, follows: 'end' },
  garbage: { follows: 'garbage' },
  errorEvent: { follows: 'error' },
  stall: { follows: 'stall' },
} as const satisfies Readonly<Partial<Record<FaultKind, Spoiling>>>

/** Passes an answer on until its fault strikes. Errors of the upstream itself are passed on as they are. */
export class Spoiler implements AttemptSink {
  readonly #attempt: FaultyAttempt
  readonly #spoiling: Spoiling
  #frames: PassingFrames | null = null
  #content = 0
  /** What comes now goes on as it is: an error, or what stands behind garbage. */
  #through = false
  /** Nothing more goes on, whatever comes. */
  #over = false

  constructor(attempt: FaultyAttempt, spoiling: Spoiling) {
    this.#attempt = attempt
    this.#spoiling = spoiling
  }

  head(status: number, headers: RawHeaders): void {
    const { outlet, request } = this.#attempt
    this.#through = status >= 300
    if (this.#through) return outlet.head(status, headers)
    const keepsLength = this.#spoiling.follows === 'cut'
    outlet.head(status, keepsLength ? headers : withoutLength(headers))
    if (isEventStream(headers)) {
      this.#frames = new PassingFrames(request.endpoint)
      this.#strikeIfDue()
    } else if (this.#spoiling.beforeContent) this.#strike()
  }

  data(chunk: Uint8Array): void {
    if (this.#over) return
    if (this.#through) return this.#attempt.outlet.data(chunk)
    if (this.#frames !== null) return this.#takeFrames(this.#frames, chunk)
    if (chunk.length === 0) return
    const middle = Math.floor(chunk.length / 2)
    this.#attempt.outlet.data(chunk.subarray(0, middle))
    this.#strike()
    if (!this.#over) this.#attempt.outlet.data(chunk.subarray(middle))
  }

  end(): void {
    if (this.#over) return
    if (!this.#through && this.#spoiling.beforeContent) return this.#strike()
    if (this.#frames !== null) this.#attempt.outlet.data(this.#frames.rest())
    this.#attempt.outlet.end()
  }

  fail(failure: TransportFailure): void {
    if (!this.#over) this.#attempt.outlet.fail(failure)
  }

  #takeFrames(frames: PassingFrames, chunk: Uint8Array): void {
    const { beforeContent, half } = this.#spoiling
    const { outlet, fault } = this.#attempt
    for (const { bytes, hasContent } of frames.push(chunk)) {
      if (this.#over) return
      if (this.#through) {
        outlet.data(bytes)
        continue
      }
      if (beforeContent && hasContent) return this.#strike()
      if (half && this.#content >= fault.tokens) {
        outlet.data(bytes.subarray(0, Math.floor(bytes.length / 2)))
        return this.#strike()
      }
      outlet.data(bytes)
      if (hasContent) this.#content++
      this.#strikeIfDue()
    }
    // A frame that has begun goes on with what is next; only garbage has something behind it.
    if (this.#through) this.#passRest(frames)
  }

  #passRest(frames: PassingFrames): void {
    this.#attempt.outlet.data(frames.rest())
    this.#frames = null
  }

  #strikeIfDue(): void {
    const { beforeContent, half } = this.#spoiling
    if (!beforeContent && !half && !this.#through && this.#content >= this.#attempt.fault.tokens) this.#strike()
  }

  #strike(): void {
    const { outlet, request } = this.#attempt
    const { follows } = this.#spoiling
    if (follows === 'garbage') {
      this.#through = true
      return outlet.data(Buffer.from(this.#frames === null ? GARBAGE : GARBAGE_FRAME))
    }
    this.#over = true
    this.#attempt.leave()
    if (follows === 'cut') outlet.break('it closed the connection')
    if (follows === 'error') outlet.data(Buffer.from(errorFrame(request.endpoint)))
    if (follows === 'end' || follows === 'error') outlet.end()
  }
}

/** Lets every frame through but the one that ends the stream. */
export class WithoutTerminal implements AttemptSink {
  readonly #attempt: FaultyAttempt
  #frames: PassingFrames | null = null

  constructor(attempt: FaultyAttempt) {
    this.#attempt = attempt
  }

  head(status: number, headers: RawHeaders): void {
    if (status < 300 && isEventStream(headers)) this.#frames = new PassingFrames(this.#attempt.request.endpoint)
    this.#attempt.outlet.head(status, headers)
  }

  data(chunk: Uint8Array): void {
    const { outlet } = this.#attempt
    if (this.#frames === null) return outlet.data(chunk)
    for (const { bytes, isTerminal } of this.#frames.push(chunk)) if (!isTerminal) outlet.data(bytes)
  }

  end(): void {
    if (this.#frames !== null) this.#attempt.outlet.data(this.#frames.rest())
    this.#attempt.outlet.end()
  }

  fail(failure: TransportFailure): void {
    this.#attempt.outlet.fail(failure)
  }
}

export function isEventStream(headers: RawHeaders): boolean {
  return headers.some(
    (name, i) => i % 2 === 0 && name === 'content-type' && /^text\/event-stream/i.test(headers[i + 1]!),
  )
}

function withoutLength(headers: RawHeaders): RawHeaders {
  return headers.filter((_, i) => headers[i - (i % 2)] !== 'content-length')
}
