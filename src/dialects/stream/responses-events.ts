import type { Usage } from '../../vocabulary/usage.ts'
import { itemBytes, textBytes } from '../answer/content.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import { responsesUsage } from '../usage/openai.ts'
import type { ContentPlace, StreamEvents, Verdict } from './events.ts'

const TERMINAL: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed'])
/** Deltas whose text is base64 and no words. */
const SOUND = 'response.audio.delta'
/** Events that say a part again in whole; they count where no delta of it came. */
const WHOLE_TEXTS: ReadonlySet<string> = new Set(['response.output_text.done', 'response.refusal.done'])

/** The events of a streamed response. */
export class ResponsesEvents implements StreamEvents {
  sawContent = false
  sawError = false
  contentBytes = 0
  usageFinal = false
  places: readonly ContentPlace[] | null = null
  #terminal = false
  #report: Report | null = null
  #serviceTier: unknown = null

  get whole(): boolean {
    return this.#terminal && !this.sawError
  }

  get usage(): Usage | null {
    return this.#report === null ? null : responsesUsage(this.#report, this.#serviceTier)
  }

  isTerminal(): boolean {
    return false
  }

  read(event: Report, name: string | null): Verdict {
    this.places = null
    const type = typeof event.type === 'string' ? event.type : (name ?? '')
    if (type === 'error' || name === 'error') {
      this.sawError = true
      return 'last'
    }
    if (TERMINAL.has(type)) return this.#readTerminal(type, objectIn(event.response))
    if (type.endsWith('.delta')) this.#readDelta(type, event)
    else if (type === 'response.output_item.added') this.#count(itemBytes(objectIn(event.item) ?? {}))
    else if (WHOLE_TEXTS.has(type) && !this.sawContent) this.#count(textBytes(event.text) + textBytes(event.refusal))
    else if (type === 'response.image_generation_call.partial_image') this.sawContent = true
    return 'show'
  }

  #readTerminal(type: string, response: Report | null): Verdict {
    this.#terminal = true
    // A response that failed has an error in it, though the stream ends as it should.
    if (type === 'response.failed') this.sawError = true
    const report = objectIn(response?.usage)
    this.#serviceTier = response?.service_tier
    if (report !== null) {
      this.#report = report
      this.usageFinal = true
    }
    return 'last'
  }

  #readDelta(type: string, event: Report): void {
    const bytes = textBytes(event.delta)
    if (type === SOUND && bytes > 0) this.sawContent = true
    else this.#count(bytes)
    if (bytes > 0 && type !== SOUND) this.places = [{ path: ['delta'], bytes, counted: true }]
  }

  #count(bytes: number): void {
    if (bytes === 0) return
    this.contentBytes += bytes
    this.sawContent = true
  }
}
