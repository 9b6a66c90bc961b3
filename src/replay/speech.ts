/** What one streamed answer said so far, as its caller sees it. Times are milliseconds of a clock that only goes forward. */
export interface Heard {
  firstContentMs: number | null
  lastContentMs: number | null
  /** With cached tokens, in every dialect. */
  inputTokens: number | null
  cachedTokens: number
  outputTokens: number | null
  /** From the closing comment; null when it says none, undefined when there was no such comment. */
  dollars: string | null | undefined
  /** The stream's own terminal event was there. */
  whole: boolean
  /** An error inside the stream. */
  error: boolean
}

export type Dialect = 'openai' | 'anthropic'

type Fields = Readonly<Record<string, unknown>>

function fields(value: unknown): Fields | null {
  return typeof value === 'object' && value !== null ? (value as Fields) : null
}

function count(value: unknown): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== ''
}

function hearOpenAi(frame: Fields, atMs: number, heard: Heard): void {
  if (frame.error) heard.error = true
  const choices = Array.isArray(frame.choices) ? frame.choices : []
  for (const choice of choices) {
    const delta = fields(fields(choice)?.delta)
    if (!delta) continue
    if (isText(delta.content) || isText(delta.reasoning_content) || isText(delta.reasoning) || delta.tool_calls) {
      heard.firstContentMs ??= atMs
      heard.lastContentMs = atMs
    }
  }
  const usage = fields(frame.usage)
  if (!usage) return
  heard.inputTokens = count(usage.prompt_tokens) ?? heard.inputTokens
  heard.outputTokens = count(usage.completion_tokens) ?? heard.outputTokens
  heard.cachedTokens = count(fields(usage.prompt_tokens_details)?.cached_tokens) ?? heard.cachedTokens
}

function hearAnthropicUsage(usage: Fields | null, heard: Heard): void {
  if (!usage) return
  const uncached = count(usage.input_tokens)
  if (uncached !== null) {
    const read = count(usage.cache_read_input_tokens) ?? 0
    heard.inputTokens = uncached + read + (count(usage.cache_creation_input_tokens) ?? 0)
    heard.cachedTokens = read
  }
  heard.outputTokens = count(usage.output_tokens) ?? heard.outputTokens
}

function hearAnthropic(frame: Fields, atMs: number, heard: Heard): void {
  if (frame.type === 'message_start') hearAnthropicUsage(fields(fields(frame.message)?.usage), heard)
  else if (frame.type === 'message_delta') hearAnthropicUsage(fields(frame.usage), heard)
  else if (frame.type === 'message_stop') heard.whole = true
  else if (frame.type === 'error') heard.error = true
  else if (frame.type === 'content_block_delta') {
    heard.firstContentMs ??= atMs
    heard.lastContentMs = atMs
  }
}

const COMMENT = ': penstock '

/** Listens to a stream of server-sent events, whatever way its bytes are split. */
export class Listener {
  readonly heard: Heard = {
    firstContentMs: null,
    lastContentMs: null,
    inputTokens: null,
    cachedTokens: 0,
    outputTokens: null,
    dollars: undefined,
    whole: false,
    error: false,
  }
  readonly #dialect: Dialect
  readonly #decoder = new TextDecoder()
  #rest = ''

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  push(chunk: Uint8Array, atMs: number): void {
    const lines = (this.#rest + this.#decoder.decode(chunk, { stream: true })).split('\n')
    this.#rest = lines.pop()!
    for (const line of lines) this.#line(line.endsWith('\r') ? line.slice(0, -1) : line, atMs)
  }

  #line(line: string, atMs: number): void {
    if (line.startsWith(COMMENT)) {
      const { dollars } = fields(parsed(line.slice(COMMENT.length))) ?? {}
      this.heard.dollars = typeof dollars === 'string' ? dollars : null
    }
    if (!line.startsWith('data:')) return
    const data = line.slice(line.startsWith('data: ') ? 6 : 5)
    if (data === '[DONE]') {
      this.heard.whole = true
      return
    }
    const frame = fields(parsed(data))
    if (!frame) this.heard.error = true
    else if (this.#dialect === 'openai') hearOpenAi(frame, atMs, this.heard)
    else hearAnthropic(frame, atMs, this.heard)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
