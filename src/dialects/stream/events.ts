import type { Usage } from '../../vocabulary/usage.ts'
import type { Report } from '../usage/counts.ts'

/** What becomes of a frame: shown, dropped, or kept as the last event and shown at the end. */
export type Verdict = 'show' | 'drop' | 'last'

/** Where a text of content lies in an event: names of members, and `0` for the first element of a list. */
export interface ContentPlace {
  readonly path: readonly string[]
  readonly bytes: number
  /** False for a text that another one repeats. */
  readonly counted: boolean
}

/** The end that a stream is given where it was broken off: frames to show, the last one apart. */
export interface MadeEnd {
  readonly before: string
  readonly last: string
}

/** Understands the events of one stream. Its fields are what the reader tells of the stream. */
export interface StreamEvents {
  readonly sawContent: boolean
  readonly sawError: boolean
  readonly contentBytes: number
  readonly usage: Usage | null
  readonly usageFinal: boolean
  /** Whether a stream that ends now came to its proper end. */
  readonly whole: boolean
  /** The event read last, when it held content and nothing else that matters: the next ones may be recognised by it. */
  readonly places: readonly ContentPlace[] | null
  /** Whether the event read last says what the answer is called; `endAtLimit` is given the first such event. */
  readonly namesAnswer: boolean
  /** Whether the data, though no JSON, ends the stream. */
  isTerminal(data: string): boolean
  /** @param passed how many events were recognised so far, without being read */
  read(event: Report, name: string | null, passed: number): Verdict
  /**
   * Events that end the stream behind those read so far, as if the answer had reached its maximum length.
   *
   * @param naming the event that says what the answer is called; null when none came
   */
  endAtLimit(usage: Usage, naming: Report | null, passed: number): MadeEnd
}
