import Anthropic from '@anthropic-ai/sdk'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineOf, serve } from './serve.fixture.ts'

const engine = engineOf()
let server: Awaited<ReturnType<typeof serve>>
let client: Anthropic
beforeAll(async () => {
  server = await serve(engine)
  client = new Anthropic({ apiKey: 'none', baseURL: server.url, maxRetries: 0 })
})
afterAll(async () => {
  await server.close()
  await engine.close()
})

const model = 'Llama-3.1-8B'
const question = { role: 'user' as const, content: 'Tell me about engines. '.repeat(12) }
const messages = [question]
const textOf = ({ content }: { content: readonly { type: string }[] }) =>
  (content[0] as unknown as { text: string }).text

describe("Anthropic's client", () => {
  it('reads a plain answer that says what it is, and the same as a stream', async () => {
    const plain = await client.messages.create({ model, messages, max_tokens: 1000 })
    const streamed = await client.messages.stream({ model, messages, max_tokens: 1000 }).finalMessage()
    expect(textOf(plain)).toMatch(/^This is a simulated answer: /)
    expect(textOf(streamed)).toBe(textOf(plain))
    expect([plain.stop_reason, streamed.stop_reason]).toEqual(['end_turn', 'end_turn'])
    expect(streamed.usage.output_tokens).toBe(Math.ceil(textOf(plain).length / 4))
  })

  it('is told cached input apart from the rest, and both together are what count_tokens counts', async () => {
    const { input_tokens: all } = await client.messages.countTokens({ model, messages })
    await client.messages.create({ model, messages, max_tokens: 1 })
    const plain = await client.messages.create({ model, messages, max_tokens: 1 })
    const streamed = await client.messages.stream({ model, messages, max_tokens: 1 }).finalMessage()
    for (const { usage } of [plain, streamed]) {
      expect(usage.cache_read_input_tokens).toBe(Math.floor((all - 1) / 16) * 16)
      expect(usage.input_tokens + usage.cache_read_input_tokens!).toBe(all)
    }
  })

  it('finds the whole conversation in the cache when it goes on, the answer included', async () => {
    const first = await client.messages.create({ model, messages, max_tokens: 400 })
    const before = first.usage.input_tokens + first.usage.cache_read_input_tokens! + first.usage.output_tokens
    const longer = [
      question,
      { role: 'assistant' as const, content: first.content },
      { role: 'user' as const, content: 'And?' },
    ]
    const { usage } = await client.messages.create({ model, messages: longer, max_tokens: 1 })
    // The last token of an answer is never computed again, and half a block is not kept.
    expect(usage.cache_read_input_tokens).toBeGreaterThanOrEqual(before - 16)
  })

  it('ends at the maximum of tokens and at a stop sequence, and says which', async () => {
    const short = await client.messages.create({ model, messages, max_tokens: 2 })
    expect([short.stop_reason, textOf(short), short.usage.output_tokens]).toEqual(['max_tokens', 'This is ', 2])
    const stopped = { model, messages, max_tokens: 100, stop_sequences: [' answer'] }
    const plain = await client.messages.create(stopped)
    const streamed = await client.messages.stream(stopped).finalMessage()
    for (const message of [plain, streamed]) {
      expect([message.stop_reason, message.stop_sequence, textOf(message)]).toEqual([
        'stop_sequence',
        ' answer',
        'This is a simulated',
      ])
    }
  })

  it('gets a well-formed use of the tool that it forces, plain and streamed', async () => {
    const tools = [
      { name: 'weather', input_schema: { type: 'object' as const, properties: { city: { type: 'string' } } } },
    ]
    for (const tool_choice of [{ type: 'tool' as const, name: 'weather' }, { type: 'any' as const }]) {
      const body = { model, messages, tools, tool_choice, max_tokens: 100 }
      for (const message of [await client.messages.create(body), await client.messages.stream(body).finalMessage()]) {
        expect(message.stop_reason).toBe('tool_use')
        expect(message.content).toMatchObject([{ type: 'tool_use', name: 'weather', input: { city: 'simulated' } }])
      }
    }
  })

  it('reads systems, images, tool results and cache marks', async () => {
    const { input_tokens: tokens } = await client.messages.countTokens({
      model,
      system: [{ type: 'text', text: 'Be brief.', cache_control: { type: 'ephemeral' } }],
      messages: [
        {
          role: 'user',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'A'.repeat(90_000) } }],
        },
        { role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'look', input: {} }] },
        {
          role: 'user',
          content: [{ type: 'tool_result', tool_use_id: 't', content: [{ type: 'text', text: 'A dog.' }] }],
        },
      ],
    })
    expect(tokens).toBeGreaterThan(1000)
    expect(tokens).toBeLessThan(1200)
  })

  it('sees refusals as its own errors', async () => {
    const empty = client.messages.create({ model, messages: [], max_tokens: 5 })
    await expect(empty).rejects.toMatchObject({
      status: 400,
      error: { type: 'error', error: { type: 'invalid_request_error' } },
    })
    const long = client.messages.create({
      model,
      messages: [{ role: 'user', content: 'long '.repeat(200_000) }],
      max_tokens: 5,
    })
    await expect(long).rejects.toThrow(/prompt is too long: \d+ tokens > 131072 maximum/)
    const none = client.messages.create({ model, messages } as never)
    await expect(none).rejects.toThrow(/max_tokens/)
  })
})
