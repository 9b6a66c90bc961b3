import Anthropic from '@anthropic-ai/sdk'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it, type TestContext } from 'vitest'
import { type RealEngine, startRealEngine } from './engine.ts'
import { CONTINUED_MODEL, type Gateway, startGateway } from './gateway.ts'

// A server built from source and a model brought over the network take their time; once at hand, seconds.
const START_MS = 900_000
const MODEL_CALL_MS = 120_000

let engine: RealEngine | null = null
let gateway: Gateway | null = null
let unavailable = ''

beforeAll(async () => {
  const started = await startRealEngine()
  if ('unavailable' in started) {
    unavailable = started.unavailable
    return
  }
  engine = started
  gateway = await startGateway(engine, '127.0.0.1:0')
}, START_MS)

afterAll(async () => {
  await gateway?.stop()
  await engine?.stop()
}, 60_000)

interface Parties {
  readonly engine: RealEngine
  readonly gateway: Gateway
  readonly openai: OpenAI
  readonly anthropic: Anthropic
}

/** What a test talks to; it is skipped with the reason where no engine can be had. */
function parties(context: TestContext): Parties {
  if (!engine || !gateway) return context.skip(`no real engine here: ${unavailable}`)
  const { url, key } = gateway
  return {
    engine,
    gateway,
    openai: new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 }),
    anthropic: new Anthropic({ baseURL: url, apiKey: key, maxRetries: 0 }),
  }
}

async function json(url: string, key?: string): Promise<Record<string, unknown>> {
  const answer = await fetch(url, key ? { headers: { authorization: `Bearer ${key}` } } : {})
  expect(answer.status).toBe(200)
  return (await answer.json()) as Record<string, unknown>
}

interface Receipt {
  readonly outcome: string
  readonly streamed: boolean
  readonly dollars: string | null
  readonly attempts: readonly {
    readonly deployment: string
    readonly outcome: string
    readonly usage: Readonly<Record<string, unknown>>
  }[]
}

async function receiptOf({ gateway }: Parties, id: string | null | undefined): Promise<Receipt> {
  expect(id).toMatch(/^pen_/)
  return (await json(`${gateway.url}/v1/receipts/${id}`, gateway.key)) as unknown as Receipt
}

/** Dollars of a call at the prices of the configuration: 0.10, 0.01 cached and 0.40 for output, per million tokens. */
function dollarsOf(input: number, cached: number, output: number): number {
  return ((input - cached) * 0.1 + cached * 0.01 + output * 0.4) / 1e6
}

const ask = (content: string) => [{ role: 'user' as const, content }]

