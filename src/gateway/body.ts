import type { IncomingMessage } from 'node:http'

/** 32 MB, as Anthropic has it. */
export const MAX_BODY_BYTES = 32_000_000

const EMPTY = Buffer.alloc(0)

export type BodyResult =
  | { readonly kind: 'whole'; readonly bytes: Buffer }
  | { readonly kind: 'tooLarge' }
  | { readonly kind: 'left' }

/**
 * Reads a request's body up to a bound. Calls back once: with the whole, or as soon as it is clear that it is too
 * large, or when the caller left before its end.
 */
export function readBody(request: IncomingMessage, maxBytes: number, done: (result: BodyResult) => void): void {
  const declared = request.headers['content-length']
  if (declared !== undefined && Number(declared) > maxBytes) return done({ kind: 'tooLarge' })
  let pieces: Buffer[] | null = null
  let first: Buffer | null = null
  let size = 0
  let over = false
  const finish = (result: BodyResult) => {
    if (over) return
    over = true
    // The listeners live as long as the answer does; the bytes must not.
    pieces = first = null
    done(result)
  }
  request.on('data', (piece: Buffer) => {
    size += piece.length
    if (over) return
    if (size > maxBytes) {
      return finish({ kind: 'tooLarge' })
    }
    if (first === null) first = piece
    else if (pieces === null) pieces = [first, piece]
    else pieces.push(piece)
  })
  request.on('end', () => {
    const bytes = pieces === null ? (first ?? EMPTY) : Buffer.concat(pieces, size)
    finish({ kind: 'whole', bytes })
  })
  // A request that breaks off ends by this event alone; that it was aborted is an error to Node.
  request.on('error', () => finish({ kind: 'left' }))
}
