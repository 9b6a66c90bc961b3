import { describe, expect, it } from 'vitest'
import { wireOf } from '../../dialects/index.ts'
import type { ParsedBody } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { engineOf, listen, ManualClock } from './serve.fixture.ts'

const PROMPT = 'Tell me about engines. '.repeat(12)
const TOOL = { type: 'function', name: 'f', parameters: {}, input_schema: {}, function: { name: 'f', parameters: {} } }
const messages = [{ role: 'user', content: PROMPT }]

const BODIES: readonly (readonly [Endpoint, Readonly<Record<string, unknown>>, number])[] = [
  ['chat/completions', { messages, max_tokens: 20 }, 20],
  ['chat/completions', { messages, max_tokens: 20, n: 3 }, 60],
  ['chat/completions', { messages, tools: [TOOL], tool_choice: 'required' }, 1],
  ['responses', { input: PROMPT, max_output_tokens: 20 }, 20],
  ['responses', { input: PROMPT, tools: [TOOL], tool_choice: 'required' }, 1],
  ['messages', { messages, max_tokens: 20 }, 20],
  ['messages', { messages, max_tokens: 20, tools: [{ ...TOOL, type: 'custom' }], tool_choice: { type: 'any' } }, 1],
]

/** Asks twice, so that the second finds the prompt in the cache; gives what came for the second. */
function askTwice(endpoint: Endpoint, body: object) {
  const clock = new ManualClock()
  const engine = engineOf({ clock })
  const wire = wireOf(endpoint)
  const parsed = wire.parseBody(Buffer.from(JSON.stringify({ model: 'm', ...body }))) as ParsedBody
  const sent = JSON.parse(Buffer.concat(parsed.forUpstream('Llama-3.1-8B')).toString('utf8'))
  listen(engine, endpoint, sent)
  clock.pass(60_000)
  const heard = listen(engine, endpoint, sent)
  clock.pass(60_000)
  return { wire, parsed, bytes: Buffer.from(heard.chunks.join('')) }
}

describe('what the data plane reads of simulated answers', () => {
  it.each(BODIES)('%s %j, plain: sound, and its whole usage', (endpoint, body, outputTokens) => {
    const { wire, bytes } = askTwice(endpoint, body)
    const { sound, usage, contentBytes } = wire.readAnswer(bytes)
    expect([sound, usage?.outputTokens, usage?.source]).toEqual([true, outputTokens, 'reported'])
    expect(usage!.cachedInputTokens).toBe(Math.floor((usage!.inputTokens - 1) / 16) * 16)
    expect(contentBytes).toBeGreaterThan(0)
  })

  it.each(BODIES)('%s %j, streamed: whole, and the same usage', (endpoint, body, outputTokens) => {
    const plain = askTwice(endpoint, body)
    const { wire, parsed, bytes } = askTwice(endpoint, { ...body, stream: true })
    const reader = wire.openStream(parsed)
    // Split in the worst way: byte by byte.
    for (const byte of bytes) reader.push(Buffer.of(byte))
    expect([reader.sawContent, reader.sawError, reader.usageFinal, reader.ended]).toEqual([true, false, true, true])
    expect(reader.finish().whole).toBe(true)
    expect(reader.usage).toEqual(plain.wire.readAnswer(plain.bytes).usage)
    expect(reader.usage!.outputTokens).toBe(outputTokens)
  })

  it('embeddings: sound, and its input', () => {
    const { wire, bytes } = askTwice('embeddings', { input: [PROMPT, 'x'] })
    expect(wire.readAnswer(bytes)).toMatchObject({ sound: true, usage: { inputTokens: 70, outputTokens: 0 } })
  })
})
