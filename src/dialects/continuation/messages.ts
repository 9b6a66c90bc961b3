import type { Usage } from '../../vocabulary/usage.ts'
import type { MadeEnd, StreamEvents } from '../stream/events.ts'
import { eventFrame } from '../stream/made.ts'
import { MessagesEvents } from '../stream/messages-events.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import type { JoinedCounts } from './joined-counts.ts'
import { tellablePart } from './tellable.ts'
import type { TextJoin } from './text-join.ts'
import type { Splice, ToldAnswer } from './told.ts'

/** The blocks of a message as its caller saw them. */
interface ToldBlocks {
  /** The text block that is open; null when none is. */
  readonly open: number | null
  /** The index of the next block. */
  readonly next: number
  /** The input as the first answer counted it, under the names of its counts. */
  readonly input: Report
}

/** What the caller was told of a streamed message. Thinking can't be gone on with: only who thought it may sign it. */
export class ToldMessage implements ToldAnswer {
  text = ''
  spoilt = false
  finished = false
  #open: number | null = null
  #next = 0
  #input: Report = {}

  get inText(): boolean {
    return this.text !== ''
  }

  read(event: Report): void {
    const index = typeof event.index === 'number' ? event.index : 0
    switch (event.type) {
      case 'message_start':
        this.#input = objectIn(objectIn(event.message)?.usage) ?? {}
        return
      case 'content_block_start':
        this.#open = index
        this.#next = index + 1
        return this.#readPart(objectIn(event.content_block), 'text')
      case 'content_block_delta':
        return this.#readPart(objectIn(event.delta), 'text_delta')
      case 'content_block_stop':
        this.#open = null
        return
      case 'message_delta':
        if (typeof objectIn(event.delta)?.stop_reason === 'string') this.finished = true
        return
      case 'error':
        this.spoilt = true
    }
  }

  /** Anthropic refuses white space at the end of what the assistant is said to have begun. */
  tellable(): string {
    return tellablePart(this.text).trimEnd()
  }

  openEvents(): StreamEvents {
    return new MessagesEvents()
  }

  spliceOnto(join: TextJoin, counts: JoinedCounts): Splice {
    return new MessagesSplice(join, counts, { open: this.#open, next: this.#next, input: this.#input })
  }

  #readPart(part: Report | null, type: string): void {
    if (part?.type !== type) this.spoilt = true
    else if (typeof part.text === 'string') this.text += part.text
  }
}

class MessagesSplice implements Splice {
  /** Its terminal event is what makes a message whole. */
  readonly ending = null
  readonly #join: TextJoin
  readonly #counts: JoinedCounts
  readonly #input: Report
  /** Understands what is shown, for its end. */
  readonly #shown = new MessagesEvents()
  #open: number | null
  #next: number
  /** The second answer's block that is being told: its text, something that is not shown, or the index of another one. */
  #block: 'text' | 'hidden' | number = 'hidden'
  #settled = false
  #thought = false
  #disagrees = false

  constructor(join: TextJoin, counts: JoinedCounts, { open, next, input }: ToldBlocks) {
    this.#join = join
    this.#counts = counts
    this.#open = open
    this.#next = next
    this.#input = input
    if (open !== null) this.#shown.read({ type: 'content_block_start', index: open }, null)
  }

  get disagrees(): boolean {
    return this.#disagrees || this.#join.disagrees
  }

  take(event: Report): string {
    if (this.disagrees) return ''
    switch (event.type) {
      case 'content_block_start':
        return this.#start(event)
      case 'content_block_delta':
        return this.#grow(event)
      case 'content_block_stop':
        return this.#stop()
      case 'message_delta':
        return this.#finish(event)
      case 'ping':
        return this.#settled || this.#join.isJoined ? this.#show(event) : ''
      default:
        return ''
    }
  }

  end(): string {
    return this.#settle(false)
  }

  endAtLimit(usage: Usage): MadeEnd {
    return this.#shown.endAtLimit(this.#counts.of(usage))
  }

  #start(event: Report): string {
    const block = objectIn(event.content_block) ?? {}
    if (block.type === 'text') {
      this.#block = 'text'
      return typeof block.text === 'string' ? this.#tell(this.#join.take(block.text)) : ''
    }
    if (block.type === 'thinking' || block.type === 'redacted_thinking') {
      this.#block = 'hidden'
      this.#thought = true
      return ''
    }
    const before = this.#settle(true) + this.#close()
    if (this.disagrees) return ''
    this.#block = this.#next++
    return before + this.#show({ ...event, index: this.#block })
  }

  #grow(event: Report): string {
    if (this.#block === 'hidden') return ''
    if (typeof this.#block === 'number') return this.#show({ ...event, index: this.#block })
    const delta = objectIn(event.delta) ?? {}
    if (typeof delta.text === 'string') return this.#tell(this.#join.take(delta.text))
    // Citations and the like belong to the text that is told.
    const belongs = this.#join.isJoined && this.#open !== null
    return belongs ? this.#show({ ...event, index: this.#open }) : ''
  }

  #stop(): string {
    const block = this.#block
    this.#block = 'hidden'
    if (typeof block === 'number') return this.#show({ type: 'content_block_stop', index: block })
    // While it is not clear whether the text goes on, its block stays open for what may follow.
    return block === 'text' && this.#join.isJoined ? this.#close() : ''
  }

  #finish(event: Report): string {
    const before = this.#settle(false) + this.#close()
    if (this.disagrees) return ''
    const usage = objectIn(event.usage)
    return before + this.#show(usage === null ? event : { ...event, usage: this.#told(usage) })
  }

  #settle(others: boolean): string {
    if (this.#settled) return ''
    this.#settled = true
    const held = this.#tell(this.#join.end())
    // What was thought is not shown; an answer that is nothing else would end in the middle as if it were whole.
    if (this.#thought && !this.#join.sawText && !others) this.#disagrees = true
    return held
  }

  /** Frames of more text, in the block that is open or in a new one. */
  #tell(text: string): string {
    if (text === '') return ''
    let before = ''
    if (this.#open === null) {
      this.#open = this.#next++
      before = this.#show({ type: 'content_block_start', index: this.#open, content_block: { type: 'text', text: '' } })
    }
    const delta = { type: 'text_delta', text }
    return before + this.#show({ type: 'content_block_delta', index: this.#open, delta })
  }

  #close(): string {
    if (this.#open === null || this.disagrees) return ''
    const index = this.#open
    this.#open = null
    return this.#show({ type: 'content_block_stop', index })
  }

  #show(event: Report): string {
    this.#shown.read(event, null)
    const { type, ...data } = event
    return eventFrame(String(type), data)
  }

  /** The input is told as at the message's start, wherever it is told again. */
  #told(usage: Report): Report {
    const told: Record<string, unknown> = { ...usage }
    for (const name of Object.keys(usage)) {
      if (name !== 'output_tokens' && this.#input[name] !== undefined) told[name] = this.#input[name]
    }
    if (typeof usage.output_tokens === 'number') told.output_tokens = this.#counts.output(usage.output_tokens)
    return told
  }
}
