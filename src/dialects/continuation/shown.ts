import type { Continuation, GoOn, ShownAnswer } from '../../ports/wire.ts'
import type { Tokens } from '../../units/tokens.ts'
import type { Deployment } from '../../vocabulary/deployment.ts'
import { asBuffer } from '../json/text.ts'
import { HeldBytes } from '../stream/held.ts'
import { goesOnFromMessage, prefilledBody, wholeBody } from './body.ts'
import { framesOf } from './frames.ts'
import { JoinedCounts } from './joined-counts.ts'
import { JoinedReader } from './reader.ts'
import type { FollowedRequest } from './request.ts'
import { TextJoin } from './text-join.ts'
import type { ToldAnswer } from './told.ts'

/** What was shown is read once so much of it has come; most streams end well, and those that are short are never read. */
const READ_EVERY_BYTES = 65_536
/** A longer answer is not gone on with: it would have to be told to the next upstream, and kept until then. */
export const MAX_TEXT_CHARACTERS = 4_000_000

const NO_BYTES = Buffer.alloc(0)

/** Follows what one stream has shown. It lets go of everything as soon as nobody can go on with it. */
export class FollowedAnswer implements ShownAnswer {
  #request: FollowedRequest | null
  readonly #told: ToldAnswer
  readonly #unread = new HeldBytes()

  constructor(request: FollowedRequest, told: ToldAnswer) {
    this.#request = request
    this.#told = told
  }

  take(bytes: Uint8Array): void {
    if (this.#request === null) return
    this.#unread.add(asBuffer(bytes), 0)
    if (this.#unread.length >= READ_EVERY_BYTES) this.#read()
  }

  canGoOn(): boolean {
    this.#read()
    return this.#request !== null && this.#told.inText
  }

  textBytes(): number {
    this.#read()
    return Buffer.byteLength(this.#told.text)
  }

  goOn(how: GoOn, deployment: Deployment, shownTokens: Tokens): Continuation {
    const request = this.canGoOn() ? this.#request : null
    if (request === null) throw new Error('nobody can go on with this answer')
    const shown = this.#told.text
    const prefill = how === 'prefill' && goesOnFromMessage(deployment) ? this.#told.tellable() : null
    const body =
      prefill === null ? wholeBody(request, deployment.model) : prefilledBody(request, prefill, deployment, shownTokens)
    const told = prefill === null ? null : prefill.length
    return {
      body,
      toldBytes: prefill === null ? 0 : Buffer.byteLength(prefill),
      openStream: () => this.#openStream({ shown, told, goesOn: deployment.engine !== null }, shownTokens),
    }
  }

  #openStream(terms: ConstructorParameters<typeof TextJoin>[0], shownTokens: Tokens): JoinedReader {
    const join = new TextJoin(terms)
    const counts = new JoinedCounts(join, shownTokens, terms.told !== null && terms.told > 0)
    return new JoinedReader(this.#told.openEvents(), this.#told.spliceOnto(join, counts))
  }

  #read(): void {
    if (this.#request === null || this.#unread.length === 0) return
    for (const { data } of framesOf(this.#unread.take(NO_BYTES, 0))) if (data !== null) this.#told.read(data)
    const { spoilt, finished, text } = this.#told
    if (spoilt || finished || text.length > MAX_TEXT_CHARACTERS) this.#request = null
  }
}
