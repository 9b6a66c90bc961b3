import { describe, expect, it } from 'vitest'
import { chunk, event } from '../stream/streams.fixture.ts'
import { wireOf } from '../wire.ts'
import { ASKED, bodyIn, deploymentOf, goOn, type Joined, MESSAGES, shownAnswer } from './joined.fixture.ts'

const CHAT = chunk({ content: 'Hi "there"\n' })
const MESSAGE = [
  event('message_start', { message: { id: 'm1' } }),
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } }),
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hi "there"\n' } }),
].join('')
const shown = (endpoint: Joined, over: object = {}) =>
  shownAnswer(endpoint, endpoint === 'messages' ? MESSAGE : CHAT, over)
const SAID = { role: 'assistant', content: 'Hi "there"\n' }

describe('a request to go on', () => {
  it("has what was shown as the assistant's message at its end, the name of the model, and usage asked for", () => {
    expect(bodyIn(goOn(shown('chat/completions', { temperature: 0.5 })))).toEqual({
      model: 'm2',
      stream: true,
      stream_options: { include_usage: true },
      temperature: 0.5,
      messages: [...MESSAGES, SAID],
    })
  })

  it('leaves out white space at the end of what Anthropic is told', () => {
    const { messages, stream_options } = bodyIn(goOn(shown('messages')))
    expect(messages).toEqual([...MESSAGES, { role: 'assistant', content: 'Hi "there"' }])
    expect(stream_options).toBe(undefined)
  })

  it('tells no message when all that was shown is white space that Anthropic refuses', () => {
    const answer = shownAnswer('messages', MESSAGE.replace(JSON.stringify(SAID.content), '"\\n\\n"'))
    expect(bodyIn(goOn(answer)).messages).toEqual(MESSAGES)
  })

  it.each<readonly [string, object, object]>([
    ['a text', { content: 'So: ' }, { content: `So: ${SAID.content}` }],
    ['an empty text', { content: '' }, { content: SAID.content }],
    [
      'parts',
      { content: [{ type: 'text', text: 'So: ' }] },
      {
        content: [
          { type: 'text', text: 'So: ' },
          { type: 'text', text: SAID.content },
        ],
      },
    ],
    ['no parts', { content: [] }, { content: [{ type: 'text', text: SAID.content }] }],
    ['null', { content: null }, { content: SAID.content }],
    ['nothing', {}, { content: SAID.content }],
    [
      'a name besides',
      { prefix: true, content: 'So: ', name: 'n' },
      { prefix: true, content: `So: ${SAID.content}`, name: 'n' },
    ],
  ])("makes the caller's own beginning longer: %s", (_, own, expected) => {
    const messages = [...MESSAGES, { role: 'assistant', ...own }]
    expect(bodyIn(goOn(shown('chat/completions', { messages }))).messages).toEqual([
      ...MESSAGES,
      { role: 'assistant', ...expected },
    ])
  })

  it.each([
    [[{ role: 'assistant', content: null, tool_calls: [{ id: 'c' }] }]],
    [
      [
        { role: 'assistant', content: 'x' },
        { role: 'user', content: 'y' },
      ],
    ],
    [['odd']],
    [[]],
  ])('has a message of its own behind %j', messages => {
    expect(bodyIn(goOn(shown('chat/completions', { messages }))).messages).toEqual([...messages, SAID])
  })

  it.each([
    [{ max_tokens: 100 }, { max_tokens: 93 }],
    [
      { max_completion_tokens: 8, max_tokens: 7 },
      { max_completion_tokens: 1, max_tokens: 1 },
    ],
    [
      { max_tokens: null, min_tokens: 9 },
      { max_tokens: null, min_tokens: 2 },
    ],
    [
      { max_tokens: -1, min_tokens: 3 },
      { max_tokens: -1, min_tokens: 0 },
    ],
  ])('wants what is left of the tokens, at least one: %j', (over, expected) => {
    expect(bodyIn(goOn(shown('chat/completions', over), { shownTokens: 7 }))).toMatchObject(expected)
    expect(bodyIn(goOn(shown('chat/completions', over), { how: 'anew', shownTokens: 7 }))).toMatchObject(over)
  })

  const FLAGS = { continue_final_message: true, add_generation_prompt: false }

  it.each([
    ['vllm', FLAGS],
    ['sglang', { continue_final_message: true }],
    ['llamacpp', {}],
    ['simulated', {}],
    [null, {}],
  ] as const)('tells %s what it needs besides, once', (engine, expected) => {
    const added = bodyIn(goOn(shown('chat/completions'), { engine }))
    expect(added).toEqual({ model: 'm2', stream: true, ...ASKED, messages: [...MESSAGES, SAID], ...expected })
    const own = { continue_final_message: false, add_generation_prompt: true }
    const continuation = goOn(shown('chat/completions', own), { engine })
    expect(bodyIn(continuation)).toMatchObject({ ...own, ...expected })
    const spelled = Buffer.concat(continuation.body).toString()
    expect(spelled.split('continue_final_message')).toHaveLength(2)
  })

  it("keeps the caller's bytes word for word, however large", () => {
    const { parseBody, follow } = wireOf('chat/completions')
    for (const filler of ['x', 'x'.repeat(100_000)]) {
      const told = `{ "seed": 12345678901234567890.10 ,"messages" :[ {"role":"user","content":"\\u00e9${filler}"} ] ,"model":"a","stream":true}`
      const body = parseBody(Buffer.from(told))
      if ('fault' in body) throw new Error(body.fault)
      const answer = follow(body)!
      answer.take(Buffer.from(CHAT))
      const { body: pieces } = answer.goOn('prefill', deploymentOf(), 1)
      const message = `,${JSON.stringify(SAID)}`
      const expected = told
        .replace('{ "seed"', '{"stream_options":{"include_usage":true}, "seed"')
        .replace('"} ]', `"} ${message}]`)
        .replace('"a"', '"m2"')
      expect(Buffer.concat(pieces).toString()).toBe(expected)
    }
  })

  it.each(['chat/completions', 'messages'] as const)('is that of any attempt when %s is asked anew', endpoint => {
    const over = { messages: MESSAGES, max_tokens: 50, model: 'fast', stream: true }
    const body = wireOf(endpoint).parseBody(Buffer.from(JSON.stringify(over)))
    if ('fault' in body) throw new Error(body.fault)
    const { body: anew } = goOn(shown(endpoint, { max_tokens: 50 }), { how: 'anew' })
    expect(bodyIn({ body: anew, toldBytes: 0, openStream: () => never() })).toEqual(
      JSON.parse(Buffer.concat(body.forUpstream('m2')).toString()),
    )
  })

  it('to an engine that has no way of going on is one that asks anew', () => {
    expect(bodyIn(goOn(shown('chat/completions'), { engine: 'trtllm' })).messages).toEqual(MESSAGES)
  })
})

function never(): never {
  throw new Error('not asked for')
}
