import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { SECRET, type Stage, startStage, until } from './stage.fixture.ts'

/** A PNG of one pixel. */
const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

let stage: Stage
let openai: OpenAI
let anthropic: Anthropic
beforeAll(async () => {
  stage = await startStage()
  openai = new OpenAI({ baseURL: `${stage.url}/v1`, apiKey: SECRET, maxRetries: 0 })
  anthropic = new Anthropic({ baseURL: stage.url, apiKey: SECRET, maxRetries: 0 })
})
afterAll(() => stage.close())

const HELLO = [{ role: 'user' as const, content: 'Say hello.' }]
const last = () => stage.records.at(-1)!

describe('the official OpenAI client', () => {
  it('gets a plain answer whose usage the record repeats', async () => {
    const answer = await openai.chat.completions.create({ model: 'sim', messages: HELLO, max_tokens: 20 })
    expect(answer.choices[0]!.message.content).toMatch(/simulat/i)
    expect(last().attempts[0]!.usage).toMatchObject({
      inputTokens: answer.usage!.prompt_tokens,
      outputTokens: answer.usage!.completion_tokens,
      source: 'reported',
    })
  })

  it('streams, and sees usage only when it asked', async () => {
    for (const asked of [false, true]) {
      const stream = await openai.chat.completions.create({
        model: 'sim',
        messages: HELLO,
        max_tokens: 20,
        stream: true,
        ...(asked ? { stream_options: { include_usage: true } } : {}),
      })
      let text = ''
      let usages = 0
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (chunk.usage) usages++
      }
      expect(text.length).toBeGreaterThan(10)
      expect(usages).toBe(asked ? 1 : 0)
      expect(last()).toMatchObject({ outcome: 'completed', streamed: true })
    }
  })

  it('gets a tool call whole, plain and streamed', async () => {
    const tools: OpenAI.ChatCompletionTool[] = [
      {
        type: 'function',
        function: { name: 'weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } },
      },
    ]
    const asked = {
      model: 'sim',
      messages: HELLO,
      tools,
      tool_choice: { type: 'function' as const, function: { name: 'weather' } },
    }
    const plain = await openai.chat.completions.create(asked)
    const [call] = plain.choices[0]!.message.tool_calls!
    expect(call).toMatchObject({ type: 'function', function: { name: 'weather' } })
    const streamed = await openai.chat.completions.stream(asked).finalChatCompletion()
    const [again] = streamed.choices[0]!.message.tool_calls!
    expect(JSON.parse((again as { function: { arguments: string } }).function.arguments)).toBeTypeOf('object')
  })

  it('sends a picture, asks the Responses API, embeds and lists models', async () => {
    const picture: OpenAI.ChatCompletionContentPart[] = [
      { type: 'text', text: 'What is this?' },
      { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
    ]
    const seen = await openai.chat.completions.create({
      model: 'sim',
      messages: [{ role: 'user', content: picture }],
      max_tokens: 5,
    })
    expect(seen.choices).toHaveLength(1)
    const response = await openai.responses.create({ model: 'sim', input: 'Say hello.', max_output_tokens: 20 })
    expect(response.output_text.length).toBeGreaterThan(0)
    const events: string[] = []
    for await (const event of await openai.responses.create({
      model: 'sim',
      input: 'Hi',
      max_output_tokens: 20,
      stream: true,
    })) {
      events.push(event.type)
    }
    expect(events.at(-1)).toMatch(/^response\.(completed|incomplete)$/)
    const embedded = await openai.embeddings.create({ model: 'sim', input: ['a', 'b'] })
    expect(embedded.data).toHaveLength(2)
    expect((await openai.models.list()).data.map(model => model.id)).toEqual(['fast', 'claude', 'sim'])
  })

  it('gets our refusals as its own errors', async () => {
    await expect(openai.chat.completions.create({ model: 'nothing', messages: HELLO })).rejects.toMatchObject({
      status: 404,
      code: 'model_not_found',
    })
    const stranger = new OpenAI({ baseURL: `${stage.url}/v1`, apiKey: 'sk-wrong', maxRetries: 0 })
    await expect(stranger.models.list()).rejects.toBeInstanceOf(OpenAI.AuthenticationError)
    await expect(openai.chat.completions.create({ model: 'claude', messages: HELLO })).rejects.toMatchObject({
      status: 403,
      code: 'model_not_allowed',
    })
  })

  it('that aborts a stream frees the engine and leaves an estimate', async () => {
    const before = stage.records.length
    const stream = await openai.chat.completions.create({
      model: 'sim',
      messages: HELLO,
      max_tokens: 900,
      stream: true,
    })
    for await (const chunk of stream) if (chunk.choices[0]?.delta.content) break
    stream.controller.abort()
    await until('the record of the aborted call', () => stage.records.length > before)
    expect(last()).toMatchObject({
      outcome: 'callerLeft',
      attempts: [{ outcome: 'callerLeft', usage: { source: 'estimated' } }],
    })
  })
})

describe('the official Anthropic client', () => {
  it('gets a plain answer, counts tokens, and reads models in its own shape', async () => {
    const answer = await anthropic.messages.create({ model: 'sim', messages: HELLO, max_tokens: 20 })
    expect(answer.content[0]).toMatchObject({ type: 'text' })
    expect(last().attempts[0]!.usage!.outputTokens).toBe(answer.usage.output_tokens)
    const counted = await anthropic.messages.countTokens({ model: 'sim', messages: HELLO })
    expect(counted.input_tokens).toBeGreaterThan(0)
    expect(last()).toMatchObject({ endpoint: 'messages/count_tokens', dollars: 0n })
    const models = await anthropic.models.list()
    expect(models.data.map(model => model.type)).toEqual(['model', 'model', 'model'])
  })

  it('streams text and tools', async () => {
    const message = await anthropic.messages.stream({ model: 'sim', messages: HELLO, max_tokens: 20 }).finalMessage()
    expect(message.content[0]).toMatchObject({ type: 'text' })
    const called = await anthropic.messages
      .stream({
        model: 'sim',
        messages: HELLO,
        max_tokens: 200,
        tools: [{ name: 'weather', input_schema: { type: 'object', properties: { city: { type: 'string' } } } }],
        tool_choice: { type: 'tool', name: 'weather' },
      })
      .finalMessage()
    expect(called.content.find(block => block.type === 'tool_use')).toMatchObject({ name: 'weather' })
    expect(last()).toMatchObject({ dialect: 'anthropic', streamed: true, outcome: 'completed' })
  })

  it('sends a picture', async () => {
    const content: Anthropic.ContentBlockParam[] = [
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PIXEL } },
      { type: 'text', text: 'What is this?' },
    ]
    const answer = await anthropic.messages.create({
      model: 'sim',
      max_tokens: 5,
      messages: [{ role: 'user', content }],
    })
    expect(answer.role).toBe('assistant')
  })

  it('gets our refusals as its own errors', async () => {
    const asked = { messages: HELLO, max_tokens: 5 }
    await expect(anthropic.messages.create({ ...asked, model: 'nothing' })).rejects.toBeInstanceOf(
      Anthropic.NotFoundError,
    )
    await expect(anthropic.messages.create({ ...asked, model: 'fast' })).rejects.toBeInstanceOf(
      Anthropic.PermissionDeniedError,
    )
    const stranger = new Anthropic({ baseURL: stage.url, apiKey: 'sk-wrong', maxRetries: 0 })
    await expect(stranger.messages.create({ ...asked, model: 'sim' })).rejects.toBeInstanceOf(
      Anthropic.AuthenticationError,
    )
  })

  it('that aborts a stream frees the engine and leaves an estimate', async () => {
    const before = stage.records.length
    const stream = anthropic.messages.stream({ model: 'sim', messages: HELLO, max_tokens: 900 })
    stream.on('text', () => stream.abort())
    await expect(stream.finalMessage()).rejects.toBeInstanceOf(Anthropic.APIUserAbortError)
    await until('the record of the aborted call', () => stage.records.length > before)
    expect(last()).toMatchObject({ outcome: 'callerLeft' })
  })
})
