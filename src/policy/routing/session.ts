/** Bytes of a conversation's opening that tell it from others; what comes after is not looked at. */
export const OPENING_BYTES = 2_048

/** Multipliers of MurmurHash3's mixing step and finish, by which single bits spread over all. */
const MIX_LOW = 0xcc9e2d51
const MIX_HIGH = 0x1b873593
const FINISH_LOW = 0x85ebca6b
const FINISH_HIGH = 0xc2b2ae35
/** High bits of a hash: with 32 low ones they make a whole number below 2^53. */
export const HIGH_BITS = 21

/** What separates a key from what follows it, so that no two sessions read as the same text; no text has it in it. */
const RUN = 0x1_0000
const OPENING = 0x1_0001

/**
 * What a session is, as a number: a run of a key where the call has one; else the calls of a key that begin alike, as
 * those of one conversation do. Not for secrets: who wants two sessions to have the same number can find them, and gains
 * a worse choice of deployments for his own calls.
 *
 * @param opening the first bytes of the body; only the first 2,048 count
 * @returns below 2^53; 0 when there is neither run nor opening, which is no session
 */
export function sessionHash(key: string, run: string | null, opening: Uint8Array | null): number {
  if (run === null && opening === null) return 0
  let low = 0x9e3779b9
  let high = 0x7f4a7c15
  const take = (word: number) => {
    low = Math.imul(low ^ word, MIX_LOW)
    low ^= low >>> 15
    high = Math.imul((high ^ word) + low, MIX_HIGH)
    high ^= high >>> 13
  }
  for (let i = 0; i < key.length; i++) take(key.charCodeAt(i))
  take(run === null ? OPENING : RUN)
  if (run !== null) for (let i = 0; i < run.length; i++) take(run.charCodeAt(i))
  else {
    const bytes = opening!
    const end = Math.min(bytes.length, OPENING_BYTES)
    let i = 0
    for (; i + 4 <= end; i += 4) {
      take(bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24))
    }
    for (; i < end; i++) take(bytes[i]!)
    take(end)
  }
  return joined(low, high)
}

/** One half of a deployment's hash, by which its places in tables are found. */
export function nameHash(name: string): number {
  let hash = 0x9e3779b9
  for (let i = 0; i < name.length; i++) {
    hash = Math.imul(hash ^ name.charCodeAt(i), MIX_LOW)
    hash ^= hash >>> 15
  }
  return finished(hash, FINISH_LOW)
}

function finished(half: number, multiplier: number): number {
  const mixed = Math.imul(half ^ (half >>> 16), multiplier)
  return (mixed ^ (mixed >>> 13)) >>> 0
}

function joined(low: number, high: number): number {
  const upper = finished(high, FINISH_HIGH) >>> (32 - HIGH_BITS)
  // Zero means that there is no session.
  return upper * 2 ** 32 + finished(low, FINISH_LOW) || 1
}
