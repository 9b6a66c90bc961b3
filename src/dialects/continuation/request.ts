import type { Endpoint } from '../../vocabulary/dialect.ts'
import type { Request } from '../body/parse.ts'
import type { Edit } from '../body/splice.ts'
import { KnownKeys } from '../json/keys.ts'
import { JsonScan, type MemberVisitor } from '../json/scan.ts'
import { numberAt } from '../json/text.ts'
import { objectIn } from '../usage/counts.ts'

/** The endpoints whose answers another deployment can go on with. */
export type FollowedEndpoint = Extract<Endpoint, 'chat/completions' | 'messages'>

export interface Span {
  readonly at: number
  readonly end: number
}

/** A number of tokens that the caller wants of the answer, which shrinks with what was shown. */
export interface WantedTokens extends Span {
  readonly tokens: number
  /** The least that may be left of it. */
  readonly least: number
}

/** Members by which an engine is told to go on from the last message. */
export type GoOnMember = 'continue_final_message' | 'add_generation_prompt'

/** A request whose answer may be put together of two: the caller's bytes, and where they are changed for that. */
export interface FollowedRequest {
  readonly endpoint: FollowedEndpoint
  readonly bytes: Buffer
  /** What every upstream gets in place of some of them. */
  readonly edits: readonly Edit[]
  /** The list of messages. */
  readonly messages: Span
  readonly wanted: readonly WantedTokens[]
  readonly goOnMembers: ReadonlyMap<GoOnMember, readonly Span[]>
}

const isSet = (value: unknown) => value !== null && value !== ''
const isMore = (value: unknown) => value === true || (typeof value === 'number' && value > 0)

/** What a member says that forbids to put the answer together of two. */
type Forbids = (value: unknown) => boolean

/** An answer that has a structure, or more to it than its text, is never put together. */
const CHAT_FORBIDS = {
  response_format: value => value !== null && objectIn(value)?.type !== 'text',
  // The same as vLLM, SGLang and llama.cpp call it.
  guided_json: isSet,
  guided_regex: isSet,
  guided_choice: isSet,
  guided_grammar: isSet,
  structured_outputs: isSet,
  json_schema: isSet,
  grammar: isSet,
  regex: isSet,
  ebnf: isSet,
  logprobs: isMore,
  top_logprobs: isMore,
  audio: isSet,
  modalities: value => Array.isArray(value) && value.includes('audio'),
  tool_choice: value => value === 'required' || objectIn(value) !== null,
  function_call: value => objectIn(value) !== null,
} as const satisfies Readonly<Record<string, Forbids>>

const MESSAGES_FORBIDS = {
  tool_choice: value => ['any', 'tool'].includes(String(objectIn(value)?.type)),
  output_config: value => isSet(objectIn(value)?.format ?? null),
  output_format: isSet,
} as const satisfies Readonly<Record<string, Forbids>>

const FORBIDS: Readonly<Record<FollowedEndpoint, ReadonlyMap<string, Forbids>>> = {
  'chat/completions': new Map(Object.entries(CHAT_FORBIDS)),
  messages: new Map(Object.entries(MESSAGES_FORBIDS)),
}

/** The maxima that are read of a request, and vLLM's minimum. */
const WANTED: ReadonlyMap<string, number> = new Map([
  ['max_tokens', 1],
  ['max_completion_tokens', 1],
  ['min_tokens', 0],
])

const KEYS = new KnownKeys([
  'messages',
  ...WANTED.keys(),
  'continue_final_message',
  'add_generation_prompt',
  ...new Set([...Object.keys(CHAT_FORBIDS), ...Object.keys(MESSAGES_FORBIDS)]),
])

/** @returns null when the answer to this request is never put together of two */
export function followedRequest(endpoint: FollowedEndpoint, request: Request): FollowedRequest | null {
  if (!request.streamed || request.choices > 1) return null
  const { bytes, edits } = request.original()
  const members = new GoOnMembers(bytes, FORBIDS[endpoint])
  if (!new JsonScan(bytes).document(members) || members.forbids || members.messages === null) return null
  const { messages, wanted, goOnMembers } = members
  return { endpoint, bytes, edits, messages, wanted, goOnMembers }
}

class GoOnMembers implements MemberVisitor {
  forbids = false
  /** Of a key that comes twice the last counts. */
  messages: Span | null = null
  readonly wanted: WantedTokens[] = []
  readonly goOnMembers = new Map<GoOnMember, Span[]>()
  readonly #bytes: Buffer
  readonly #forbids: ReadonlyMap<string, Forbids>

  constructor(bytes: Buffer, forbids: ReadonlyMap<string, Forbids>) {
    this.#bytes = bytes
    this.#forbids = forbids
  }

  member(keyAt: number, keyEnd: number, at: number, end: number, escaped: boolean): void {
    const name = KEYS.find(this.#bytes, keyAt, keyEnd, escaped)?.name
    if (name === undefined) return
    if (name === 'messages') this.messages = this.#bytes[at] === 0x5b ? { at, end } : null
    else if (name === 'continue_final_message' || name === 'add_generation_prompt') {
      this.goOnMembers.set(name, [...(this.goOnMembers.get(name) ?? []), { at, end }])
    } else this.#read(name, at, end)
  }

  #read(name: string, at: number, end: number): void {
    const least = WANTED.get(name)
    const first = this.#bytes[at]!
    if (least !== undefined) {
      const tokens = first >= 0x30 && first <= 0x39 ? numberAt(this.#bytes, at, end) : 0
      if (Number.isSafeInteger(tokens) && tokens > least) this.wanted.push({ at, end, tokens, least })
      return
    }
    const forbids = this.#forbids.get(name)
    if (forbids?.(JSON.parse(this.#bytes.toString('utf8', at, end)))) this.forbids = true
  }
}
