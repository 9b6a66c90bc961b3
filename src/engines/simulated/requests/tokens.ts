import { BlockHasher } from '../../../simulation/block-hash.ts'
import { BLOCK_TOKENS } from '../../../simulation/memory.ts'

/** UTF-8 bytes that pass for one token, in prompts and in answers. */
export const BYTES_PER_TOKEN = 4
/** What an image counts, as a middling one does with most vision models. */
const IMAGE_TOKENS = 1024
/** Of an image's data only so many characters at each end are looked at: they are compressed, so they differ soon. */
const IMAGE_SAMPLE = 256
/** Tokens that stand for themselves: ends of roles and messages, as chat templates have them. */
const END_OF_ROLE = -1
const END_OF_MESSAGE = -2
const PAD = -3

/** An answer that the caller wrote the beginning of, by ending the conversation with an assistant's message. */
export interface BegunAnswer {
  readonly said: string
  /** What the prompt's digest was before it: an answer that nobody began would be made from it. */
  readonly seed: number
}

/**
 * Counts and hashes a prompt's pseudo-tokens: every text is cut into tokens of about four bytes from its own beginning,
 * and every message stands between markers. So a longer conversation with the same beginning has the same tokens there,
 * and an answer that comes back as a message is cut as it was when it was generated.
 */
export class PromptTokens {
  readonly hasher = new BlockHasher(BLOCK_TOKENS)
  /** What the conversation says already of its answer; null when that is still to begin. */
  begun: BegunAnswer | null = null
  /** Tokens beyond which nothing is hashed any more, only counted: such a prompt is refused anyway. */
  readonly #most: number
  #uncounted = 0

  constructor(most: number) {
    this.#most = most
  }

  get count(): number {
    return this.hasher.tokens + this.#uncounted
  }

  beginMessage(role: string): void {
    pushText(this.hasher, role)
    this.hasher.push(END_OF_ROLE)
  }

  endMessage(): void {
    this.hasher.push(END_OF_MESSAGE)
  }

  /** The message that has just begun is the answer; its text follows, and the message stays open. */
  beginAnswer(said: string): void {
    this.begun = { said, seed: this.hasher.digest }
  }

  text(text: string): void {
    if (this.count + text.length / BYTES_PER_TOKEN <= this.#most) pushText(this.hasher, text)
    else this.#uncounted += Math.ceil(text.length / BYTES_PER_TOKEN)
  }

  /** @param source its address or its data */
  image(source: string): void {
    pushText(this.hasher, source.slice(0, IMAGE_SAMPLE) + source.length + source.slice(-IMAGE_SAMPLE))
    for (let i = 2 * (IMAGE_SAMPLE / BYTES_PER_TOKEN); i < IMAGE_TOKENS; i++) this.hasher.push(PAD)
  }
}

/** Cuts a text into tokens of four bytes or, where a character is longer, a little more. */
export function pushText(hasher: BlockHasher, text: string): void {
  let token = 0
  let bytes = 0
  for (let i = 0; i < text.length; i++) {
    if (bytes === 0 && i + 4 <= text.length) {
      const [a, b] = [text.charCodeAt(i), text.charCodeAt(i + 1)]
      const [c, d] = [text.charCodeAt(i + 2), text.charCodeAt(i + 3)]
      // Plain ASCII goes four characters at a time, to the same token as below.
      if ((a | b | c | d) < 0x80) {
        hasher.push((a << 24) | (b << 16) | (c << 8) | d)
        i += 3
        continue
      }
    }
    const code = text.charCodeAt(i)
    // A surrogate is half of a character of four bytes.
    bytes += code < 0x80 ? 1 : code < 0x800 || (code >= 0xd800 && code < 0xe000) ? 2 : 3
    token = (token << 8) ^ (token >>> 24) ^ code
    if (bytes >= BYTES_PER_TOKEN) {
      hasher.push(token)
      token = 0
      bytes = 0
    }
  }
  if (bytes > 0) hasher.push(token)
}
