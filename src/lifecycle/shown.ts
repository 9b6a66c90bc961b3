import type { Continuation, GoOn, ShownAnswer } from '../ports/wire.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import type { Call } from './call.ts'
import type { World } from './world.ts'

/** What a call has shown of its answer, for those that may have to go on with it. */
export class Shown {
  readonly #model: Model
  readonly #world: World
  /** Null where nobody may go on. */
  #answer: ShownAnswer | null = null

  constructor(model: Model, world: World) {
    this.#model = model
    this.#world = world
  }

  begin({ wire, body }: Call): void {
    if (this.#model.resilience.onCut === 'continue') this.#answer = wire.follow(body)
  }

  take(bytes: Uint8Array): void {
    this.#answer?.take(bytes)
  }

  /** Whether somebody may go on, as far as the model's terms say. */
  get isFollowed(): boolean {
    return this.#answer !== null
  }

  canGoOn(): boolean {
    return this.#answer?.canGoOn() ?? false
  }

  /** How a deployment is asked to go on, and what it is told beside the prompt; null for the whole answer. */
  goOn(how: GoOn | null, deployment: Deployment): { readonly continuation: Continuation | null; toldTokens: Tokens } {
    if (how === null) return { continuation: null, toldTokens: 0 }
    const answer = this.#answer!
    const continuation = answer.goOn(how, deployment, this.#tokensOf(answer.textBytes()))
    return { continuation, toldTokens: this.#tokensOf(continuation.toldBytes) }
  }

  #tokensOf(bytes: number): Tokens {
    return this.#world.expectations.shownTokens(this.#model.name, bytes)
  }
}
