/**
 * Names one call: `pen_` and 14 characters. It carries the time of arrival (41 bits of milliseconds since 2025), the
 * number of the instance that took the call (10 bits) and a sequence (12 bits), so that ids sort by time and the ledger
 * needs neither a second key nor an index of times. As an integer it fits the 63 bits of an SQLite rowid.
 */
export type CallId = string & { readonly __unit?: 'callId' }

/** 2025-01-01T00:00:00Z. */
export const ID_EPOCH_MS = 1_735_689_600_000
export const ID_INSTANCES = 1024
export const ID_SEQUENCES = 4096

// Crockford's alphabet in lower case: no i, l, o, u.
const ALPHABET = '0123456789abcdefghjkmnpqrstvwxyz'
const PAIRS = Array.from({ length: 1024 }, (_, i) => ALPHABET[i >> 5]! + ALPHABET[i & 31]!)
const PATTERN = /^pen_([0-9a-hjkmnp-tv-z]{9})([0-9a-hjkmnp-tv-z]{5})$/

/**
 * @param sinceEpochMs milliseconds since ID_EPOCH_MS, below 2^41
 * @param low instance × 4096 + sequence, below 2^22
 */
export function encodeCallId(sinceEpochMs: number, low: number): CallId {
  const high = Math.floor(sinceEpochMs / 0x100000)
  const middle = sinceEpochMs % 0x100000
  return `pen_${ALPHABET[(high >> 20) & 31]}${PAIRS[(high >> 10) & 1023]}${PAIRS[high & 1023]}${PAIRS[middle >> 10]}${
    PAIRS[middle & 1023]
  }${ALPHABET[(low >> 20) & 31]}${PAIRS[(low >> 10) & 1023]}${PAIRS[low & 1023]}`
}

/** The integer under which the ledger keeps a call; null when the text is no id. */
export function callIdToInteger(id: string): bigint | null {
  const found = PATTERN.exec(id)
  if (!found) return null
  let value = 0n
  for (const character of found[1]!) value = (value << 5n) | BigInt(ALPHABET.indexOf(character))
  let low = 0n
  for (const character of found[2]!) low = (low << 5n) | BigInt(ALPHABET.indexOf(character))
  if (value >= 1n << 41n || low >= 1n << 22n) return null
  return (value << 22n) | low
}

export function callIdFromInteger(value: bigint): CallId {
  return encodeCallId(Number(value >> 22n), Number(value & 0x3fffffn))
}

/** The smallest integer that a call which arrived at this time can have; for queries by time. */
export function integerAtTime(at: number): bigint {
  return BigInt(Math.max(0, Math.floor(at) - ID_EPOCH_MS)) << 22n
}
