import type { Answer } from './answer.ts'
import type { AnswerWire, Counts, StreamWire, Told } from './wire.ts'

/** `responses` as OpenAI answers it. */
export const RESPONSES_WIRE: AnswerWire = { plain, stream }

type Status = 'in_progress' | 'completed' | 'incomplete'

function statusOf({ end }: Answer): Status {
  return end === 'length' ? 'incomplete' : 'completed'
}

function usageOf({ promptTokens, cachedTokens, outputTokens }: Counts) {
  return {
    input_tokens: promptTokens,
    input_tokens_details: { cached_tokens: cachedTokens, cache_write_tokens: 0 },
    output_tokens: outputTokens,
    output_tokens_details: { reasoning_tokens: 0 },
    total_tokens: promptTokens + outputTokens,
  }
}

function responseOf(
  told: Told,
  now: { readonly status: Status; readonly output: object[]; readonly usage: object | null },
) {
  const { status, output, usage } = now
  return {
    id: `resp_${told.id}`,
    object: 'response',
    created_at: told.createdAtSeconds,
    status,
    background: false,
    error: null,
    incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
    model: told.ask.model,
    output,
    ...told.ask.echo,
    service_tier: 'default',
    store: false,
    usage,
  }
}

function textPart(text: string) {
  return { type: 'output_text', text, annotations: [], logprobs: [] }
}

function itemOf(told: Told, status: Status, text: string) {
  const { form } = told.ask
  if (form.kind === 'call') {
    const id = `fc_${told.id}`
    return { id, type: 'function_call', status, call_id: `call_${told.id}`, name: form.name, arguments: text }
  }
  const content = status === 'in_progress' ? [] : [textPart(text)]
  return { id: `msg_${told.id}`, type: 'message', status, role: 'assistant', content }
}

function plain(told: Told, counts: Counts): string {
  const answer = told.answers[0]!
  const status = statusOf(answer)
  return JSON.stringify(
    responseOf(told, { status, output: [itemOf(told, status, answer.text)], usage: usageOf(counts) }),
  )
}

function stream(told: Told): StreamWire {
  const answer = told.answers[0]!
  const item = itemOf(told, 'in_progress', '')
  const isCall = told.ask.form.kind === 'call'
  const place = isCall ? { item_id: item.id, output_index: 0 } : { item_id: item.id, output_index: 0, content_index: 0 }
  let sequence = 0
  const event = (type: string, fields: object) => {
    const numbered = { type, ...fields, sequence_number: sequence++ }
    return `event: ${type}\ndata: ${JSON.stringify(numbered)}\n\n`
  }
  const deltaType = isCall ? 'response.function_call_arguments.delta' : 'response.output_text.delta'
  const deltaHead = `event: ${deltaType}\ndata: {"type":"${deltaType}",${JSON.stringify(place).slice(1, -1)},"delta":"`
  const deltaTail = isCall ? '","sequence_number":' : '","logprobs":[],"sequence_number":'
  return {
    opening: () => {
      const response = responseOf(told, { status: 'in_progress', output: [], usage: null })
      return event('response.created', { response }) + event('response.in_progress', { response })
    },
    beginChoice: () => {
      const added = event('response.output_item.added', { output_index: 0, item })
      return isCall ? added : added + event('response.content_part.added', { ...place, part: textPart('') })
    },
    token: (_, piece) => `${deltaHead}${piece}${deltaTail}${sequence++}}\n\n`,
    endChoice: () => {
      const { text } = answer
      const said = isCall
        ? event('response.function_call_arguments.done', { ...place, arguments: text })
        : event('response.output_text.done', { ...place, text, logprobs: [] }) +
          event('response.content_part.done', { ...place, part: textPart(text) })
      return said + event('response.output_item.done', { output_index: 0, item: itemOf(told, statusOf(answer), text) })
    },
    closing: counts => {
      const status = statusOf(answer)
      const output = [itemOf(told, status, answer.text)]
      return event(`response.${status}`, { response: responseOf(told, { status, output, usage: usageOf(counts) }) })
    },
  }
}