describe('a real engine behind Penstock', () => {
  it('is listed with its model', async context => {
    const { openai, anthropic, engine } = parties(context)
    const listed = await openai.models.list()
    expect(listed.data.map(({ id }) => id)).toContain(engine.modelName)
    expect((await openai.models.retrieve(engine.modelName)).id).toBe(engine.modelName)
    expect((await anthropic.models.list()).data.map(({ id }) => id)).toContain(engine.modelName)
  })

  it(
    'answers a plain chat, and the receipt says what the engine reported',
    async context => {
      const all = parties(context)
      const { data, response } = await all.openai.chat.completions
        .create({ model: all.engine.modelName, messages: ask('Name a river.'), max_tokens: 12 })
        .withResponse()
      expect(data.choices[0]!.message.content).toBeTruthy()
      const { usage } = data
      const cached = usage!.prompt_tokens_details?.cached_tokens ?? 0
      const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
      expect(receipt).toMatchObject({ outcome: 'completed', streamed: false })
      expect(receipt.attempts).toMatchObject([
        {
          deployment: `real/${all.engine.modelName}`,
          usage: {
            inputTokens: usage!.prompt_tokens,
            cachedInputTokens: cached,
            outputTokens: usage!.completion_tokens,
            source: 'reported',
          },
        },
      ])
      expect(Number(receipt.dollars)).toBeCloseTo(dollarsOf(usage!.prompt_tokens, cached, usage!.completion_tokens), 8)
      expect(response.headers.get('x-penstock-dollars')).toBe(receipt.dollars)
    },
    MODEL_CALL_MS,
  )

  it(
    'streams a chat, metered though the caller did not ask for usage',
    async context => {
      const all = parties(context)
      const { data: stream, response } = await all.openai.chat.completions
        .create({ model: all.engine.modelName, messages: ask('Count to five.'), max_tokens: 20, stream: true })
        .withResponse()
      let text = ''
      let withUsage = 0
      for await (const chunk of stream) {
        text += chunk.choices[0]?.delta.content ?? ''
        if (chunk.usage) withUsage++
      }
      expect(text).not.toBe('')
      expect(withUsage).toBe(0)
      const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
      expect(receipt).toMatchObject({
        outcome: 'completed',
        streamed: true,
        attempts: [{ usage: { source: 'reported' } }],
      })
      const told = receipt.attempts[0]!.usage
      expect(told.outputTokens).toBeGreaterThan(0)
      expect(told.outputTokens).toBeLessThanOrEqual(20)
    },
    MODEL_CALL_MS,
  )

  it(
    'streams usage that was asked for, and the receipt agrees with it',
    async context => {
      const all = parties(context)
      const { data: stream, response } = await all.openai.chat.completions
        .create({
          model: all.engine.modelName,
          messages: ask('Say yes.'),
          max_tokens: 6,
          stream: true,
          stream_options: { include_usage: true },
        })
        .withResponse()
      let usage: OpenAI.CompletionUsage | null | undefined
      for await (const chunk of stream) usage = chunk.usage ?? usage
      const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
      expect(receipt.attempts).toMatchObject([
        { usage: { inputTokens: usage!.prompt_tokens, outputTokens: usage!.completion_tokens, source: 'reported' } },
      ])
    },
    MODEL_CALL_MS,
  )

  it(
    'speaks the Anthropic dialect too, plain and streamed',
    async context => {
      const all = parties(context)
      const body = { model: all.engine.modelName, messages: ask('Name a colour.'), max_tokens: 8 }
      const { data: plain, response } = await all.anthropic.messages.create(body).withResponse()
      expect(plain.content[0]).toMatchObject({ type: 'text' })
      const cached = plain.usage.cache_read_input_tokens ?? 0
      const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
      expect(receipt.attempts).toMatchObject([
        {
          usage: {
            inputTokens: plain.usage.input_tokens + cached,
            cachedInputTokens: cached,
            outputTokens: plain.usage.output_tokens,
            source: 'reported',
          },
        },
      ])
      const streamed = all.anthropic.messages.stream(body)
      const message = await streamed.finalMessage()
      expect(message.usage.output_tokens).toBeGreaterThan(0)
      const { output_tokens: outputTokens } = message.usage
      const streamReceipt = await receiptOf(all, streamed.response?.headers.get('x-penstock-request-id'))
      expect(streamReceipt).toMatchObject({
        streamed: true,
        attempts: [{ usage: { outputTokens, source: 'reported' } }],
      })
    },
    MODEL_CALL_MS,
  )

  it('counts tokens for nothing', async context => {
    const { anthropic, engine } = parties(context)
    const { input_tokens: counted } = await anthropic.messages.countTokens({
      model: engine.modelName,
      messages: ask('How many tokens are these?'),
    })
    expect(counted).toBeGreaterThan(6)
  })

  it('embeds texts, priced by their tokens', async context => {
    const all = parties(context)
    const { data, response } = await all.openai.embeddings
      .create({ model: all.engine.modelName, input: ['water', 'a gate of iron'], encoding_format: 'float' })
      .withResponse()
    expect(data.data).toHaveLength(2)
    expect(data.data[0]!.embedding.length).toBeGreaterThan(100)
    const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
    expect(receipt.attempts).toMatchObject([{ usage: { inputTokens: data.usage.prompt_tokens, outputTokens: 0 } }])
  })

  it(
    'meters what the engine had cached when a prompt comes again',
    async context => {
      const all = parties(context)
      const long = `Repeat nothing. ${'The river carries the water to the gate. '.repeat(20)}`
      const again = async () => {
        const { data, response } = await all.openai.chat.completions
          .create({ model: all.engine.modelName, messages: ask(long), max_tokens: 2 })
          .withResponse()
        const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
        expect(receipt.attempts[0]!.usage.cachedInputTokens).toBe(data.usage!.prompt_tokens_details?.cached_tokens)
        return receipt
      }
      const [first, second] = [await again(), await again()]
      const { cachedInputTokens, inputTokens } = second.attempts[0]!.usage
      expect(cachedInputTokens).toBeGreaterThan(0.9 * Number(inputTokens))
      expect(Number(second.dollars)).toBeLessThan(0.5 * Number(first.dollars))
    },
    MODEL_CALL_MS,
  )

  it(
    'frees the slot of a caller that leaves in the middle of a stream',
    async context => {
      const all = parties(context)
      const busySlots = async () => {
        const slots = (await (await fetch(`${all.engine.url}/slots`)).json()) as readonly { is_processing: boolean }[]
        return slots.filter(slot => slot.is_processing).length
      }
      const leave = new AbortController()
      const { data: stream, response } = await all.openai.chat.completions
        .create(
          { model: all.engine.modelName, messages: ask('Tell a long story.'), max_tokens: 1500, stream: true },
          { signal: leave.signal },
        )
        .withResponse()
      let chunks = 0
      const reading = (async () => {
        for await (const _ of stream) if (++chunks === 5) leave.abort()
      })()
      await reading.catch(() => {})
      expect(chunks).toBeGreaterThanOrEqual(5)
      await expect.poll(busySlots, { timeout: 10_000 }).toBe(0)
      const id = response.headers.get('x-penstock-request-id')
      await expect.poll(async () => (await receiptOf(all, id)).outcome, { timeout: 5000 }).toBe('callerLeft')
      const receipt = await receiptOf(all, id)
      expect(receipt.attempts[0]!.usage).toMatchObject({ source: 'estimated' })
      expect(Number(receipt.attempts[0]!.usage.outputTokens)).toBeLessThan(1500)
    },
    MODEL_CALL_MS,
  )

  it(
    'goes on with a chat that another upstream broke off, as if nothing had happened',
    async context => {
      const all = parties(context)
      const asked = { messages: ask('Write two sentences about a river and its mill.'), max_tokens: 40, temperature: 0 }
      const stream = { ...asked, stream: true as const, stream_options: { include_usage: true } }
      const whole = await all.openai.chat.completions.create({ ...asked, model: all.engine.modelName })
      const { data, response } = await all.openai.chat.completions
        .create({ ...stream, model: CONTINUED_MODEL })
        .withResponse()
      let text = ''
      const finishes: unknown[] = []
      const ids = new Set<string>()
      for await (const chunk of data) {
        ids.add(chunk.id)
        text += chunk.choices[0]?.delta.content ?? ''
        if (chunk.choices[0]?.finish_reason) finishes.push(chunk.choices[0].finish_reason)
      }
      const start = text.slice(0, 24)
      expect(whole.choices[0]!.message.content!.startsWith(start)).toBe(true)
      expect([text.length > 60, text.split(start).length]).toEqual([true, 2])
      expect([finishes.length, ids.size]).toEqual([1, 1])
      const receipt = await receiptOf(all, response.headers.get('x-penstock-request-id'))
      const [broken, going] = receipt.attempts
      expect([receipt.outcome, broken!.outcome, going!.outcome]).toEqual(['completed', 'cut', 'completed'])
      expect([broken!.usage.source, going!.usage.source]).toEqual(['estimated', 'reported'])
    },
    MODEL_CALL_MS,
  )

  it(
    'goes on with a message of the Anthropic dialect too',
    async context => {
      const all = parties(context)
      const asked = { messages: ask('Name three rivers of Europe.'), max_tokens: 60, temperature: 0 }
      const whole = await all.anthropic.messages.create({ ...asked, model: all.engine.modelName })
      const joined = await all.anthropic.messages.stream({ ...asked, model: CONTINUED_MODEL }).finalMessage()
      const [block] = joined.content
      const text = block?.type === 'text' ? block.text : ''
      // The engine decides between words that are nearly alike by how its work was cut into batches, so that only the
      // beginning is the same for sure; that nothing is missing or said twice shows all the same.
      const [start, first] = [text.slice(0, 24), whole.content[0]]
      expect(first?.type === 'text' && first.text.startsWith(start)).toBe(true)
      expect([joined.content.length, text.length > 60, text.split(start).length]).toEqual([1, true, 2])
      expect(joined.stop_reason).not.toBeNull()
    },
    MODEL_CALL_MS,
  )

  it('passes the engine’s own refusal on word for word', async context => {
    const { gateway, engine } = parties(context)
    const body = JSON.stringify({ model: engine.modelName, messages: ask('water '.repeat(engine.contextTokens + 50)) })
    const direct = await fetch(`${engine.url}/v1/chat/completions`, { method: 'POST', body })
    const through = await fetch(`${gateway.url}/v1/chat/completions`, {
      method: 'POST',
      headers: { authorization: `Bearer ${gateway.key}`, 'content-type': 'application/json' },
      body,
    })
    expect(direct.status).toBe(400)
    expect(through.status).toBe(400)
    expect(await through.text()).toBe(await direct.text())
  })
})
