/**
 * The memory through which records go from the thread that serves calls to the thread that writes them: one ring of
 * 8-byte words. Entries lie in it one after the other, each within one piece; the writer frees them once they are
 * committed. A ring of shared memory costs a fraction of a message for each record: measured, a wake-up through it
 * takes 7 µs there and back where a transferred buffer takes 20 µs, and records that arrive meanwhile cost no wake-up.
 */

/** Words of the ring, a power of two: 4 MB, some 14,000 plain calls that wait for the disk at once. */
export const RING_WORDS = 1 << 19

/** Bytes of one text in an entry (names, callers, rates, runs), as UTF-8 at its longest. */
export const MAX_TEXT_BYTES = 192 * 1024

/** Places in the control block, as 32-bit integers. Positions count words and wrap around at 2^32. */
export const CONTROL = {
  /** Where the next entry will be published. */
  tail: 0,
  /** Where the oldest entry lies that is not yet committed. */
  head: 1,
  /** 1 while the writer waits for `tail` to change. */
  sleeping: 2,
} as const
const CONTROL_BYTES = 64

/** What an entry is; the first 32 bits of its first word. The second 32 bits are its length in words. */
export const ENTRY = {
  /** Nothing: fills the end of the ring where the next entry did not fit in one piece. */
  pad: 0,
  /** Gives a text a number for the entries that follow: which table, number, bytes, text. */
  define: 1,
  /** Numbers below this one are not used any more. */
  forget: 2,
  /** A record of a call with its attempts. */
  call: 3,
  /** Anything rare, as JSON. */
  command: 4,
  /** A use of limits, or a piece of a long one. Nobody waits for it: it shares the fate of the entries around it. */
  use: 5,
} as const

/** Words of a `define` entry before its text. */
export const DEFINE = { table: 1, number: 2, bytes: 3, text: 4 } as const

/** Words of a `command` entry before its text. */
export const COMMAND = { bytes: 1, text: 2 } as const

/** Words of a `use` entry before its text: `bytes` of `total`, which begin at byte `start` of the whole. */
export const USE = { seq: 1, bytes: 2, start: 3, total: 4, text: 5 } as const

/**
 * Words of a `call` entry; then the attempts, then their choices where one of them had any, then texts: the run, and the
 * counts of each attempt. Absent numbers are NaN.
 */
export const CALL = {
  id: 1,
  atOffset: 2,
  model: 3,
  caller: 4,
  dialect: 5,
  endpoint: 6,
  outcome: 7,
  status: 8,
  streamed: 9,
  held: 10,
  dollars: 11,
  duration: 12,
  firstToken: 13,
  attempts: 14,
  runBytes: 15,
  limited: 16,
  overrun: 17,
  downgraded: 18,
  /** Words of all choices: 0 where no attempt had one, else there is a choice for each attempt. */
  choices: 19,
  tier: 20,
  queue: 21,
  words: 22,
} as const

/** Words of one attempt within a `call` entry. */
export const ATTEMPT = {
  deployment: 0,
  outcome: 1,
  status: 2,
  startedOffset: 3,
  duration: 4,
  firstToken: 5,
  rate: 6,
  dollars: 7,
  source: 8,
  input: 9,
  cached: 10,
  written5m: 11,
  written1h: 12,
  output: 13,
  reasoning: 14,
  circumstances: 15,
  counts: 16,
  words: 17,
} as const

/**
 * Words of where one attempt went; then the sum of its spill where `spill` says why it was one, then its candidates, then
 * those that were passed over, each followed by the text of the reason. `by` is NaN without a route, `spill` without one.
 */
export const CHOICE = { replica: 0, by: 1, candidates: 2, passedOver: 3, expected: 4, spill: 5, words: 6 } as const
export const SPILL = { expected: 0, target: 1, harm: 2, more: 3, words: 4 } as const
export const CANDIDATE = { deployment: 0, score: 1, dollars: 2, words: 3 } as const
export const PASSED_OVER = { deployment: 0, bytes: 1, words: 2 } as const

/** Stands for an absent amount of money. */
export const NO_AMOUNT = -(1n << 63n)

/** The shared memory, as it is handed to the writer's thread. */
export interface RingMemory {
  readonly control: SharedArrayBuffer
  readonly words: SharedArrayBuffer
}

/** The memory seen through the types that entries are made of. */
export interface RingViews {
  readonly control: Int32Array
  readonly halves: Int32Array
  readonly numbers: Float64Array
  readonly integers: BigInt64Array
  readonly bytes: Buffer
}

export function createRing(words: number = RING_WORDS): RingMemory {
  return { control: new SharedArrayBuffer(CONTROL_BYTES), words: new SharedArrayBuffer(words * 8) }
}

export function viewRing(memory: RingMemory): RingViews {
  return {
    control: new Int32Array(memory.control),
    halves: new Int32Array(memory.words),
    numbers: new Float64Array(memory.words),
    integers: new BigInt64Array(memory.words),
    bytes: Buffer.from(memory.words),
  }
}
