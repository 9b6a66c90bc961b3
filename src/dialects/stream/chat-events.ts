import type { Usage } from '../../vocabulary/usage.ts'
import { messageBytes, textBytes } from '../answer/content.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import { chatUsage } from '../usage/openai.ts'
import type { ContentPlace, MadeEnd, StreamEvents, Verdict } from './events.ts'
import { chatFrame, chatUsageReport } from './made.ts'

const DELTA = ['choices', '0', 'delta']
/** What every chunk of a stream says alike. */
const NAMING = ['id', 'object', 'created', 'model', 'service_tier', 'system_fingerprint']
const UNNAMED: Report = { id: '', object: 'chat.completion.chunk', created: 0, model: '' }

/** The first choice that shares its bit with those behind it, and the last that anybody can ask for. */
const LAST_BIT = 30
const MAX_CHOICE = 127

const FUNCTION = [...DELTA, 'tool_calls', '0', 'function']

/** The chunks of a streamed chat. */
export class ChatEvents implements StreamEvents {
  sawContent = false
  sawError = false
  contentBytes = 0
  usageFinal = false
  places: readonly ContentPlace[] | null = null
  namesAnswer = false
  readonly #wantsUsage: boolean
  #done = false
  #finished = false
  /** A bit for each of the first 31 choices that has begun and not finished; the rest share the last. */
  #open = 0
  #lastChoice = 0
  #report: Report | null = null
  #serviceTier: unknown = null

  /** @param wantsUsage whether the caller asked for the chunk that holds nothing but usage */
  constructor(wantsUsage: boolean) {
    this.#wantsUsage = wantsUsage
  }

  /** `[DONE]` ends it; without one, a finish reason for every choice does. */
  get whole(): boolean {
    return !this.sawError && (this.#done || (this.#finished && this.#open === 0))
  }

  get usage(): Usage | null {
    return this.#report === null ? null : chatUsage(this.#report, this.#serviceTier)
  }

  isTerminal(data: string): boolean {
    if (!data.startsWith('[DONE]')) return false
    this.#done = true
    return true
  }

  read(event: Report, name: string | null): Verdict {
    this.places = null
    if ((event.error !== undefined && event.error !== null) || name === 'error') {
      this.sawError = true
      return 'last'
    }
    if (typeof event.service_tier === 'string') this.#serviceTier = event.service_tier
    const choices: readonly unknown[] = Array.isArray(event.choices) ? event.choices : []
    // What stands before the first choice may be a filter's verdict on the prompt, without a name.
    this.namesAnswer = choices.length > 0
    for (const choice of choices) this.#readChoice(objectIn(choice), choices.length === 1)
    const report = objectIn(event.usage)
    if (report === null) return 'show'
    this.places = null
    this.#report = report
    if (this.#finished || choices.length === 0) this.usageFinal = true
    const usageOnly = choices.length === 0 && Array.isArray(event.choices)
    return usageOnly && !this.#wantsUsage ? 'drop' : 'show'
  }

  endAtLimit(usage: Usage, naming: Report | null): MadeEnd {
    const named: Record<string, unknown> = { ...UNNAMED }
    for (const name of NAMING) if (naming?.[name] !== undefined) named[name] = naming[name]
    const choices = this.#openChoices().map(index => ({ index, delta: {}, finish_reason: 'length' }))
    const cut = choices.length === 0 ? '' : chatFrame({ ...named, choices })
    const told = this.#wantsUsage && !this.usageFinal
    const counts = told ? chatFrame({ ...named, choices: [], usage: chatUsageReport(usage) }) : ''
    return { before: cut + counts, last: 'data: [DONE]\n\n' }
  }

  /** Choices that have begun and not finished; the first when nothing has begun. */
  #openChoices(): readonly number[] {
    if (this.#open === 0) return this.#finished ? [] : [0]
    const open: number[] = []
    for (let index = 0; index <= this.#lastChoice; index++) {
      if ((this.#open & (1 << Math.min(LAST_BIT, index))) !== 0) open.push(index)
    }
    return open
  }

  #readChoice(choice: Report | null, alone: boolean): void {
    if (choice === null) return
    const index = typeof choice.index === 'number' && choice.index >= 0 ? choice.index : 0
    const bit = 1 << Math.min(LAST_BIT, index)
    if (index > this.#lastChoice) this.#lastChoice = Math.min(MAX_CHOICE, index)
    const finished = choice.finish_reason !== undefined && choice.finish_reason !== null
    this.#open = finished ? this.#open & ~bit : this.#open | bit
    if (finished) this.#finished = true
    const delta = objectIn(choice.delta)
    if (delta === null) return
    const bytes = messageBytes(delta)
    this.contentBytes += bytes
    // Sound has no text but its transcript.
    const audio = objectIn(delta.audio)
    if (bytes > 0 || (audio !== null && textBytes(audio.data) > 0)) this.sawContent = true
    if (alone && bytes > 0 && !finished && audio === null) this.places = placesIn(delta, bytes)
  }
}

/** Where the content of a delta lies; null when there is some elsewhere too. */
function placesIn(delta: Report, bytes: number): readonly ContentPlace[] | null {
  const places: ContentPlace[] = []
  for (const name of ['content', 'refusal', 'reasoning_content', 'reasoning']) {
    const size = textBytes(delta[name])
    const counted = name !== 'reasoning' || typeof delta.reasoning_content !== 'string'
    if (size > 0) places.push({ path: [...DELTA, name], bytes: size, counted })
  }
  const calls = delta.tool_calls
  if (Array.isArray(calls) && calls.length === 1) {
    const size = textBytes(objectIn(objectIn(calls[0])?.function)?.arguments)
    if (size > 0) places.push({ path: [...FUNCTION, 'arguments'], bytes: size, counted: true })
  }
  const sum = places.reduce((total, place) => (place.counted ? total + place.bytes : total), 0)
  return sum === bytes ? places : null
}
