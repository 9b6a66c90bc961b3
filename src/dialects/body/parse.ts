import { isUtf8 } from 'node:buffer'
import type { BodyFault, ParsedBody } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { NO_BLOCKS, type PromptBlocks } from '../../vocabulary/scheduling.ts'
import { type FoundKey, KnownKeys } from '../json/keys.ts'
import { JsonScan, type MemberVisitor } from '../json/scan.ts'
import { asBuffer, invalidUtf8At, numberAt, shownByte, stringAt } from '../json/text.ts'
import { blocksOf } from './blocks.ts'
import { MEMBERS, type MemberName } from './members.ts'
import { Payloads } from './payloads.ts'
import { promptWeight } from './prompt-weight.ts'
import { type Edit, splice } from './splice.ts'
import { type StreamOptions, streamOptionsAt } from './stream-options.ts'

/** The most answers that one call may ask for. */
export const MAX_CHOICES = 16_384
/** Members that a body may have at its top; the field's largest requests have some forty. */
export const MAX_MEMBERS = 1_024
/** The largest maximum that a caller may name: beyond any model, and its worst case still fits the ledger. */
export const MAX_OUTPUT_TOKENS = 1_000_000_000_000
/** The part of a body by which a conversation is known: its settings, its system prompt, the first message. */
const OPENING_BYTES = 2_048
/** How often a key that is read may come; each time costs an edit of the body. */
export const MAX_REPEATS = 16

/** The most tokens of the system prompt by which Anthropic adds tools to a message (its documentation of tool use, Claude 3 Opus). */
export const TOOLS_TOKENS = 530

const ASK_FOR_USAGE = Buffer.from('"stream_options":{"include_usage":true},')
const TOOLS = new KnownKeys(['tools'])
/** Members that are the prompt, in the order in which templates put them. */
const PROMPT_PARTS = ['tools', 'instructions', 'system', 'prompt', 'input', 'messages'] as const
const PROMPT = new KnownKeys(PROMPT_PARTS)

/** A parser of the requests of one endpoint. */
export function bodyParser(endpoint: Endpoint): (bytes: Uint8Array) => ParsedBody | BodyFault {
  const keys = new KnownKeys(MEMBERS[endpoint])
  const asksForUsage = endpoint === 'chat/completions'
  const tokenArrays = endpoint === 'embeddings'
  const toolsTokens = endpoint === 'messages' ? TOOLS_TOKENS : 0
  return bytes => {
    const buffer = asBuffer(bytes)
    const payloads = new Payloads(buffer)
    const scan = new JsonScan(buffer, payloads)
    const request = new RequestMembers(buffer, keys, scan)
    if (!scan.document(request)) return notJson(scan)
    if (!isUtf8(buffer)) {
      return { fault: `the body is not UTF-8: expected a character at byte ${invalidUtf8At(buffer)}` }
    }
    const fault = request.fault ?? request.missing()
    if (fault !== null) return { fault }
    const { values, blanks } = request
    const weight =
      promptWeight(buffer, { values, blanks, payloads, tokenArrays }) + (request.hasTools ? toolsTokens : 0)
    const promptBytes = Math.max(0, request.promptBytes - payloads.excessBytes)
    return new Request(buffer, request, { promptBytes, promptWeight: weight }, asksForUsage)
  }
}

function notJson(scan: JsonScan): BodyFault {
  const found = shownByte(scan.bytes[scan.faultAt])
  return { fault: `the body is not valid JSON: at byte ${scan.faultAt}, expected ${scan.expected}, found ${found}` }
}

interface PromptPart {
  readonly name: (typeof PROMPT_PARTS)[number]
  readonly at: number
  readonly end: number
}

/**
 * The members of a request as they are found. Of a key that comes twice the last counts, as for `JSON.parse`; of maxima
 * the largest, since nobody knows which of them the upstream obeys.
 */
