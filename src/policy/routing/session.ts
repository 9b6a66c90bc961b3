/** Bytes of a conversation's opening that tell it from others; what comes after is not looked at. */
export const OPENING_BYTES = 2_048

/** High bits of a hash: with 32 low ones they make a whole number below 2^53. */
export const HIGH_BITS = 21

/** Where the two halves of a hash begin, and by what they multiply: constants of MurmurHash3 and of its authors' mixers. */
const LOW = { seed: 0x9e3779b9, multiplier: 0xcc9e2d51 }
const HIGH = { seed: 0x7f4a7c15, multiplier: 0x1b873593 }

/** What separates a key from what follows it, so that no two sessions read as the same text; no unit of text is so large. */
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
  // Of the opening 32 bits are enough to tell apart the conversations of one key, and it is read only once.
  const begins = opening === null || run !== null ? 0 : addBytes(LOW.seed, opening, LOW.multiplier)
  const low = half(LOW, key, run, begins)
  const high = half(HIGH, key, run, begins) >>> (32 - HIGH_BITS)
  // Zero means that there is no session.
  return high * 2 ** 32 + low || 1
}

/** 32 bits of a deployment's name, by which its places in tables are found. */
export function nameHash(name: string): number {
  return finish(addText(LOW.seed, name, LOW.multiplier))
}

type Half = typeof LOW

function half({ seed, multiplier }: Half, key: string, run: string | null, begins: number): number {
  const hash = addText(seed, key, multiplier)
  if (run !== null) return finish(addText(mix(hash, RUN, multiplier), run, multiplier))
  return finish(mix(mix(hash, OPENING, multiplier), begins, multiplier))
}

function mix(hash: number, word: number, multiplier: number): number {
  const mixed = Math.imul(hash ^ word, multiplier)
  return mixed ^ (mixed >>> 15)
}

function addText(hash: number, text: string, multiplier: number): number {
  let mixed = hash
  for (let i = 0; i < text.length; i++) mixed = mix(mixed, text.charCodeAt(i), multiplier)
  return mixed
}

/** Four bytes at a time; the length tells bytes that are zero from bytes that are not there. */
function addBytes(hash: number, bytes: Uint8Array, multiplier: number): number {
  const end = Math.min(bytes.length, OPENING_BYTES)
  const whole = end - (end % 4)
  let mixed = hash
  for (let i = 0; i < whole; i += 4) {
    const word = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24)
    mixed = mix(mixed, word, multiplier)
  }
  for (let i = whole; i < end; i++) mixed = mix(mixed, bytes[i]!, multiplier)
  return mix(mixed, end, multiplier)
}

/** The finish of MurmurHash3: every bit of the whole changes every bit of the result. */
function finish(hash: number): number {
  let mixed = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
