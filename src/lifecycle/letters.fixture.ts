import type { Continuation, ContinuationReader, GoOn, ShownAnswer, StreamReader, Wire } from '../ports/wire.ts'
import type { Tokens } from '../units/tokens.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { Usage } from '../vocabulary/usage.ts'

/**
 * A wire of one's own for tests: a stream is letters, of which lower case is content, `U` reports usage, `E` is an error
 * event, `#` is garbage and `.` the terminal event. A plain answer is sound unless it begins with `!` and reports usage
 * with `U`, of a cached prompt with `C`.
 */
const USAGE: Usage = {
  inputTokens: 10,
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 5,
  reasoningTokens: 0,
  source: 'reported',
}

/** As of a call whose prompt was partly cached, served in one place. */
const CACHED_USAGE: Usage = {
  ...USAGE,
  cachedInputTokens: 4,
  cacheWrite5mTokens: 2,
  cacheWrite1hTokens: 1,
  special: { inferenceGeo: 'us', serviceTier: 'standard' },
}

class LetterReader implements StreamReader {
  sawContent = false
  ended = false
  sawError = false
  malformed = false
  usage: Usage | null = null
  usageFinal = false
  contentBytes = 0

  push(chunk: Uint8Array): Uint8Array | null {
    let shown = ''
    for (const letter of Buffer.from(chunk).toString()) {
      if (this.ended) break
      if (letter === '#') this.malformed = true
      if (letter === '.' || letter === '#') this.ended = true
      else shown += letter
      if (letter === 'U') {
        this.usage = USAGE
        this.usageFinal = true
      } else if (letter === 'E') this.sawError = true
      else if (!this.ended) {
        this.sawContent = true
        this.contentBytes += 10
      }
    }
    return shown === '' ? null : Buffer.from(shown)
  }

  endAtLimit(usage: Usage) {
    return { whole: true, beforeComment: null, lastEvent: Buffer.from(`!${usage.outputTokens}`) }
  }

  finish() {
    return { whole: this.ended, beforeComment: null, lastEvent: this.ended ? Buffer.from('.') : null }
  }
}

/** What was shown, as the next one is told it; a `T` is a tool call, with which nobody goes on. */
class ShownLetters implements ShownAnswer {
  #text = ''

  take(bytes: Uint8Array): void {
    this.#text += Buffer.from(bytes).toString()
  }

  canGoOn(): boolean {
    return this.#text !== '' && !this.#text.includes('T')
  }

  textBytes(): number {
    return this.#text.length
  }

  goOn(how: GoOn, { name }: Deployment, shownTokens: Tokens): Continuation {
    const shown = this.#text
    return {
      body: [Buffer.from(`${name} ${how} ${shown} ${shownTokens}`)],
      toldBytes: how === 'anew' ? 0 : shown.length,
      openStream: () => new JoinedLetters(how === 'anew' ? shown : ''),
    }
  }
}

/** Shows what comes behind the letters that were shown before. */
class JoinedLetters extends LetterReader implements ContinuationReader {
  disagrees = false
  #awaited: string

  constructor(awaited: string) {
    super()
    this.#awaited = awaited
  }

  override push(chunk: Uint8Array): Uint8Array | null {
    const text = Buffer.from(super.push(chunk) ?? []).toString()
    let at = 0
    for (; at < text.length && this.#awaited !== ''; at++) {
      if (text[at] !== this.#awaited[0]) this.disagrees = true
      this.#awaited = this.#awaited.slice(1)
    }
    return at === text.length ? null : Buffer.from(text.slice(at))
  }
}

export const LETTERS: Wire = {
  endpoint: 'chat/completions',
  parseBody: () => ({ fault: 'tests bring their bodies parsed' }),
  readAnswer(bytes) {
    const text = Buffer.from(bytes).toString()
    const sound = !text.startsWith('!')
    const usage = !sound ? null : text.includes('C') ? CACHED_USAGE : text.includes('U') ? USAGE : null
    return { usage, contentBytes: sound ? text.length : 0, sound, error: text.startsWith('!error') }
  },
  openStream: () => new LetterReader(),
  follow: () => new ShownLetters(),
  saysTooLong: (_, body) => Buffer.from(body).toString() === 'too long',
  refusesPrefill: (_, body) => Buffer.from(body).toString() === 'no prefill',
  closingComment: fields => Buffer.from(`[${fields.dollars}]`),
  streamError: refusal => Buffer.from(`<${refusal.cause}>`),
}
