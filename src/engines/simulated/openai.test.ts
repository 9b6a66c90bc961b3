import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { engineOf, serve } from './serve.fixture.ts'

const engine = engineOf()
let server: Awaited<ReturnType<typeof serve>>
let client: OpenAI
beforeAll(async () => {
  server = await serve(engine)
  client = new OpenAI({ apiKey: 'none', baseURL: `${server.url}/v1`, maxRetries: 0 })
})
afterAll(async () => {
  await server.close()
  await engine.close()
})

const model = 'Llama-3.1-8B'
const messages = [{ role: 'user' as const, content: 'Tell me about engines. '.repeat(12) }]
const weather = {
  type: 'object',
  properties: {
    city: { type: 'string', minLength: 3 },
    unit: { enum: ['celsius', 'kelvin'] },
    days: { type: 'integer', minimum: 2 },
  },
  required: ['city', 'unit'],
}
const WEATHER = { city: 'simulated', unit: 'celsius', days: 2 }

describe("OpenAI's client on chat completions", () => {
  it('reads a plain answer that says what it is, and its usage', async () => {
    const { choices, usage } = await client.chat.completions.create({ model, messages })
    expect(choices[0]!.message.content).toMatch(/^This is a simulated answer: /)
    expect(choices[0]!.finish_reason).toBe('stop')
    expect(usage!.total_tokens).toBe(usage!.prompt_tokens + usage!.completion_tokens)
    expect(usage!.completion_tokens).toBe(Math.ceil(choices[0]!.message.content!.length / 4))
  })

  it('reads the same answer as a stream, and the usage behind it', async () => {
    const plain = await client.chat.completions.create({ model, messages })
    const runner = client.chat.completions.stream({ model, messages, stream_options: { include_usage: true } })
    const streamed = await runner.finalChatCompletion()
    expect(streamed.choices[0]!.message.content).toBe(plain.choices[0]!.message.content)
    expect(streamed.usage!.completion_tokens).toBe(plain.usage!.completion_tokens)
    expect(streamed.usage!.prompt_tokens_details!.cached_tokens).toBeGreaterThan(0)
  })

  it('gets a frame for each token, and no usage that it did not ask for', async () => {
    const stream = await client.chat.completions.create({ model, messages, stream: true, max_tokens: 9 })
    const chunks = []
    for await (const chunk of stream) chunks.push(chunk)
    const texts = chunks.map(chunk => chunk.choices[0]?.delta.content).filter(Boolean)
    expect(texts).toEqual(['This', ' is ', 'a si', 'mula', 'ted ', 'answ', 'er: ', 'no m', 'odel'])
    expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('length')
    expect(chunks.filter(chunk => chunk.usage)).toEqual([])
  })

  it('ends at the maximum of tokens, in either spelling', async () => {
    for (const limit of [{ max_tokens: 3 }, { max_completion_tokens: 3 }]) {
      const { choices, usage } = await client.chat.completions.create({ model, messages, ...limit })
      expect([choices[0]!.finish_reason, choices[0]!.message.content, usage!.completion_tokens]).toEqual([
        'length',
        'This is a si',
        3,
      ])
    }
  })

  it('gets as many different answers as it asks for, plain and streamed', async () => {
    const plain = await client.chat.completions.create({ model, messages, n: 3 })
    const streamed = await client.chat.completions.stream({ model, messages, n: 3 }).finalChatCompletion()
    const texts = plain.choices.map(choice => choice.message.content)
    expect(new Set(texts).size).toBe(3)
    expect(streamed.choices.map(choice => choice.message.content)).toEqual(texts)
    expect(plain.usage!.completion_tokens).toBe(texts.reduce((sum, text) => sum + Math.ceil(text!.length / 4), 0))
  })

  it('ends before a stop sequence', async () => {
    const { choices } = await client.chat.completions.create({ model, messages, stop: ['nothing at all', ' answer'] })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: 'This is a simulated' } })
  })

  it('gets a well-formed call of the tool that it forces, plain and streamed', async () => {
    const tools = [
      { type: 'function' as const, function: { name: 'other', parameters: {} } },
      { type: 'function' as const, function: { name: 'weather', parameters: weather } },
    ]
    const tool_choice = { type: 'function' as const, function: { name: 'weather' } }
    const plain = await client.chat.completions.create({ model, messages, tools, tool_choice })
    const streamed = await client.chat.completions.stream({ model, messages, tools, tool_choice }).finalChatCompletion()
    for (const { choices } of [plain, streamed]) {
      const [call] = choices[0]!.message.tool_calls!
      expect(choices[0]!.finish_reason).toBe('tool_calls')
      expect(call).toMatchObject({ type: 'function', function: { name: 'weather' } })
      expect(JSON.parse((call as { function: { arguments: string } }).function.arguments)).toEqual(WEATHER)
    }
    const any = await client.chat.completions.create({ model, messages, tools, tool_choice: 'required' })
    expect(any.choices[0]!.message.tool_calls![0]).toMatchObject({ function: { name: 'other' } })
  })

  it('gets JSON of its schema', async () => {
    const response_format = { type: 'json_schema' as const, json_schema: { name: 'w', schema: weather } }
    const { choices } = await client.chat.completions.create({ model, messages, response_format })
    expect(JSON.parse(choices[0]!.message.content!)).toEqual(WEATHER)
    const any = await client.chat.completions.create({ model, messages, response_format: { type: 'json_object' } })
    expect(JSON.parse(any.choices[0]!.message.content!)).toMatchObject({ simulated: true })
  })

  it('sees refusals as its own errors', async () => {
    const wrong = client.chat.completions.create({ model, messages, n: 0 })
    await expect(wrong).rejects.toMatchObject({ status: 400, param: 'n', type: 'invalid_request_error' })
    const long = client.chat.completions.create({
      model,
      messages: [{ role: 'user', content: 'long '.repeat(200_000) }],
    })
    await expect(long).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded' })
  })

  it('frees the engine when it goes away in the middle', async () => {
    const body = { model, messages, stream: true as const, max_tokens: 100_000, ignore_eos: true }
    const stream = await client.chat.completions.create(body)
    for await (const _ of stream) break
    await expect.poll(() => engine.replicas()[0]).toMatchObject({ running: 0, waiting: 0, kvUse: 0 })
  })
})

