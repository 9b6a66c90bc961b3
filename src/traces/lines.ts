import { TraceError } from './trace.ts'

/** One line of a file, without its end. */
export interface Line {
  /** Counted from 1. */
  readonly number: number
  readonly text: string
}

const CHUNK_BYTES = 1 << 20

function* textOf(bytes: Uint8Array): Generator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
      yield decoder.decode(bytes.subarray(from, from + CHUNK_BYTES), { stream: true })
    }
    yield decoder.decode()
  } catch {
    throw new TraceError(null, 'expected text in UTF-8')
  }
}

/** The lines of a file that are not empty, read piece by piece so that no string ever holds all of it. */
export function* linesOf(bytes: Uint8Array): Generator<Line> {
  let number = 0
  let rest = ''
  for (const text of textOf(bytes)) {
    const pieces = (rest + text).split('\n')
    rest = pieces.pop()!
    for (const piece of pieces) {
      number++
      if (piece.trim() !== '') yield { number, text: piece.trimEnd() }
    }
  }
  if (rest.trim() !== '') yield { number: number + 1, text: rest.trimEnd() }
}
