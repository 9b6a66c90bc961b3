import type { CalledEndpoint } from './draw.fixture.ts'

type Told = Record<string, unknown>

/** What a client of its dialect sees in an answer. */
export interface Seen {
  text: string
  roles: number
  readonly finishes: unknown[]
  /** Terminal events. */
  ends: number
  readonly errors: Told[]
  readonly comments: Told[]
  readonly unreadable: string[]
  /** Names that the answer gave itself. */
  readonly ids: Set<unknown>
  /** Place of the last comment and of the last event, among the frames. */
  commentAt: number
  lastEventAt: number
}

const COMMENT = ': penstock '

export function seenIn(endpoint: CalledEndpoint, stream: string): Seen {
  const seen: Seen = {
    text: '',
    roles: 0,
    finishes: [],
    ends: 0,
    errors: [],
    comments: [],
    unreadable: [],
    ids: new Set(),
    commentAt: -1,
    lastEventAt: -1,
  }
  const frames = stream.split('\n\n')
  const rest = frames.pop()!
  if (rest !== '') seen.unreadable.push(rest)
  for (const [place, frame] of frames.entries()) takeFrame(seen, { endpoint, frame, place })
  return seen
}

function takeFrame(seen: Seen, of: { endpoint: CalledEndpoint; frame: string; place: number }): void {
  const { endpoint, frame, place } = of
  if (frame.startsWith(COMMENT)) {
    seen.comments.push(JSON.parse(frame.slice(COMMENT.length)))
    seen.commentAt = place
    return
  }
  const data = frame.split('\n').find(line => line.startsWith('data: '))
  if (data === undefined) {
    if (!frame.startsWith(':')) seen.unreadable.push(frame)
    return
  }
  seen.lastEventAt = place
  if (data === 'data: [DONE]') {
    seen.ends++
    return
  }
  try {
    READERS[endpoint](seen, JSON.parse(data.slice('data: '.length)))
  } catch {
    seen.unreadable.push(frame)
  }
}

const READERS: Readonly<Record<CalledEndpoint, (seen: Seen, event: Told) => void>> = {
  'chat/completions': readChat,
  messages: readMessages,
  responses: readResponses,
}

function readChat(seen: Seen, event: Told): void {
  if (event.error !== undefined) return void seen.errors.push(event.error as Told)
  seen.ids.add(event.id)
  for (const { delta, finish_reason } of event.choices as { delta: Told; finish_reason: unknown }[]) {
    if (delta.role !== undefined) seen.roles++
    if (typeof delta.content === 'string') seen.text += delta.content
    if (finish_reason !== null && finish_reason !== undefined) seen.finishes.push(finish_reason)
  }
}

function readMessages(seen: Seen, { type, delta, message, error }: Told): void {
  if (type === 'error') seen.errors.push(error as Told)
  if (type === 'message_start') {
    seen.roles++
    seen.ids.add((message as Told).id)
  }
  if (type === 'content_block_delta') seen.text += (delta as { text: string }).text
  if (type === 'message_delta') seen.finishes.push((delta as Told).stop_reason)
  if (type === 'message_stop') seen.ends++
}

const RESPONSE_ENDS = new Set(['response.completed', 'response.incomplete'])

function readResponses(seen: Seen, event: Told): void {
  const { type, delta, response } = event
  if (type === 'error') seen.errors.push(event)
  if (type === 'response.created') {
    seen.roles++
    seen.ids.add((response as Told).id)
  }
  if (type === 'response.output_text.delta') seen.text += delta as string
  if (RESPONSE_ENDS.has(type as string)) {
    seen.finishes.push((response as Told).status)
    seen.ends++
  }
}

/** What a plain answer says. */
export function plainIn(endpoint: CalledEndpoint, body: string): { text: string; finish: unknown } {
  const told = JSON.parse(body)
  switch (endpoint) {
    case 'chat/completions':
      return { text: told.choices[0].message.content, finish: told.choices[0].finish_reason }
    case 'messages':
      return { text: told.content[0].text, finish: told.stop_reason }
    case 'responses':
      return { text: told.output[0].content[0].text, finish: told.status }
  }
}

/** Whether an answer ended at its maximum length. */
export function isCutShort(finish: unknown): boolean {
  return finish === 'length' || finish === 'max_tokens' || finish === 'incomplete'
}

/** Input, cached input and output as an answer reports them, by its own words; null where it says nothing. */
export function reportedIn(endpoint: CalledEndpoint, answer: string): Reported | null {
  if (endpoint === 'messages') {
    const input = last(answer, /"input_tokens":(\d+)/g)
    const cached = last(answer, /"cache_read_input_tokens":(\d+)/g)
    const output = last(answer, /"output_tokens":(\d+)/g)
    return input === null || cached === null || output === null ? null : { input: input + cached, cached, output }
  }
  const [inputs, outputs] =
    endpoint === 'responses' ? ['input_tokens', 'output_tokens'] : ['prompt_tokens', 'completion_tokens']
  const input = last(answer, new RegExp(`"${inputs}":(\\d+)`, 'g'))
  const cached = last(answer, /"cached_tokens":(\d+)/g)
  const output = last(answer, new RegExp(`"${outputs}":(\\d+)`, 'g'))
  return input === null || cached === null || output === null ? null : { input, cached, output }
}

export interface Reported {
  readonly input: number
  readonly cached: number
  readonly output: number
}

function last(text: string, pattern: RegExp): number | null {
  const found = [...text.matchAll(pattern)].at(-1)
  return found === undefined ? null : Number(found[1])
}
