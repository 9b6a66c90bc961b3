import { readFrame } from '../stream/frame.ts'
import { FrameEnds } from '../stream/frame-ends.ts'
import { objectIn, type Report } from '../usage/counts.ts'

/** A frame that was shown, or may be. */
export interface WholeFrame {
  readonly bytes: Buffer
  /** Null where it holds none, as a comment, or none that is an object. */
  readonly data: Report | null
}

/** @param bytes whole frames, one behind the other */
export function* framesOf(bytes: Buffer): Iterable<WholeFrame> {
  const ends = new FrameEnds()
  let at = 0
  while (at < bytes.length) {
    const found = ends.find(bytes, at)
    const end = found < 0 ? bytes.length : found
    const frame = bytes.subarray(at, end)
    yield { bytes: frame, data: dataOf(frame) }
    at = end
  }
}

function dataOf(frame: Buffer): Report | null {
  const { data } = readFrame(frame.toString('latin1'))
  if (data === null) return null
  try {
    return objectIn(JSON.parse(Buffer.from(data, 'latin1').toString()))
  } catch {
    return null
  }
}
