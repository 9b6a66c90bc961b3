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
  /** Whether the data, though no JSON, ends the stream. */
  isTerminal(data: string): boolean
  read(event: Report, name: string | null): Verdict
}
