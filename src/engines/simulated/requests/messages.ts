import type { AnswerForm, Ask, AskLimits } from './ask.ts'
import { readBegunAnswer, readContent, readToolPrompt } from './content.ts'
import type { Fields } from './fields.ts'
import { PromptTokens } from './tokens.ts'
import { callForm, type ForcedCall, jsonForm, type OfferedTool } from './tools.ts'

/** Reads a body of `messages`; faults are told to the fields' own list. */
export function readMessages(body: Fields, limits: AskLimits): Ask {
  const prompt = readMessagesPrompt(body, limits)
  body.need('max_tokens')
  return {
    model: body.string('model') ?? '',
    prompt,
    choices: 1,
    maxTokens: body.integer('max_tokens', { least: 1, most: Number.MAX_SAFE_INTEGER }),
    minTokens: body.integer('min_tokens', { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0,
    ignoreEnd: body.boolean('ignore_eos') ?? false,
    stops: readStops(body),
    form: readForm(body),
    streamed: body.boolean('stream') ?? false,
    includeUsage: true,
    echo: {},
  }
}

/** Reads what both `messages` and `messages/count_tokens` count. */
export function readMessagesPrompt(body: Fields, limits: AskLimits): PromptTokens {
  const prompt = new PromptTokens(limits.contextTokens)
  readToolPrompt(body, prompt)
  if (body.raw('system') !== null) {
    prompt.beginMessage('system')
    readContent(body, 'system', prompt)
    prompt.endMessage()
  }
  body.need('messages')
  const messages = body.objects('messages')
  if (messages !== null && messages.length === 0) body.wrong('messages', 'one or more messages')
  for (const [place, message] of (messages ?? []).entries()) {
    message.need('role')
    message.need('content')
    const role = message.string('role')
    if (role !== null && role !== 'user' && role !== 'assistant' && role !== 'system') {
      message.wrong('role', "'user' or 'assistant'")
    }
    prompt.beginMessage(role ?? '')
    if (place === messages!.length - 1) readBegunAnswer(message, prompt)
    readContent(message, 'content', prompt)
    if (prompt.begun !== null) return prompt
    prompt.endMessage()
  }
  prompt.beginMessage('assistant')
  return prompt
}

function readStops(body: Fields): readonly string[] {
  const stops = body.array('stop_sequences') ?? []
  if (stops.every((stop): stop is string => typeof stop === 'string')) return stops.filter(stop => stop !== '')
  body.wrong('stop_sequences', 'an array of strings')
  return []
}

function readForm(body: Fields): AnswerForm {
  const forced = readToolChoice(body)
  if (forced !== null) return callForm(body, readTools(body), forced) ?? { kind: 'text' }
  const format = body.object('output_config')?.object('format') ?? body.object('output_format')
  return format?.string('type') === 'json_schema' ? jsonForm(format.raw('schema')) : { kind: 'text' }
}

function readTools(body: Fields): readonly OfferedTool[] {
  return (body.objects('tools') ?? []).flatMap(tool => {
    const name = tool.string('name')
    return name === null ? [] : [{ name, schema: tool.raw('input_schema') ?? {} }]
  })
}

function readToolChoice(body: Fields): ForcedCall | null {
  const choice = body.object('tool_choice')
  const type = choice?.string('type') ?? 'auto'
  if (type === 'any') return { name: null }
  return type === 'tool' ? { name: choice?.string('name') ?? null } : null
}
