import type { AnswerForm } from '../requests/ask.ts'
import type { Answer } from './answer.ts'
import type { AnswerWire, Counts, StreamWire, Told } from './wire.ts'

/** `messages` as Anthropic answers it. */
export const MESSAGES_WIRE: AnswerWire = { plain, stream }

function stopReason({ end }: Answer, form: AnswerForm): string {
  if (end === 'length') return 'max_tokens'
  if (end === 'stopSequence') return 'stop_sequence'
  return form.kind === 'call' ? 'tool_use' : 'end_turn'
}

/** Input without what was read from the cache, as Anthropic counts it. */
function usageOf({ promptTokens, cachedTokens }: Counts, outputTokens: number) {
  return {
    input_tokens: promptTokens - cachedTokens,
    cache_creation_input_tokens: 0,
    cache_read_input_tokens: cachedTokens,
    cache_creation: { ephemeral_5m_input_tokens: 0, ephemeral_1h_input_tokens: 0 },
    output_tokens: outputTokens,
    service_tier: 'standard',
  }
}

function messageOf(told: Told, usage: object) {
  return {
    id: `msg_${told.id}`,
    type: 'message',
    role: 'assistant',
    model: told.ask.model,
    content: [] as object[],
    stop_reason: null as string | null,
    stop_sequence: null as string | null,
    usage,
  }
}

function blockOf(told: Told, text: string): object {
  const { form } = told.ask
  if (form.kind !== 'call') return { type: 'text', text }
  return { type: 'tool_use', id: `toolu_${told.id}`, name: form.name, input: inputOf(text) }
}

/** Arguments that were cut by the maximum of tokens cannot be read any more. */
function inputOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return {}
  }
}

function plain(told: Told, counts: Counts): string {
  const answer = told.answers[0]!
  return JSON.stringify({
    ...messageOf(told, usageOf(counts, counts.outputTokens)),
    content: [blockOf(told, answer.text)],
    stop_reason: stopReason(answer, told.ask.form),
    stop_sequence: answer.stopSequence,
  })
}

function event(name: string, data: string): string {
  return `event: ${name}\ndata: {"type":"${name}",${data}}\n\n`
}

function stream(told: Told): StreamWire {
  const { form } = told.ask
  const answer = told.answers[0]!
  const delta = form.kind === 'call' ? ['input_json_delta', 'partial_json'] : ['text_delta', 'text']
  const MARK = '\u0000'
  const [before, after] = event(
    'content_block_delta',
    `"index":0,"delta":{"type":"${delta[0]}","${delta[1]}":"${MARK}"}`,
  ).split(MARK) as [string, string]
  return {
    // One token is there when a message begins.
    opening: counts => event('message_start', `"message":${JSON.stringify(messageOf(told, usageOf(counts, 1)))}`),
    beginChoice: () =>
      event('content_block_start', `"index":0,"content_block":${JSON.stringify(blockOf(told, ''))}`) +
      'event: ping\ndata: {"type":"ping"}\n\n',
    token: (_, piece) => before + piece + after,
    endChoice: () => event('content_block_stop', '"index":0'),
    closing: counts => {
      const ended = { stop_reason: stopReason(answer, form), stop_sequence: answer.stopSequence }
      const usage = {
        input_tokens: counts.promptTokens - counts.cachedTokens,
        cache_creation_input_tokens: 0,
        cache_read_input_tokens: counts.cachedTokens,
        output_tokens: counts.outputTokens,
      }
      return (
        event('message_delta', `"delta":${JSON.stringify(ended)},"usage":${JSON.stringify(usage)}`) +
        'event: message_stop\ndata: {"type":"message_stop"}\n\n'
      )
    },
  }
}
