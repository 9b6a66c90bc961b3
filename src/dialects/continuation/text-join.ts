/** A piece below this length by which an answer happens to begin like what was shown is no beginning from the start. */
const SHORT_CHARACTERS = 16
/** Nor is one of so few characters, however little was shown. */
const TINY_CHARACTERS = 4

export interface JoinTerms {
  /** What the caller was shown so far; not empty. */
  readonly shown: string
  /**
   * How much of its beginning the new upstream was told that it had said itself; what is behind, white space at the end,
   * it may say again. Null when it was asked the same as the first, so that it begins from the start.
   */
  readonly told: number | null
  /** Whether it is known to go on from what it was told, so that a short piece that is alike is nothing but that. */
  readonly goesOn: boolean
}

/**
 * Joins the text of a second answer to the beginning of the first one, without loss or repetition. An upstream that was
 * told what had been said goes on from there or, as some do, begins again from the start; one that was asked anew begins
 * from the start. Text that is equal to the beginning of what was shown is held back until it is clear which it is.
 *
 * A text that repeats itself, as lists and refrains do, may go on like it began: where the beginning of what was shown
 * comes again in it, the same beginning in the second answer says nothing.
 */
export class TextJoin {
  /** True once the second answer can't be joined. */
  disagrees = false
  /** True once the second answer said again all that was shown. */
  repeated = false
  /** True once some text came. */
  sawText = false
  #state: 'repeating' | 'spacing' | 'joined'
  readonly #begun: string
  readonly #spaces: string
  readonly #mustRepeat: boolean
  readonly #goesOn: boolean
  /** The longest beginning that comes again in what was shown. */
  readonly #refrain: number
  #matched = 0
  #spaced = 0

  constructor({ shown, told, goesOn }: JoinTerms) {
    this.#mustRepeat = told === null
    this.#begun = told === null ? shown : shown.slice(0, told)
    this.#spaces = told === null ? '' : shown.slice(told)
    this.#goesOn = goesOn
    this.#refrain = this.#mustRepeat ? 0 : refrainOf(this.#begun)
    this.#state = this.#mustRepeat || this.#mayRepeat() ? 'repeating' : 'spacing'
  }

  /** Whether what comes is joined to what was shown. */
  get isJoined(): boolean {
    return this.#state === 'joined'
  }

  /** @returns what may be shown now */
  take(text: string): string {
    if (text === '' || this.disagrees) return ''
    this.sawText = true
    if (this.#state === 'joined') return text
    return this.#state === 'spacing' ? this.#space(text) : this.#repeat(text)
  }

  /** The second answer says nothing more, or goes on with something else than text. @returns what was held back */
  end(): string {
    if (this.disagrees || this.#state !== 'repeating') return ''
    if (this.#mustRepeat || !this.#isChance()) {
      this.disagrees = true
      return ''
    }
    return this.#space(this.#begun.slice(0, this.#matched))
  }

  #mayRepeat(): boolean {
    if (this.#goesOn && this.#begun.length < SHORT_CHARACTERS) return false
    return 2 * this.#refrain < this.#begun.length
  }

  #repeat(text: string): string {
    const from = this.#matched
    const alike = commonLength(text, this.#begun, from)
    this.#matched += alike
    if (this.#matched === this.#begun.length) {
      this.repeated = true
      return this.#space(text.slice(alike))
    }
    if (alike === text.length) return ''
    if (this.#mustRepeat || !this.#isChance()) {
      this.disagrees = true
      return ''
    }
    return this.#space(this.#begun.slice(0, from) + text)
  }

  /** Whether what is alike so far is so by chance. */
  #isChance(): boolean {
    const length = this.#matched
    if (length <= this.#refrain || length < TINY_CHARACTERS) return true
    return length < SHORT_CHARACTERS && 2 * length < this.#begun.length
  }

  /** Leaves out the white space that was shown and not told. */
  #space(text: string): string {
    this.#state = 'spacing'
    const alike = commonLength(text, this.#spaces, this.#spaced)
    this.#spaced += alike
    if (alike < text.length || this.#spaced === this.#spaces.length) this.#state = 'joined'
    return text.slice(alike)
  }
}

/** How much of a text is equal to another one from an offset on. */
function commonLength(text: string, other: string, from: number): number {
  if (other.startsWith(text, from)) return text.length
  const most = Math.min(text.length, other.length - from)
  let at = 0
  while (at < most && text.charCodeAt(at) === other.charCodeAt(from + at)) at++
  return at
}

/** The length of the longest beginning that comes again in the text (Knuth, Morris and Pratt's table, its largest entry). */
function refrainOf(text: string): number {
  const table = new Int32Array(text.length)
  let longest = 0
  let length = 0
  for (let at = 1; at < text.length; at++) {
    const code = text.charCodeAt(at)
    while (length > 0 && text.charCodeAt(length) !== code) length = table[length - 1]!
    if (text.charCodeAt(length) === code) length++
    table[at] = length
    if (length > longest) longest = length
  }
  return longest
}
