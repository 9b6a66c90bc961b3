import { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { RawHeaders } from '../../ports/engine.ts'

/** Up to here a body is sent in one piece; undici keeps it until the answer has ended. */
const KEPT_BODY_BYTES = 65_536

/**
 * Headers and body as undici takes them. A large body goes as pieces that are let go as they are sent, since the answer
 * may stream for minutes after its prompt. The pieces themselves and their list stay as they are: another attempt may
 * send them again.
 */
export function sendable(
  headers: RawHeaders,
  pieces: readonly Uint8Array[],
): Pick<Dispatcher.DispatchOptions, 'headers' | 'body'> {
  let bytes = 0
  for (const piece of pieces) bytes += piece.length
  if (bytes <= KEPT_BODY_BYTES) {
    return { headers: headers as string[], body: pieces.length === 1 ? pieces[0] : Buffer.concat(pieces) }
  }
  const body = Readable.from(handedOver(pieces), { objectMode: false, highWaterMark: KEPT_BODY_BYTES })
  return { headers: [...headers, 'content-length', bytes.toString()], body }
}

function* handedOver(pieces: readonly Uint8Array[]): Generator<Uint8Array> {
  const left = [...pieces]
  for (let piece = left.shift(); piece !== undefined; piece = left.shift()) yield piece
}
