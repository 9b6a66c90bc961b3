import type { AnswerForm, Ask, AskLimits } from './ask.ts'
import { readContent, readToolPrompt } from './content.ts'
import type { Fields } from './fields.ts'
import { PromptTokens } from './tokens.ts'
import { callForm, type ForcedCall, jsonForm, type OfferedTool } from './tools.ts'

/** Fields that an answer repeats, and what it says when the request did not. */
const ECHOED: Readonly<Record<string, unknown>> = {
  instructions: null,
  max_output_tokens: null,
  metadata: {},
  parallel_tool_calls: true,
  previous_response_id: null,
  reasoning: { effort: null, summary: null },
  temperature: 1,
  text: { format: { type: 'text' } },
  tool_choice: 'auto',
  tools: [],
  top_p: 1,
  truncation: 'disabled',
  user: null,
}

/** Reads a body of `responses`; faults are told to the fields' own list. */
export function readResponses(body: Fields, limits: AskLimits): Ask {
  const prompt = new PromptTokens(limits.contextTokens)
  readToolPrompt(body, prompt)
  readInput(body, prompt)
  const previous = body.string('previous_response_id')
  if (previous !== null) {
    body.unsupported(
      'previous_response_id',
      `Previous response with id '${previous}' not found: the simulated engine stores no responses.`,
      'previous_response_not_found',
    )
  }
  return {
    model: body.string('model') ?? '',
    prompt,
    choices: 1,
    maxTokens: body.integer('max_output_tokens', { least: 1, most: Number.MAX_SAFE_INTEGER }),
    minTokens: body.integer('min_tokens', { least: 0, most: Number.MAX_SAFE_INTEGER }) ?? 0,
    ignoreEnd: body.boolean('ignore_eos') ?? false,
    stops: [],
    form: readForm(body),
    streamed: body.boolean('stream') ?? false,
    includeUsage: true,
    echo: Object.fromEntries(Object.entries(ECHOED).map(([name, usual]) => [name, body.raw(name) ?? usual])),
  }
}

function readInput(body: Fields, prompt: PromptTokens): void {
  const instructions = body.string('instructions')
  if (instructions !== null) message(prompt, 'system', () => prompt.text(instructions))
  body.need('input')
  const input = body.raw('input')
  if (typeof input === 'string') message(prompt, 'user', () => prompt.text(input))
  else if (Array.isArray(input)) readItems(body, prompt)
  else if (input !== null) body.wrong('input', 'a string or an array of items')
  prompt.beginMessage('assistant')
}

function readItems(body: Fields, prompt: PromptTokens): void {
  const items = body.objects('input') ?? []
  if (items.length === 0) body.wrong('input', 'a string or one or more items')
  for (const item of items) {
    message(prompt, item.string('role') ?? roleOf(item.string('type')), () => {
      for (const name of ['name', 'arguments']) {
        const text = item.raw(name)
        if (typeof text === 'string') prompt.text(text)
      }
      readContent(item, 'content', prompt)
      readContent(item, 'output', prompt)
    })
  }
}

function roleOf(type: string | null): string {
  if (type === 'function_call') return 'assistant'
  return type ?? 'user'
}

function message(prompt: PromptTokens, role: string, say: () => void): void {
  prompt.beginMessage(role)
  say()
  prompt.endMessage()
}

function readForm(body: Fields): AnswerForm {
  const forced = readToolChoice(body)
  if (forced !== null) return callForm(body, readTools(body), forced) ?? { kind: 'text' }
  const format = body.object('text')?.object('format')
  const type = format?.string('type') ?? 'text'
  if (type === 'json_object') return jsonForm(null)
  if (type === 'json_schema') return jsonForm(format?.raw('schema'))
  return { kind: 'text' }
}

function readTools(body: Fields): readonly OfferedTool[] {
  return (body.objects('tools') ?? []).flatMap(tool => {
    const name = tool.raw('type') === 'function' ? tool.string('name') : null
    return name === null ? [] : [{ name, schema: tool.raw('parameters') ?? {} }]
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
  return named.string('type') === 'function' ? { name: named.string('name') } : null
}
