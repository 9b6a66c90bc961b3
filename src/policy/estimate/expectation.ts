import type { Tokens } from '../../units/tokens.ts'
import { estimateOutputTokens } from './estimate.ts'

/** Answers that are remembered of one caller and model. */
const REMEMBERED = 32
/** Fewer answers than this tell nothing of the next one. */
const ENOUGH = 8
/** The longest answer of those remembered, times this, is what the next one is expected to have. */
const MARGIN = 1.25
/** Callers and models that are remembered at once; when they are more, all are learnt anew. */
const MAX_KNOWN = 10_000
/** Of a maximum that the caller named, so much is assumed where nothing was learnt: maxima are often 20 times too high. */
const ASSUMED_SHARE = 1 / 20
/** But no less than the first: shorter maxima are taken at their word. And no more than the second, since few answers are longer. */
const [LEAST_ASSUMED, MOST_ASSUMED]: readonly [Tokens, Tokens] = [200, 1_000]

/** Bytes a token of the next answer of a model are those of the earlier ones, of which each counts so much. */
const NEWEST_SHARE = 0.1
/** Bytes a token of any text lie between; beyond, an answer says something else, as where its reasoning is not shown. */
const [LEAST_BYTES, MOST_BYTES] = [1, 8]

/** How many tokens an answer will probably have. */
export interface Expectation {
  readonly outputTokens: Tokens
  /** False where it was assumed, for want of earlier answers. */
  readonly isLearnt: boolean
}

interface Answers {
  readonly tokens: Tokens[]
  next: number
}

/**
 * Learns how long the answers to a caller's calls of a model are. A call whose maximum is far above what it will use can
 * then be held for less, where its hold can be extended while it runs.
 */
export class Expectations {
  readonly #known = new Map<string, Answers>()
  readonly #bytesPerToken = new Map<string, number>()

  learn(key: string, model: string, outputTokens: Tokens): void {
    const name = `${key}\n${model}`
    let answers = this.#known.get(name)
    if (answers === undefined) {
      if (this.#known.size >= MAX_KNOWN) this.#known.clear()
      answers = { tokens: [], next: 0 }
      this.#known.set(name, answers)
    }
    answers.tokens[answers.next] = outputTokens
    answers.next = (answers.next + 1) % REMEMBERED
  }

  /** Learns how long the tokens of a model are, from an answer that was shown whole. */
  learnBytes(model: string, outputTokens: Tokens, contentBytes: number): void {
    if (outputTokens <= 0 || contentBytes <= 0) return
    const bytes = Math.min(MOST_BYTES, Math.max(LEAST_BYTES, contentBytes / outputTokens))
    const before = this.#bytesPerToken.get(model)
    this.#bytesPerToken.set(model, before === undefined ? bytes : before + NEWEST_SHARE * (bytes - before))
  }

  /** Output tokens that a stream has shown by its bytes, as far as the model is known. */
  shownTokens(model: string, contentBytes: number): Tokens {
    const bytes = this.#bytesPerToken.get(model)
    return bytes === undefined ? estimateOutputTokens(contentBytes) : Math.ceil(contentBytes / bytes)
  }

  /**
   * How long the next answer will be as likely as not, for choosing where it is made; `expect` is for what is held.
   *
   * @param most the most output tokens that the call may have; the figure is never above
   */
  usual(key: string, model: string, most: Tokens): Tokens {
    const answers = this.#known.get(`${key}\n${model}`)
    if (answers === undefined || answers.tokens.length < ENOUGH) return this.expect(key, model, most).outputTokens
    const sorted = answers.tokens.toSorted((one, other) => one - other)
    return Math.min(most, Math.max(1, sorted[sorted.length >> 1]!))
  }

  /** @param most the most output tokens that the call may have; the expectation is never above */
  expect(key: string, model: string, most: Tokens): Expectation {
    const answers = this.#known.get(`${key}\n${model}`)
    if (answers === undefined || answers.tokens.length < ENOUGH) {
      return {
        outputTokens: Math.min(most, Math.max(LEAST_ASSUMED, Math.min(MOST_ASSUMED, Math.ceil(most * ASSUMED_SHARE)))),
        isLearnt: false,
      }
    }
    const longest = Math.max(...answers.tokens)
    return { outputTokens: Math.min(most, Math.max(1, Math.ceil(longest * MARGIN))), isLearnt: true }
  }
}
