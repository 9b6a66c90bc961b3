import type { Usage } from '../../vocabulary/usage.ts'
import { ChatEvents } from '../stream/chat-events.ts'
import type { MadeEnd, StreamEvents } from '../stream/events.ts'
import { chatFrame } from '../stream/made.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import { type ChatDelta, readChatDelta } from './chat-delta.ts'
import type { JoinedCounts } from './joined-counts.ts'
import { tellablePart } from './tellable.ts'
import type { TextJoin } from './text-join.ts'
import type { Splice, ToldAnswer } from './told.ts'

/** What every chunk of an answer says alike, and the chunks of the one that goes on too. */
const NAMES = ['id', 'created', 'model', 'system_fingerprint']

function choicesOf(event: Report): readonly unknown[] {
  return Array.isArray(event.choices) ? event.choices : []
}

function isFinish(reason: unknown): boolean {
  return reason !== undefined && reason !== null
}

/** What the caller was told of a streamed chat. */
export class ToldChat implements ToldAnswer {
  text = ''
  spoilt = false
  finished = false
  inText = false
  readonly #wantsUsage: boolean
  #names: Report | null = null

  constructor(wantsUsage: boolean) {
    this.#wantsUsage = wantsUsage
  }

  read(event: Report): void {
    if (isFinish(event.error)) this.spoilt = true
    for (const item of choicesOf(event)) {
      // What stands before the first choice may be a filter's verdict on the prompt, without a name.
      this.#names ??= Object.fromEntries(
        NAMES.filter(name => event[name] !== undefined).map(name => [name, event[name]]),
      )
      const choice = objectIn(item)
      if (choice === null) continue
      if (isFinish(choice.finish_reason)) this.finished = true
      const delta = objectIn(choice.delta)
      if (delta !== null) this.#readDelta(readChatDelta(delta), choice.index)
    }
  }

  tellable(): string {
    return tellablePart(this.text)
  }

  openEvents(): StreamEvents {
    return new ChatEvents(true)
  }

  spliceOnto(join: TextJoin, counts: JoinedCounts): Splice {
    return new ChatSplice({ join, counts, names: this.#names ?? {}, wantsUsage: this.#wantsUsage })
  }

  #readDelta({ text, thinks, others }: ChatDelta, index: unknown): void {
    if (others || (index !== undefined && index !== 0)) this.spoilt = true
    if (thinks) this.inText = false
    if (text === '') return
    this.text += text
    this.inText = true
  }
}

interface ChatSpliceTerms {
  readonly join: TextJoin
  readonly counts: JoinedCounts
  readonly names: Report
  readonly wantsUsage: boolean
}

class ChatSplice implements Splice {
  readonly ending = 'data: [DONE]\n\n'
  readonly #join: TextJoin
  readonly #counts: JoinedCounts
  readonly #names: Report
  readonly #wantsUsage: boolean
  /** Understands what is shown, for its end. */
  readonly #shown: ChatEvents
  #finished = false
  #settled = false
  #thought = false
  #disagrees = false

  constructor({ join, counts, names, wantsUsage }: ChatSpliceTerms) {
    this.#join = join
    this.#counts = counts
    this.#names = names
    this.#wantsUsage = wantsUsage
    this.#shown = new ChatEvents(wantsUsage)
  }

  get disagrees(): boolean {
    return this.#disagrees || this.#join.disagrees
  }

  take(event: Report): string {
    const choice = choicesOf(event)
      .map(objectIn)
      .find(told => told !== null && (told.index === undefined || told.index === 0))
    if (this.disagrees) return ''
    const shown = choice === undefined || choice === null ? '' : this.#takeChoice(event, choice)
    if (shown !== '' || !this.#wantsUsage || !this.#settled || this.disagrees) return shown
    // What follows the end is usage, whatever stands around it.
    return objectIn(event.usage) === null ? '' : this.#show(event, [])
  }

  end(): string {
    const held = this.#settle(false)
    return held === '' ? '' : this.#show({ object: 'chat.completion.chunk' }, [told({}, { content: held })])
  }

  endAtLimit(usage: Usage): MadeEnd {
    const names = { object: 'chat.completion.chunk', ...this.#names }
    return this.#shown.endAtLimit(this.#counts.of(usage), names)
  }

  #takeChoice(event: Report, choice: Report): string {
    const { text, thinks, others, rest } = readChatDelta(objectIn(choice.delta) ?? {})
    if (thinks) this.#thought = true
    const finishes = isFinish(choice.finish_reason) && !this.#finished
    let content = this.#join.take(text)
    if (finishes || others) content += this.#settle(others)
    const isMore = content !== '' || finishes || Object.keys(rest).length > 0
    if (this.disagrees || !isMore || (this.#finished && !finishes)) return ''
    // Members besides the text may be shown only once it is clear that the text goes on.
    if (content === '' && !this.#settled && !this.#join.isJoined) return ''
    if (finishes) this.#finished = true
    const delta = content === '' ? rest : { content, ...rest }
    return this.#show(event, [told(choice, delta)])
  }

  /** Nothing more comes that is text. @param others whether something else comes. @returns the text that was held back */
  #settle(others: boolean): string {
    if (this.#settled) return ''
    this.#settled = true
    const held = this.#join.end()
    // What was thought is not shown; an answer that is nothing else would end in the middle as if it were whole.
    if (this.#thought && !this.#join.sawText && !others) this.#disagrees = true
    return held
  }

  #show(event: Report, choices: readonly Report[]): string {
    const shown: Record<string, unknown> = { ...event, ...this.#names, choices }
    for (const name of NAMES) if (this.#names[name] === undefined) delete shown[name]
    const usage = objectIn(event.usage)
    if (usage !== null) shown.usage = this.#told(usage)
    this.#shown.read(shown, null)
    return chatFrame(shown)
  }

  #told(usage: Report): Report {
    const { prompt_tokens: prompt, completion_tokens: completion } = usage
    if (typeof prompt !== 'number' || typeof completion !== 'number') return usage
    const input = this.#counts.input(prompt)
    const output = this.#counts.output(completion)
    const told: Record<string, unknown> = { ...usage, prompt_tokens: input, completion_tokens: output }
    if (usage.total_tokens !== undefined) told.total_tokens = input + output
    const details = objectIn(usage.prompt_tokens_details)
    if (typeof details?.cached_tokens === 'number') {
      told.prompt_tokens_details = { ...details, cached_tokens: Math.min(details.cached_tokens, input) }
    }
    return told
  }
}

function told(choice: Report, delta: Report): Report {
  return { index: 0, finish_reason: null, ...choice, delta }
}