class RequestMembers implements MemberVisitor {
  /** The first thing that is wrong beyond the grammar. */
  fault: string | null = null
  model = ''
  streamed = false
  maxOutputTokens: number | null = null
  choices = 1
  readonly modelEdits: Edit[] = []
  /** Of all `stream_options`; the last one says what the caller wants to see. */
  readonly options: StreamOptions[] = []
  /** Bytes of top-level values without the white space in them. */
  promptBytes = 0
  /** Where they begin and end, one after the other. */
  readonly values: number[] = []
  /** The white space in them. */
  blanks = 0
  hasTools = false
  /** Of the members that are the prompt: which, and where their values begin and end. */
  readonly parts: PromptPart[] = []
  readonly #bytes: Buffer
  readonly #keys: KnownKeys<MemberName>
  readonly #scan: JsonScan
  #sawModel = false
  #members = 0

  constructor(bytes: Buffer, keys: KnownKeys<MemberName>, scan: JsonScan) {
    this.#bytes = bytes
    this.#keys = keys
    this.#scan = scan
  }

  missing(): string | null {
    return this.#sawModel ? null : "the body has no 'model': expected the name of a model"
  }

  member(keyAt: number, keyEnd: number, valueAt: number, valueEnd: number, escaped: boolean): void {
    if (++this.#members > MAX_MEMBERS) {
      this.fault ??= `the body has too many members at byte ${keyAt}: expected at most ${MAX_MEMBERS}`
      return
    }
    const found = this.#keys.find(this.#bytes, keyAt, keyEnd, escaped)
    const first = this.#bytes[valueAt]
    // What is an object is counted whatever its key, since what is no text in it will be taken off.
    if (found === null || first === 0x7b || first === 0x5b) {
      this.promptBytes += valueEnd - valueAt - this.#scan.valueBlanks
      this.values.push(valueAt, valueEnd)
      this.blanks += this.#scan.valueBlanks
      const part = PROMPT.find(this.#bytes, keyAt, keyEnd, escaped)
      if (part?.exact) this.parts.push({ name: part.name, at: valueAt, end: valueEnd })
    }
    if (first === 0x5b && valueEnd - valueAt > 2 && TOOLS.find(this.#bytes, keyAt, keyEnd, escaped)?.exact) {
      this.hasTools = true
    }
    if (found === null || this.fault !== null) return
    const expected = this.#take(found, valueAt, valueEnd)
    if (expected === null) return
    const key = this.#bytes.toString('utf8', keyAt + 1, keyEnd - 1)
    this.fault = `'${key}' at byte ${keyAt}: expected ${expected}`
  }

  /** @returns what was expected, when the value is something else */
  #take({ name, exact }: FoundKey<MemberName>, at: number, end: number): string | null {
    // Servers that match keys without regard to case would read it as the other, whatever that one says.
    if (!exact) return `the spelling '${name}'`
    switch (name) {
      case 'model':
        return this.#takeModel(at, end)
      case 'stream':
        return this.#takeStream(at)
      case 'stream_options':
        return this.#takeOptions(at, end)
      case 'max_tokens':
      case 'max_completion_tokens':
      case 'max_output_tokens':
        return this.#takeMaximum(at, end)
      case 'n':
        return this.#takeChoices(at, end)
    }
  }

  #takeModel(at: number, end: number): string | null {
    if (this.#bytes[at] !== 0x22 || end - at <= 2) return 'the name of a model, in double quotes'
    if (this.modelEdits.length === MAX_REPEATS) return `it at most ${MAX_REPEATS} times`
    this.model = stringAt(this.#bytes, at, end, this.#scan.escaped)
    this.modelEdits.push({ at, end, text: null })
    this.#sawModel = true
    return null
  }

  #takeStream(at: number): string | null {
    const first = this.#bytes[at]
    if (first !== 0x74 && first !== 0x66 && first !== 0x6e) return 'true or false'
    this.streamed = first === 0x74
    return null
  }

  #takeOptions(at: number, end: number): string | null {
    if (this.options.length === MAX_REPEATS) return `it at most ${MAX_REPEATS} times`
    const options = streamOptionsAt(this.#bytes, at, end)
    if (typeof options === 'string') return options
    this.options.push(options)
    return null
  }

  #takeMaximum(at: number, end: number): string | null {
    const value = this.#numberAt(at, end)
    if (value === null) return null
    if (!Number.isSafeInteger(value) || value > MAX_OUTPUT_TOKENS) {
      return `a whole number of tokens, at most ${MAX_OUTPUT_TOKENS}`
    }
    // A negative maximum means none to the engines that take one.
    if (value >= 0) this.maxOutputTokens = Math.max(value, this.maxOutputTokens ?? 0)
    return null
  }

