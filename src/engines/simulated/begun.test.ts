import fc from 'fast-check'
import { afterAll, describe, expect, it } from 'vitest'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { DISCLOSURE } from './answers/prose.ts'
import { answerOf, engineOf, listen, ManualClock } from './serve.fixture.ts'

const engine = engineOf({ speed: 1000 })
const elsewhere = engineOf({ speed: 1000, accelerator: { kind: 'H200-SXM', count: 1 } })
afterAll(() => Promise.all([engine.close(), elsewhere.close()]))

type Content = string | readonly object[] | null
interface Read {
  readonly text: string
  readonly end: string
  readonly input: number
}

/** How each dialect is asked for plain answers, and what they say. */
const DIALECTS: Readonly<Partial<Record<Endpoint, (json: never) => Read>>> = {
  'chat/completions': ({ choices, usage }: never) => {
    const [{ message, finish_reason }] = choices as [{ message: { content: string }; finish_reason: string }]
    return { text: message.content, end: finish_reason, input: (usage as { prompt_tokens: number }).prompt_tokens }
  },
  messages: ({ content, stop_reason, usage }: never) => {
    const { input_tokens, cache_read_input_tokens } = usage as Record<string, number>
    const text = (content as { text: string }[])[0]!.text
    return { text, end: stop_reason, input: input_tokens! + cache_read_input_tokens! }
  },
}
const QUESTION = { role: 'user', content: 'Tell me about pumps and gates.' }

async function read(endpoint: Endpoint, begun: Content, over: object = {}, by = engine): Promise<Read> {
  const messages = begun === null ? [QUESTION] : [QUESTION, { role: 'assistant', content: begun }]
  const { json } = await answerOf(by, endpoint, { model: 'm', messages, max_tokens: 4000, ...over })
  return DIALECTS[endpoint]!(json)
}

describe.each(Object.keys(DIALECTS) as Endpoint[])('an answer of %s that the caller began', endpoint => {
  it('joins to what an uncut one says, wherever it was cut, at another engine too', async () => {
    const whole = await read(endpoint, null)
    for (const at of [1, 2, 3, 5, 77, whole.text.length - 1]) {
      const said = whole.text.slice(0, at)
      for (const content of [said, [{ type: 'text', text: said }]]) {
        const rest = await read(endpoint, content, {}, elsewhere)
        expect([said + rest.text, rest.end]).toEqual([whole.text, whole.end])
      }
    }
  })

  it('goes on with the space when that was cut off the end of what was said', async () => {
    const { text } = await read(endpoint, null)
    const trimmed = text.slice(0, DISCLOSURE.length).trimEnd()
    expect((await read(endpoint, trimmed)).text).toBe(text.slice(trimmed.length))
  })

  it('counts what was said as input', async () => {
    const whole = await read(endpoint, null)
    const said = whole.text.slice(0, 80)
    expect((await read(endpoint, said)).input - whole.input).toBe(80 / 4)
  })

  it('ends where its maximum, its minimum or a stop would have ended it uncut', async () => {
    const ended = { 'chat/completions': { stop: ['words'] }, messages: { stop_sequences: ['words'] } } as never
    const cases: Record<string, unknown>[] = [
      { max_tokens: 30 },
      { min_tokens: 500 },
      { max_tokens: 600, ignore_eos: true },
      ended[endpoint],
    ]
    for (const over of cases) {
      const whole = await read(endpoint, null, over)
      const said = whole.text.slice(0, 40)
      const left = { ...over, ...('max_tokens' in over ? { max_tokens: Number(over.max_tokens) - 10 } : {}) }
      const rest = await read(endpoint, said, left)
      expect([said + rest.text, rest.end]).toEqual([whole.text, whole.end])
    }
  })

  it('is a fresh one, the same each time, where it would not have begun like that', async () => {
    const fresh = await read(endpoint, 'It was a dark and stormy night')
    expect(fresh.text.startsWith(DISCLOSURE)).toBe(true)
    expect(await read(endpoint, 'It was a dark and stormy night')).toEqual(fresh)
  })

  it('is a fresh one behind a message that calls a tool or says nothing', async () => {
    const call = { type: 'tool_use', id: 't', name: 'pay', input: {} }
    for (const content of ['', [call], [{ type: 'text', text: 'This is' }, call]]) {
      expect((await read(endpoint, content)).text.startsWith(DISCLOSURE)).toBe(true)
    }
  })
})

describe('an answer that goes on', () => {
  it('streams what is left of it', () => {
    const clock = new ManualClock()
    const streaming = engineOf({ clock, speed: 1 })
    const textOf = (begun: readonly object[]) => {
      const body = { model: 'm', messages: [QUESTION, ...begun], stream: true }
      const heard = listen(streaming, 'chat/completions', body)
      clock.pass(60_000)
      expect(heard.end).toBe('ended')
      return [...heard.chunks.join('').matchAll(/"content":"([^"]*)"/g)].map(([, piece]) => piece).join('')
    }
    const whole = textOf([])
    const said = whole.slice(0, 101)
    expect(said + textOf([{ role: 'assistant', content: said }])).toBe(whole)
  })

  it('goes on with a JSON document', async () => {
    const over = { response_format: { type: 'json_object' } }
    const { text } = await read('chat/completions', null, over)
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: text.length - 1 }), async at => {
        const rest = await read('chat/completions', text.slice(0, at), over)
        expect(JSON.parse(text.slice(0, at) + rest.text)).toEqual(JSON.parse(text))
      }),
      { numRuns: 10 },
    )
  })

  it('leaves the arguments of a forced call alone', async () => {
    const tools = [{ type: 'function', function: { name: 'pay', parameters: { type: 'object', properties: {} } } }]
    const messages = [QUESTION, { role: 'assistant', content: '{' }]
    const body = { model: 'm', messages, tools, tool_choice: 'required' }
    const { json } = await answerOf(engine, 'chat/completions', body)
    const [{ message }] = (json as { choices: [{ message: { tool_calls: unknown } }] }).choices
    expect(message.tool_calls).toMatchObject([{ function: { name: 'pay', arguments: '{}' } }])
  })
})
