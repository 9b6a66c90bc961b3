import type { Usage } from '../../vocabulary/usage.ts'
import { blockBytes, textBytes } from '../answer/content.ts'
import { messagesUsage } from '../usage/anthropic.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import type { ContentPlace, MadeEnd, StreamEvents, Verdict } from './events.ts'
import { eventFrame } from './made.ts'

/** The members of a delta that hold content: text, thinking, and the input of a tool. Signatures and citations are none. */
const CONTENT = ['text', 'thinking', 'partial_json']

/** How many different counts of usage are kept; an upstream could tell new ones for ever. */
const MAX_COUNTS = 64
/** Blocks that are open at once; providers open one at a time. */
const MAX_OPEN_BLOCKS = 64

/** The events of a streamed message. */
export class MessagesEvents implements StreamEvents {
  sawContent = false
  sawError = false
  contentBytes = 0
  usageFinal = false
  places: readonly ContentPlace[] | null = null
  readonly namesAnswer = false
  #stopped = false
  #toldReason = false
  /** Indices of content blocks that have begun and not stopped. */
  #open: number[] = []
  /** What `message_start` and every `message_delta` reported, later counts in place of earlier ones. */
  #report: Record<string, unknown> | null = null
  #counts = 0

  get whole(): boolean {
    return this.#stopped && !this.sawError
  }

  get usage(): Usage | null {
    return this.#report === null ? null : messagesUsage(this.#report)
  }

  isTerminal(): boolean {
    return false
  }

  read(event: Report, name: string | null): Verdict {
    this.places = null
    switch (event.type) {
      case 'content_block_delta':
        this.#readDelta(objectIn(event.delta))
        return 'show'
      case 'content_block_start':
        this.#readStart(objectIn(event.content_block))
        if (typeof event.index === 'number' && this.#open.length < MAX_OPEN_BLOCKS) this.#open.push(event.index)
        return 'show'
      case 'content_block_stop':
        this.#open = this.#open.filter(index => index !== event.index)
        return 'show'
      case 'message_start':
        this.#merge(objectIn(objectIn(event.message)?.usage))
        return 'show'
      case 'message_delta':
        this.#merge(objectIn(event.usage))
        if (typeof objectIn(event.delta)?.stop_reason === 'string') {
          this.#toldReason = true
          this.usageFinal = objectIn(event.usage) !== null
        }
        return 'show'
      case 'message_stop':
        this.#stopped = true
        return 'last'
      case 'error':
        this.sawError = true
        return 'last'
      default:
        if (name !== 'error' && objectIn(event.error) === null) return 'show'
        this.sawError = true
        return 'last'
    }
  }

  endAtLimit({ outputTokens }: Usage): MadeEnd {
    const last = eventFrame('message_stop', {})
    if (this.#toldReason) return { before: '', last }
    const stops = this.#open.map(index => eventFrame('content_block_stop', { index }))
    const delta = { stop_reason: 'max_tokens', stop_sequence: null }
    const cut = eventFrame('message_delta', { delta, usage: { output_tokens: outputTokens } })
    return { before: stops.join('') + cut, last }
  }

  #readDelta(delta: Report | null): void {
    if (delta === null) return
    const places: ContentPlace[] = []
    for (const member of CONTENT) {
      const bytes = textBytes(delta[member])
      if (bytes === 0) continue
      this.contentBytes += bytes
      this.sawContent = true
      places.push({ path: ['delta', member], bytes, counted: true })
    }
    if (places.length > 0) this.places = places
  }

  #readStart(block: Report | null): void {
    if (block === null) return
    // Thinking that the provider hides is still thinking; its ciphertext stands for it.
    const bytes = blockBytes(block) + (block.type === 'redacted_thinking' ? textBytes(block.data) : 0)
    if (bytes === 0) return
    this.contentBytes += bytes
    this.sawContent = true
  }

  #merge(report: Report | null): void {
    if (report === null) return
    this.#report ??= Object.create(null) as Record<string, unknown>
    for (const [name, value] of Object.entries(report)) {
      if (value === null) continue
      if (!(name in this.#report) && ++this.#counts > MAX_COUNTS) continue
      this.#report[name] = value
    }
  }
}