  #takeChoices(at: number, end: number): string | null {
    const value = this.#numberAt(at, end) ?? 1
    if (!Number.isSafeInteger(value) || value < 0 || value > MAX_CHOICES) {
      return `a whole number of answers, at most ${MAX_CHOICES}`
    }
    this.choices = Math.max(this.choices, value)
    return null
  }

  /** Null for `null`, NaN for what is no number. */
  #numberAt(at: number, end: number): number | null {
    const first = this.#bytes[at]!
    if (first === 0x6e) return null
    return first === 0x2d || (first >= 0x30 && first <= 0x39) ? numberAt(this.#bytes, at, end) : Number.NaN
  }
}

type PromptSize = Pick<ParsedBody, 'promptBytes' | 'promptWeight'>

const NO_BYTES = Buffer.alloc(0)

/** A request that was read; it holds the caller's bytes and where to change them. */
export class Request implements ParsedBody {
  readonly model: string
  readonly streamed: boolean
  readonly maxOutputTokens: number | null
  readonly choices: number
  readonly wantsUsage: boolean
  readonly bytes: number
  readonly promptBytes: number
  readonly promptWeight: number
  #bytes: Buffer
  readonly #edits: readonly Edit[]
  readonly #parts: readonly PromptPart[]

  constructor(bytes: Buffer, members: RequestMembers, prompt: PromptSize, asksForUsage: boolean) {
    this.model = members.model
    this.streamed = members.streamed
    this.maxOutputTokens = members.maxOutputTokens
    this.choices = members.choices
    this.wantsUsage = members.options.at(-1)?.wantsUsage ?? false
    this.bytes = bytes.length
    this.promptBytes = prompt.promptBytes
    this.promptWeight = prompt.promptWeight
    this.#bytes = bytes
    this.#parts = members.parts
    this.#edits = asksForUsage && members.streamed ? withUsageAsked(bytes, members) : members.modelEdits
  }

  opening(): Uint8Array {
    return this.#bytes.subarray(0, OPENING_BYTES)
  }

  blocks(): PromptBlocks {
    if (this.#bytes.length === 0) return NO_BLOCKS
    const place = ({ name }: PromptPart) => PROMPT_PARTS.indexOf(name)
    return blocksOf(
      this.#bytes,
      this.#parts.toSorted((one, other) => place(one) - place(other)),
    )
  }

  release(): void {
    this.#bytes = NO_BYTES
  }

  /** The caller's bytes, and what every upstream gets in place of some of them, for one who changes more. */
  original(): { readonly bytes: Buffer; readonly edits: readonly Edit[] } {
    return { bytes: this.#bytes, edits: this.#edits }
  }

  forUpstream(model: string): readonly Uint8Array[] {
    // One name that is right already leaves nothing to change.
    if (model === this.model && this.#edits.length === 1 && this.#edits[0]!.text === null) return [this.#bytes]
    return splice(this.#bytes, this.#edits, model)
  }
}

/** The edits of a streamed chat: the names of the model, and usage asked for wherever it is not yet. */
function withUsageAsked(bytes: Buffer, { modelEdits, options }: RequestMembers): readonly Edit[] {
  if (options.length === 0) {
    const start = bytes.indexOf(0x7b) + 1
    return [{ at: start, end: start, text: ASK_FOR_USAGE }, ...modelEdits]
  }
  return [...modelEdits, ...options.flatMap(({ edits }) => edits)].sort((one, other) => one.at - other.at)
}
