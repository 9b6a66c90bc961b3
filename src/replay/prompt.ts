import type { TraceRequest } from '../traces/trace.ts'

/**
 * 128 words that are one token each with the space before them, in the vocabularies of GPT-2, GPT-4, GPT-4o and SmolLM2,
 * and four bytes each, so that whoever counts tokens by bytes comes to the same number.
 */
export const WORDS = (
  'act add age ago aid aim air all and any arm art ask bad bag bar bed big bit box boy bus but buy can car cat cup ' +
  'cut day dog dry due ear eat end eye far few fit fly for fox fun gas get got guy had has hat her him his hit hot ' +
  'how ice its job key kid law lay leg let lie lot low man map may men met mix net new nor not now odd off oil old ' +
  'one our out own pay per put ran raw red rid row run sad saw say sea see set she sir sit six sky son sun tax tea ' +
  'ten the tie too top try two use van war was way wet who why win'
).split(' ')

export const BYTES_PER_WORD = 4
/** Words at the beginning of a block that spell its id, so that no two blocks are alike: 7 bits each. */
export const ID_WORDS = 6

const SPELLED = Uint32Array.from(WORDS, word => Buffer.from(` ${word}`).readUInt32LE())
/** Words are picked by 7 bits. */
const WORD_BITS = 7
const WORD_MASK = 127

/**
 * Writes the first words of a block. The same id gives the same words, wherever the block stands and however much of it
 * is written, so that prompts share exactly the prefixes that their ids share.
 */
function writeBlock(into: Buffer, from: number, words: number, id: number): number {
  let spelling = id
  let state = (Math.imul(id | 0, 0x9e3779b1) ^ 0x5bd1e995) | 1
  for (let word = 0; word < words; word++) {
    let pick: number
    if (word < ID_WORDS) {
      pick = spelling % (WORD_MASK + 1)
      spelling = Math.floor(spelling / (WORD_MASK + 1))
    } else {
      state ^= state << 13
      state ^= state >>> 17
      state ^= state << 5
      pick = (state >>> (32 - WORD_BITS)) & WORD_MASK
    }
    into.writeUInt32LE(SPELLED[pick]!, from + word * BYTES_PER_WORD)
  }
  return from + words * BYTES_PER_WORD
}

/** How a prompt is to be written. */
export interface PromptShape {
  /** Words of the whole prompt: one is one token. */
  readonly words: number
  /** Words of a block; null when the trace knows no prefixes. */
  readonly blockWords: number | null
  /** Ids of blocks begin here; another number gives other words for everything. */
  readonly firstId: number
  /** The id of what is shared with nobody. */
  readonly ownId: number
}

/** Writes a prompt of plain words whose prefixes are shared as the ids of the request's blocks are. */
export function writePrompt(request: TraceRequest, shape: PromptShape): Buffer {
  const { words, blockWords, firstId } = shape
  const prompt = Buffer.allocUnsafe(words * BYTES_PER_WORD)
  let left = words
  let at = 0
  const ranges = blockWords === null ? [] : (request.blocks ?? [])
  for (let i = 0; i < ranges.length && left > 0; i += 2) {
    for (let id = ranges[i]!; id <= ranges[i + 1]! && left > 0; id++) {
      const taken = Math.min(left, blockWords!)
      at = writeBlock(prompt, at, taken, firstId + id)
      left -= taken
    }
  }
  if (left > 0) writeBlock(prompt, at, left, shape.ownId)
  return prompt
}
