/**
 * A model whose answers are as long as they are told to be, in OpenAI's dialect, and who keeps its own account. It holds
 * every answer back until it is let go: while callers race nobody is done before everybody is decided upon.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** Tokens of the prompt that races ask with, as OpenAI counts them. */
export const PROMPT_TOKENS = 40
/** Each word is a token of the usual tokenizers; they are as long as a token of English is on average. */
const WORDS = ' the pipe carries water to a wheel and it turns in the dark all day'.split(/(?= )/)
const WORDS_A_FRAME = 5
const FRAME_MS = 10

/** How the model behaves. */
export interface Script {
  /** Tokens that it would write if nobody stopped it. */
  readonly outputTokens: number
  /** Whether it stops at `max_tokens`. */
  readonly obeys: boolean
}

/** What it would bill. */
export interface Account {
  calls: number
  /** Streams that were ended before the model was done. */
  cut: number
  inputTokens: number
  outputTokens: number
}

interface Asked {
  readonly stream?: boolean
  readonly max_tokens?: number
  readonly max_completion_tokens?: number
  readonly stream_options?: { readonly include_usage?: boolean } | null
}

export class ScriptedModel {
  account: Account = { calls: 0, cut: 0, inputTokens: 0, outputTokens: 0 }
  readonly #server: Server
  #script: Script = { outputTokens: 8, obeys: true }
  #gate: Promise<void> = Promise.resolve()
  #open = () => {}

  private constructor(server: Server) {
    this.#server = server
  }

  static async listen(): Promise<ScriptedModel> {
    const server = createServer({ keepAliveTimeout: 60_000 })
    const model = new ScriptedModel(server)
    server.on('request', (request: IncomingMessage, response: ServerResponse) => void model.#answer(request, response))
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
    return model
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  /** Takes another script and a fresh account; answers wait from now on until `letGo`. */
  hold(script: Script): void {
    this.#script = script
    this.account = { calls: 0, cut: 0, inputTokens: 0, outputTokens: 0 }
    this.#gate = new Promise(resolve => {
      this.#open = resolve
    })
  }

  letGo(): void {
    this.#open()
  }

  async close(): Promise<void> {
    this.letGo()
    this.#server.closeAllConnections()
    await new Promise(resolve => this.#server.close(resolve))
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    let text = ''
    for await (const part of request.setEncoding('utf8')) text += part
    if (request.method !== 'POST') return void response.end('{"object":"list","data":[]}')
    const asked = JSON.parse(text) as Asked
    const { outputTokens, obeys } = this.#script
    const most = asked.max_completion_tokens ?? asked.max_tokens ?? outputTokens
    const tokens = obeys ? Math.min(most, outputTokens) : outputTokens
    const { account } = this
    account.calls++
    account.inputTokens += PROMPT_TOKENS
    await this.#gate
    const finish = tokens < most ? 'stop' : 'length'
    if (asked.stream) return this.#stream(response, { asked, tokens, finish, account })
    account.outputTokens += tokens
    const message = { role: 'assistant', content: prose(0, tokens) }
    response.writeHead(200, { 'content-type': 'application/json' })
    response.end(
      JSON.stringify({
        ...HEAD,
        object: 'chat.completion',
        choices: [{ index: 0, message, finish_reason: finish }],
        usage: usageOf(tokens),
      }),
    )
  }

  /** Writes frames until it is done or its caller has left; what it wrote is billed. */
  async #stream(
    response: ServerResponse,
    { asked, tokens, finish, account }: { asked: Asked; tokens: number; finish: string; account: Account },
  ): Promise<void> {
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (rest: object) => {
      response.write(`data: ${JSON.stringify({ ...HEAD, object: 'chat.completion.chunk', ...rest })}\n\n`)
    }
    const choice = (delta: object, reason: string | null) => ({ choices: [{ index: 0, delta, finish_reason: reason }] })
    for (let written = 0; written < tokens && !response.destroyed; written += WORDS_A_FRAME) {
      const words = Math.min(WORDS_A_FRAME, tokens - written)
      account.outputTokens += words
      send(choice({ content: prose(written, words) }, null))
      await pause(FRAME_MS)
    }
    if (response.destroyed) {
      account.cut++
      return
    }
    send(choice({}, finish))
    if (asked.stream_options?.include_usage) send({ choices: [], usage: usageOf(tokens) })
    response.end('data: [DONE]\n\n')
  }
}

const HEAD = { id: 'chatcmpl-race', created: 1_767_225_600, model: 'mock-model' }

function prose(from: number, words: number): string {
  return Array.from({ length: words }, (_, i) => WORDS[(from + i) % WORDS.length]).join('')
}

function usageOf(outputTokens: number): object {
  const total = PROMPT_TOKENS + outputTokens
  return { prompt_tokens: PROMPT_TOKENS, completion_tokens: outputTokens, total_tokens: total }
}
