import type { Seen } from './load/caller.ts'

/**
 * What became of a call in front of a failing upstream.
 *
 * - `survived`: one whole answer, word for word.
 * - `honest`: the caller was told of the failure, by a status or by an error in the stream.
 * - `cut`: the connection broke without a word.
 * - `false`: something that is not a whole answer, ended as if it were one.
 * - `hung`: no end within the caller's patience.
 */
export type Ending = 'survived' | 'honest' | 'cut' | 'false' | 'hung'
export const ENDINGS = ['survived', 'honest', 'cut', 'false', 'hung'] as const satisfies readonly Ending[]

/** Judges a call by what it should have said; leniently where an official client would notice. */
export function endingOf(seen: Seen, of: { readonly streamed: boolean; readonly text: string }): Ending {
  if (seen.hung) return 'hung'
  if (seen.status >= 400) return 'honest'
  if (seen.status === 0) return 'cut'
  return of.streamed ? endingOfStream(seen, of.text) : endingOfPlain(seen, of.text)
}

function endingOfPlain({ text, cut }: Seen, expected: string): Ending {
  if (cut) return 'cut'
  const answer = parsed(text)
  if (answer?.error) return 'honest'
  const [choice] = answer?.choices ?? []
  return choice?.message?.content === expected && choice.finish_reason ? 'survived' : 'false'
}

/**
 * An error in a stream is honest even before `[DONE]`: official clients throw at the error. A finish reason before it is
 * not, because by then a client has taken the answer for whole.
 */
function endingOfStream({ text, cut }: Seen, expected: string): Ending {
  const stream = readStream(text)
  if (stream.errors > 0) return stream.finishes === 0 && stream.unreadable === 0 ? 'honest' : 'false'
  const isClean = stream.unreadable === 0 && stream.finishes === 1 && stream.ends > 0
  if (isClean && stream.text === expected) return 'survived'
  return cut && stream.finishes === 0 && stream.ends === 0 ? 'cut' : 'false'
}

/** What a client makes of a chat stream. */
export interface ReadStream {
  readonly text: string
  readonly finishes: number
  /** Terminal events. */
  readonly ends: number
  readonly errors: number
  /** Frames that are not JSON: official clients break on them. */
  readonly unreadable: number
}

export function readStream(text: string): ReadStream {
  const seen = { text: '', finishes: 0, ends: 0, errors: 0, unreadable: 0 }
  for (const line of text.split(/\r\n|\n|\r/)) {
    if (!line.startsWith('data:')) continue
    const data = line.slice('data:'.length).trim()
    if (data === '[DONE]') {
      seen.ends++
      continue
    }
    const frame = parsed(data)
    if (frame === null) seen.unreadable++
    if (frame?.error) seen.errors++
    for (const { delta, finish_reason } of frame?.choices ?? []) {
      seen.text += delta?.content ?? ''
      if (finish_reason) seen.finishes++
    }
  }
  return seen
}

interface Frame {
  readonly error?: unknown
  readonly choices?: readonly {
    readonly delta?: { readonly content?: string | null }
    readonly message?: { readonly content?: string | null }
    readonly finish_reason?: string | null
  }[]
}

function parsed(text: string): Frame | null {
  try {
    return JSON.parse(text) as Frame
  } catch {
    return null
  }
}
