import type { Usage } from '../../vocabulary/usage.ts'
import { itemBytes, textBytes } from '../answer/content.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import { responsesUsage } from '../usage/openai.ts'
import type { ContentPlace, MadeEnd, StreamEvents, Verdict } from './events.ts'
import { eventFrame, responsesUsageReport } from './made.ts'

const TERMINAL: ReadonlySet<string> = new Set(['response.completed', 'response.incomplete', 'response.failed'])
/** Deltas whose text is base64 and no words. */
const SOUND = 'response.audio.delta'
/** Events that say a part again in whole; they count where no delta of it came. */
const WHOLE_TEXTS: ReadonlySet<string> = new Set(['response.output_text.done', 'response.refusal.done'])

const UNNAMED: Report = { id: '', object: 'response', created_at: 0, model: '' }

/** The events of a streamed response. */
export class ResponsesEvents implements StreamEvents {
  sawContent = false
  sawError = false
  contentBytes = 0
  usageFinal = false
  places: readonly ContentPlace[] | null = null
  namesAnswer = false
  #terminal = false
  /** The number of the last event, less the events that were passed before it. */
  #sequence = -1
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

  read(event: Report, name: string | null, passed: number): Verdict {
    this.places = null
    if (typeof event.sequence_number === 'number') this.#sequence = event.sequence_number - passed
    this.namesAnswer = objectIn(event.response) !== null
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

  endAtLimit(usage: Usage, naming: Report | null, passed: number): MadeEnd {
    const response = {
      ...UNNAMED,
      ...objectIn(naming?.response),
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      // Nobody kept what was shown. Clients that gather deltas have it; an empty list is what all others can read.
      output: [],
      usage: responsesUsageReport(usage),
    }
    const last = eventFrame('response.incomplete', { response, sequence_number: this.#sequence + passed + 1 })
    return { before: '', last }
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
