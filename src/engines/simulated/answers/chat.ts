import type { AnswerForm } from '../requests/ask.ts'
import type { Answer } from './answer.ts'
import type { AnswerWire, Counts, StreamWire, Told } from './wire.ts'

/** `chat/completions` as OpenAI answers it. */
export const CHAT_WIRE: AnswerWire = { plain, stream }

function finishReason({ end }: Answer, form: AnswerForm): string {
  if (end === 'length') return 'length'
  return form.kind === 'call' && end === 'natural' ? 'tool_calls' : 'stop'
}

function usageOf({ promptTokens, cachedTokens, outputTokens }: Counts) {
  return {
    prompt_tokens: promptTokens,
    completion_tokens: outputTokens,
    total_tokens: promptTokens + outputTokens,
    prompt_tokens_details: { cached_tokens: cachedTokens, audio_tokens: 0 },
    completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0 },
  }
}

function callId(told: Told, choice: number): string {
  return `call_${told.id}${choice === 0 ? '' : `_${choice}`}`
}

function plain(told: Told, counts: Counts): string {
  const { ask, answers } = told
  return JSON.stringify({
    id: `chatcmpl-${told.id}`,
    object: 'chat.completion',
    created: told.createdAtSeconds,
    model: ask.model,
    choices: answers.map((answer, index) => ({
      index,
      message: messageOf(told, answer, index),
      logprobs: null,
      finish_reason: finishReason(answer, ask.form),
    })),
    usage: usageOf(counts),
    service_tier: 'default',
    system_fingerprint: 'simulated',
  })
}

function messageOf(told: Told, { text }: Answer, choice: number) {
  const { form } = told.ask
  const message = { role: 'assistant', content: form.kind === 'call' ? null : text, refusal: null, annotations: [] }
  if (form.kind !== 'call') return message
  const called = { name: form.name, arguments: text }
  return { ...message, tool_calls: [{ id: callId(told, choice), type: 'function', function: called }] }
}

function stream(told: Told): StreamWire {
  const { ask } = told
  const { form } = ask
  const head = JSON.stringify({
    id: `chatcmpl-${told.id}`,
    object: 'chat.completion.chunk',
    created: told.createdAtSeconds,
    model: ask.model,
    service_tier: 'default',
    system_fingerprint: 'simulated',
  }).slice(0, -1)
  const usage = ask.includeUsage ? ',"usage":null' : ''
  const chunk = (choice: number, delta: string, finish: string | null) =>
    `data: ${head},"choices":[{"index":${choice},"delta":${delta},"logprobs":null,"finish_reason":${JSON.stringify(finish)}}]${usage}}\n\n`
  // What stands before and after the text of a token, for each choice: the part of a stream that must be fast.
  const MARK = '\u0000'
  const pieces = told.answers.map((_, choice) => {
    const delta =
      form.kind === 'call' ? `{"tool_calls":[{"index":0,"function":{"arguments":"${MARK}"}}]}` : `{"content":"${MARK}"}`
    return chunk(choice, delta, null).split(MARK) as [string, string]
  })
  return {
    opening: () => '',
    beginChoice: choice => chunk(choice, firstDelta(told, choice), null),
    token: (choice, piece) => pieces[choice]![0] + piece + pieces[choice]![1],
    endChoice: choice => chunk(choice, '{}', finishReason(told.answers[choice]!, form)),
    closing: counts => {
      const last = ask.includeUsage ? `data: ${head},"choices":[],"usage":${JSON.stringify(usageOf(counts))}}\n\n` : ''
      return `${last}data: [DONE]\n\n`
    },
  }
}

function firstDelta(told: Told, choice: number): string {
  const { form } = told.ask
  if (form.kind !== 'call') return '{"role":"assistant","content":"","refusal":null}'
  const call = { index: 0, id: callId(told, choice), type: 'function', function: { name: form.name, arguments: '' } }
  return JSON.stringify({ role: 'assistant', content: null, tool_calls: [call] })
}
