import type { Tokens } from '../units/tokens.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { Endpoint } from '../vocabulary/dialect.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import type { PromptBlocks } from '../vocabulary/scheduling.ts'
import type { Usage } from '../vocabulary/usage.ts'

/** What the data plane must know of a request's body; everything else stays as the caller's bytes. */
export interface ParsedBody {
  readonly model: string
  readonly streamed: boolean
  /** The caller's own maximum of output tokens; null when it named none. */
  readonly maxOutputTokens: number | null
  /** How many answers were asked for (`n`); 1 when not said. */
  readonly choices: number
  /** Whether the caller wants to see the usage of a streamed chat. */
  readonly wantsUsage: boolean
  /** Of the whole body as the caller sent it. */
  readonly bytes: number
  /**
   * Bytes of the body that are text for the model, an upper bound: without the white space of the JSON and without
   * base64. An image, a sound or a file counts like so much text as its tokens are at most.
   */
  readonly promptBytes: number
  /**
   * The most tokens that the prompt has by what its bytes are (a fraction), without what the model's template adds.
   * Images, sounds and files are in it, and base64 is not.
   */
  readonly promptWeight: number
  /**
   * The bytes for the upstream: the caller's, with the model's name replaced and, for a streamed chat, usage asked for.
   * Pieces share the caller's memory. May be called once per attempt.
   */
  forUpstream(model: string): readonly Uint8Array[]
  /** The beginning of the body: of calls of one conversation, which grows at its end, it is the same. Empty once released. */
  opening(): Uint8Array
  /** The prompt in blocks, by which engines are found that have its beginning in their caches. None once released. */
  blocks(): PromptBlocks
  /** Lets go of the caller's bytes, once no attempt can need them any more; long streams outlive their prompts. */
  release(): void
}

/** Why a body was not taken: one sentence that names the place and what was expected. */
export interface BodyFault {
  readonly fault: string
}

/** What a whole plain answer says. */
export interface AnswerSummary {
  /** As reported; null when the answer has no usable usage. */
  readonly usage: Usage | null
  /** Bytes of text, tool arguments and reasoning that the answer shows; for an estimate where usage is missing. */
  readonly contentBytes: number
  /** False when the body is not JSON of the endpoint's form, or carries an error inside its 200. */
  readonly sound: boolean
  /** True when the body is JSON that carries an error inside its 200. */
  readonly error: boolean
}

/**
 * Reads one stream in passing. It never copies what it can pass on, holds back the last event and the frames that only
 * metering asked for, and finds frames whatever way the bytes are split.
 */
export interface StreamReader {
  /** Takes bytes of the upstream; returns those that may be shown now, null when there are none. */
  push(chunk: Uint8Array): Uint8Array | null
  /** True once content (text, tool call or reasoning, no role and no ping) was among the bytes taken. */
  readonly sawContent: boolean
  /** True once the terminal event was taken: nothing that comes later is shown. */
  readonly ended: boolean
  /** True when an error event was among the frames. */
  readonly sawError: boolean
  /** Frames that were left out because they hold nothing for a client. Absent means none. */
  readonly unreadableFrames?: number
  /** True once a frame was taken that no client can read, or that is too large: what comes later is not shown. */
  readonly malformed: boolean
  /** Usage as reported so far; null when none was. Input may be known before output (Anthropic's `message_start`). */
  readonly usage: Usage | null
  /** True when the reported usage is final, not only that of the beginning. */
  readonly usageFinal: boolean
  /** Estimated bytes of content among the bytes taken. */
  readonly contentBytes: number
  /**
   * Ends the reading and gives what was held back: a frame that lacked nothing but its end, and the last event, which is
   * the terminal one or the upstream's own error. A frame that broke off is not shown.
   */
  finish(): StreamEnd
  /**
   * Ends the reading in the middle, instead of `finish`, as if the answer had reached its maximum length: in events of
   * the dialect that stand behind the frames shown so far. A frame that broke off is not shown. A stream that has ended
   * by itself keeps its own end.
   *
   * @param usage that the end tells the caller
   */
  endAtLimit(usage: Usage): StreamEnd
}

export interface StreamEnd {
  /** Whether the stream came to its proper end in its dialect. */
  readonly whole: boolean
  /** Bytes to show before the closing comment. */
  readonly beforeComment: Uint8Array | null
  /** The last event, to show after the closing comment; null when the stream had none. */
  readonly lastEvent: Uint8Array | null
}

/** How an upstream is asked to go on with an answer that another one began. */
export type GoOn =
  /** By an assistant's message that ends the conversation with what was shown. */
  | 'prefill'
  /** By the same request again: what comes is joined only where it says again what was shown. */
  | 'anew'

/** Follows what a stream has shown, so that another deployment can go on with it. */
export interface ShownAnswer {
  /** Takes bytes as they were shown: whole frames, in order, those of continuations too. */
  take(bytes: Uint8Array): void
  /**
   * Whether somebody else can go on with what was shown: text alone, of one answer, in its midst. Never with a tool call,
   * with reasoning that no text has followed, or with an answer that has a structure.
   */
  canGoOn(): boolean
  /** Bytes of the text that was shown; of an answer that nobody can go on with they mean nothing. */
  textBytes(): number
  /**
   * How a deployment is asked to go on; one whose engine can't go on from a message is asked anew in any case. Only where
   * `canGoOn` says so.
   *
   * @param shownTokens that the answer has so far; a maximum that the caller named is lowered by them
   */
  goOn(how: GoOn, deployment: Deployment, shownTokens: Tokens): Continuation
}

export interface Continuation {
  /** Pieces of the body, in order. */
  readonly body: readonly Uint8Array[]
  /** Of the text that it is told it has said already, which counts as input; 0 where it is asked anew. */
  readonly toldBytes: number
  /** Opens a reader whose frames go on from those that were shown: one answer with one role, one end, its first id. */
  openStream(): ContinuationReader
}

/**
 * What it tells of the stream is that of the new upstream alone: its own usage, and content also where it is held back
 * or only says again what was shown. `endAtLimit` too is given the usage of the new upstream, and tells that of both.
 */
export interface ContinuationReader extends StreamReader {
  /** True once what came can't be joined to what was shown: nothing of it is shown. Known at `finish` at the latest. */
  readonly disagrees: boolean
}

/** How one endpoint of one dialect looks on the wire. Stateless; readers are made per stream. */
export interface Wire {
  readonly endpoint: Endpoint
  parseBody(bytes: Uint8Array): ParsedBody | BodyFault
  readAnswer(bytes: Uint8Array): AnswerSummary
  /** @param withholds whether nothing is shown before the first content (the default): comments until then are left out */
  openStream(body: ParsedBody, withholds?: boolean): StreamReader
  /** Follows a stream for those that may have to go on with it; null where an answer to such a request is never put together of two. */
  follow(body: ParsedBody): ShownAnswer | null
  /** Whether an upstream's refusal says that the conversation is too long for this model. */
  saysTooLong(status: number, body: Uint8Array): boolean
  /** Whether an upstream's refusal may mean that it does not go on from an assistant's message. */
  refusesPrefill(status: number, body: Uint8Array): boolean
  /** The comment that closes a stream: `: penstock {"id":"pen_…","dollars":"…"}` and an empty line. */
  closingComment(fields: Readonly<Record<string, string | boolean | null>>): Uint8Array
  /** An error frame that ends a stream which had already shown something. */
  streamError(refusal: Refusal, id: CallId): Uint8Array
}
