import type { Tokens } from '../../units/tokens.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import type { TextJoin } from './text-join.ts'

/** What the caller is told of the tokens of an answer that is made of two: as if one upstream had given all of it. */
export class JoinedCounts {
  readonly #join: TextJoin
  readonly #shownTokens: Tokens
  readonly #prefilled: boolean

  /** @param prefilled whether the second upstream counts what was shown as its input */
  constructor(join: TextJoin, shownTokens: Tokens, prefilled: boolean) {
    this.#join = join
    this.#shownTokens = shownTokens
    this.#prefilled = prefilled
  }

  input(tokens: number): number {
    return this.#prefilled ? Math.max(0, tokens - this.#shownTokens) : tokens
  }

  output(tokens: number): number {
    return this.#join.repeated ? tokens : tokens + this.#shownTokens
  }

  of(usage: Usage): Usage {
    const inputTokens = this.input(usage.inputTokens) as Tokens
    const cachedInputTokens = Math.min(usage.cachedInputTokens, inputTokens) as Tokens
    return { ...usage, inputTokens, cachedInputTokens, outputTokens: this.output(usage.outputTokens) as Tokens }
  }
}
