import type { AnswerForm, Ask, AskLimits } from './ask.ts'
import { readBegunAnswer, readContent, readToolPrompt } from './content.ts'
import type { Fields } from './fields.ts'
import { PromptTokens } from './tokens.ts'
import { callForm, type ForcedCall, jsonForm, type OfferedTool } from './tools.ts'

/** Answers to one prompt, as OpenAI bounds them. */
const MAX_CHOICES = 128
const MAX_STOPS = 4

/** Reads a body of `chat/completions`; faults are told to the fields' own list. */
export function readChat(body: Fields, limits: AskLimits): Ask {
  const prompt = new PromptTokens(limits.contextTokens)
  readToolPrompt(body, prompt)
  readMessages(body, prompt)
  const options = body.object('stream_options')
  return {
    model: body.string('model') ?? '',
    prompt,
    choices: body.integer('n', { least: 1, most: MAX_CHOICES }) ?? 1,
    maxTokens: maxTokens(body),
    minTokens: body.integer('min_tokens', { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0,
    ignoreEnd: body.boolean('ignore_eos') ?? false,
    stops: readStops(body),
    form: readForm(body),
    streamed: body.boolean('stream') ?? false,
    includeUsage: options?.boolean('include_usage') ?? false,
    echo: {},
  }
}

function readMessages(body: Fields, prompt: PromptTokens): void {
  body.need('messages')
  const messages = body.objects('messages')
  if (messages !== null && messages.length === 0) body.wrong('messages', 'one or more messages')
  for (const [place, message] of (messages ?? []).entries()) {
    message.need('role')
    prompt.beginMessage(message.string('role') ?? '')
    if (place === messages!.length - 1) readBegunAnswer(message, prompt)
    readContent(message, 'content', prompt)
    for (const call of message.objects('tool_calls') ?? []) {
      const called = call.object('function')
      prompt.text(called?.string('name') ?? '')
      prompt.text(called?.string('arguments') ?? '')
    }
    if (prompt.begun !== null) return
    prompt.endMessage()
  }
  prompt.beginMessage('assistant')
}

function maxTokens(body: Fields): number | null {
  const range = { least: 1, most: Number.MAX_SAFE_INTEGER }
  const old = body.integer('max_tokens', range)
  return body.integer('max_completion_tokens', range) ?? old
}

function readStops(body: Fields): readonly string[] {
  const stop = body.raw('stop')
  if (stop === null) return []
  if (typeof stop === 'string') return stop === '' ? [] : [stop]
  const isList = Array.isArray(stop) && stop.length <= MAX_STOPS && stop.every(one => typeof one === 'string')
  if (isList) return stop.filter(one => one !== '')
  body.wrong('stop', `a string or an array of at most ${MAX_STOPS} strings`)
  return []
}

function readForm(body: Fields): AnswerForm {
  const forced = readToolChoice(body)
  if (forced !== null) return callForm(body, readTools(body), forced) ?? { kind: 'text' }
  const format = body.object('response_format')
  const type = format?.string('type') ?? 'text'
  if (type === 'json_object') return jsonForm(null)
  if (type === 'json_schema') return jsonForm(format?.object('json_schema')?.raw('schema'))
  return { kind: 'text' }
}

function readTools(body: Fields): readonly OfferedTool[] {
  return (body.objects('tools') ?? []).flatMap(tool => {
    const described = tool.object('function')
    const name = described?.string('name') ?? null
    return name === null ? [] : [{ name, schema: described?.raw('parameters') ?? {} }]
  })
}

function readToolChoice(body: Fields): ForcedCall | null {
  const choice = body.raw('tool_choice')
  if (choice === null || choice === 'auto' || choice === 'none') return null
  if (choice === 'required') return { name: null }
  const named = typeof choice === 'object' ? body.object('tool_choice') : null
  if (named === null) {
    body.wrong('tool_choice', "'none', 'auto', 'required' or an object that names a tool")
    return null
  }
  if (named.string('type') !== 'function') return null
  return { name: named.object('function')?.string('name') ?? null }
}