describe("OpenAI's client on responses", () => {
  it('reads a plain answer and the same as a stream', async () => {
    const plain = await client.responses.create({ model, input: 'Tell me about engines.' })
    const streamed = await client.responses.stream({ model, input: 'Tell me about engines.' }).finalResponse()
    expect(plain.output_text).toMatch(/^This is a simulated answer: /)
    expect(streamed.output_text).toBe(plain.output_text)
    expect([plain.status, streamed.status]).toEqual(['completed', 'completed'])
    expect(streamed.usage).toMatchObject({ output_tokens: Math.ceil(plain.output_text.length / 4) })
  })

  it('is told that an answer is incomplete', async () => {
    const body = { model, input: 'Hi', max_output_tokens: 4 }
    const plain = await client.responses.create(body)
    const streamed = await client.responses.stream(body).finalResponse()
    for (const response of [plain, streamed]) {
      expect([response.status, response.incomplete_details]).toEqual(['incomplete', { reason: 'max_output_tokens' }])
      expect([response.output_text, response.usage!.output_tokens]).toEqual(['This is a simula', 4])
    }
  })

  it('gets a call of the tool that it forces, plain and streamed', async () => {
    const tools = [{ type: 'function' as const, name: 'weather', parameters: weather, strict: false }]
    const body = { model, input: 'Rain?', tools, tool_choice: 'required' as const }
    const plain = await client.responses.create(body)
    const streamed = await client.responses.stream(body).finalResponse()
    for (const { output } of [plain, streamed]) {
      const call = output[0] as { type: string; name: string; arguments: string }
      expect([call.type, call.name, JSON.parse(call.arguments)]).toEqual(['function_call', 'weather', WEATHER])
    }
  })

  it('numbers the events of a stream without gaps', async () => {
    const stream = await client.responses.create({ model, input: 'Hi', max_output_tokens: 5, stream: true })
    const numbers = []
    for await (const event of stream) numbers.push((event as { sequence_number: number }).sequence_number)
    expect(numbers).toEqual(numbers.map((_, i) => i))
  })

  it('reads a conversation with a call and its result', async () => {
    const call = { type: 'function_call' as const, call_id: 'c', name: 'weather', arguments: '{}' }
    const result = { type: 'function_call_output' as const, call_id: 'c', output: 'rain' }
    const { usage } = await client.responses.create({
      model,
      input: [{ role: 'user', content: 'Rain?' }, call, result],
    })
    expect(usage!.input_tokens).toBeGreaterThan(8)
  })
})

describe("OpenAI's client on embeddings", () => {
  it('gets unit vectors of the asked dimensions, the same for the same text', async () => {
    const { data, usage } = await client.embeddings.create({
      model,
      input: ['red fox', 'blue whale', 'red fox'],
      dimensions: 64,
    })
    const [fox, whale, again] = data.map(({ embedding }) => embedding)
    for (const vector of [fox!, whale!]) {
      expect(vector).toHaveLength(64)
      expect(vector.reduce((sum, value) => sum + value * value, 0)).toBeCloseTo(1, 5)
    }
    expect(again).toEqual(fox)
    expect(whale).not.toEqual(fox)
    expect(usage.prompt_tokens).toBe(2 + 3 + 2)
  })

  it('gets the same vector in base64, which it asks for by itself, and as numbers', async () => {
    const [packed] = (await client.embeddings.create({ model, input: 'red fox' })).data
    const [plain] = (await client.embeddings.create({ model, input: 'red fox', encoding_format: 'float' })).data
    expect(packed!.embedding).toEqual(plain!.embedding)
  })

  it('gets vectors nearer to each other for texts with words in common', async () => {
    const { data } = await client.embeddings.create({ model, input: ['a red fox', 'a red dog', 'seven blue whales'] })
    const [fox, dog, whales] = data.map(({ embedding }) => embedding)
    const similarity = (a: number[], b: number[]) => a.reduce((sum, value, i) => sum + value * b[i]!, 0)
    expect(similarity(fox!, dog!)).toBeGreaterThan(similarity(fox!, whales!))
  })
})
