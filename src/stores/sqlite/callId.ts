import type { EpochMs } from '../../units/time.ts'
import { type CallId, ID_EPOCH_MS, integerAtTime } from '../../vocabulary/id.ts'

/** An id taken apart into numbers, for the path of every call: the bigint of `callIdToInteger` takes some 20 times as long. */
export interface ParsedId {
  /** Milliseconds since ID_EPOCH_MS, below 2^41. */
  sinceEpochMs: number
  /** Instance and sequence, below 2^22. */
  low: number
}

const PREFIX = 'pen_'
const LENGTH = 18
/** Value of each ASCII character of Crockford's alphabet in lower case; 255 for any other. */
const VALUES = new Uint8Array(128).fill(255)
for (const [value, character] of [...'0123456789abcdefghjkmnpqrstvwxyz'].entries()) {
  VALUES[character.charCodeAt(0)] = value
}

function digit(id: string, at: number): number {
  const code = id.charCodeAt(at)
  return code < 128 ? VALUES[code]! : 255
}

/** @returns false when the text is no id, exactly where `callIdToInteger` returns null */
export function parseCallId(id: CallId, into: ParsedId): boolean {
  if (id.length !== LENGTH || !id.startsWith(PREFIX)) return false
  let faults = 0
  let high = 0
  for (let at = 4; at < 9; at++) {
    const value = digit(id, at)
    faults |= value
    high = (high << 5) | value
  }
  let middle = 0
  for (let at = 9; at < 13; at++) {
    const value = digit(id, at)
    faults |= value
    middle = (middle << 5) | value
  }
  let low = 0
  for (let at = 13; at < LENGTH; at++) {
    const value = digit(id, at)
    faults |= value
    low = (low << 5) | value
  }
  if (faults > 31 || high >= 1 << 21 || low >= 1 << 22) return false
  into.sinceEpochMs = high * 0x100000 + middle
  into.low = low
  return true
}

const LARGEST_ID = (1n << 63n) - 1n

/** The smallest id that a call of this time or later has, within what SQLite can compare; infinite for the end of time. */
export function smallestIdAt(at: EpochMs): bigint {
  if (at >= ID_EPOCH_MS + 2 ** 41) return LARGEST_ID
  return integerAtTime(Math.ceil(at))
}
