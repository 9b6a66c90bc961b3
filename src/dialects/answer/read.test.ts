import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { AnswerSummary } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { answerReader, MAX_MEASURED_BYTES, MAX_USAGE_BYTES } from './read.ts'

function read(answer: unknown, endpoint: Endpoint = 'chat/completions'): AnswerSummary {
  return answerReader(endpoint)(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)))
}

const chat = (usage: unknown, over: object = {}) => ({ id: 'c1', choices: [], usage, ...over })
const message = (usage: unknown) => ({ id: 'm1', type: 'message', content: [], usage })
const USAGE = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 }
const NONE = {
  cachedInputTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  reasoningTokens: 0,
  source: 'reported',
}

describe('usage of a chat or response', () => {
  it('includes what was cached in the input and what was reasoned in the output', () => {
    const counts = { inputTokens: 5000, outputTokens: 900, ...NONE, cachedInputTokens: 4096, reasoningTokens: 640 }
    const asChat = {
      prompt_tokens: 5000,
      completion_tokens: 900,
      total_tokens: 5900,
      prompt_tokens_details: { cached_tokens: 4096 },
      completion_tokens_details: { reasoning_tokens: 640 },
    }
    const asResponse = {
      input_tokens: 5000,
      output_tokens: 900,
      input_tokens_details: { cached_tokens: 4096 },
      output_tokens_details: { reasoning_tokens: 640 },
    }
    expect(read(chat(asChat)).usage).toEqual(counts)
    expect(read({ output: [], error: null, usage: asResponse }, 'responses').usage).toEqual(counts)
  })

  it('stays zero where zero is told', () => {
    const zero = { prompt_tokens: 0, completion_tokens: 0, prompt_tokens_details: null, completion_tokens_details: {} }
    expect(read(chat(zero)).usage).toEqual({ inputTokens: 0, outputTokens: 0, ...NONE })
  })

  it.each([
    ['nothing', undefined],
    ['null', null],
    ['a list', [USAGE]],
    ['no input', { completion_tokens: 1 }],
    ['no output', { prompt_tokens: 1, total_tokens: 2 }],
    ['a negative count', { ...USAGE, prompt_tokens: -1 }],
    ['a fraction', { ...USAGE, completion_tokens: 1.5 }],
    ['a text', { ...USAGE, completion_tokens: '20' }],
    ['a count beyond exact numbers', { ...USAGE, prompt_tokens: 1e300 }],
    ['a negative part', { ...USAGE, prompt_tokens_details: { cached_tokens: -5 } }],
    ['a part that is a text', { ...USAGE, completion_tokens_details: { audio_tokens: '5' } }],
  ])('is not known from %s', (_, usage) => {
    expect(read(chat(usage))).toMatchObject({ usage: null, sound: true })
  })

  it('never has parts larger than their whole', () => {
    const usage = {
      ...USAGE,
      prompt_tokens_details: { cached_tokens: 900, audio_tokens: 70, image_tokens: 500, cache_write_tokens: 9 },
      completion_tokens_details: { reasoning_tokens: 21, audio_tokens: 400 },
    }
    expect(read(chat(usage)).usage).toEqual({
      ...NONE,
      inputTokens: 100,
      cachedInputTokens: 100,
      outputTokens: 20,
      reasoningTokens: 20,
      special: { inputAudioTokens: 70, inputImageTokens: 30, outputAudioTokens: 20 },
    })
  })

  it('counts reasoning as output where the total says that it came besides', () => {
    const besides = { ...USAGE, total_tokens: 170, completion_tokens_details: { reasoning_tokens: 50 } }
    expect(read(chat(besides)).usage).toMatchObject({ outputTokens: 70, reasoningTokens: 50 })
  })

  it('knows cached tokens under the names of other providers, and written ones', () => {
    expect(read(chat({ ...USAGE, prompt_cache_hit_tokens: 64 })).usage?.cachedInputTokens).toBe(64)
    expect(read(chat({ ...USAGE, cached_tokens: 64 })).usage?.cachedInputTokens).toBe(64)
    const written = { cached_tokens: 60, cache_write_tokens: 30 }
    expect(read(chat({ ...USAGE, prompt_tokens_details: written })).usage).toMatchObject({
      cachedInputTokens: 60,
      cacheWrite5mTokens: 30,
    })
  })

  it('names sound, images and the service tier only where there are any', () => {
    const ordinary = { ...USAGE, prompt_tokens_details: { audio_tokens: 0 } }
    expect(read(chat(ordinary, { service_tier: 'default' })).usage?.special).toBeUndefined()
    const details = {
      audio_tokens: 40,
      image_tokens: 10,
      cached_tokens: 30,
      cached_tokens_details: { audio_tokens: 30 },
    }
    expect(read(chat({ ...USAGE, prompt_tokens_details: details }, { service_tier: 'flex' })).usage?.special).toEqual({
      inputAudioTokens: 40,
      inputImageTokens: 10,
      cachedAudioTokens: 30,
      serviceTier: 'flex',
    })
  })
})

describe('usage of a message', () => {
  it('adds up what was read from a cache, written to one, and neither', () => {
    const usage = {
      input_tokens: 10_000,
      cache_read_input_tokens: 80_000,
      cache_creation_input_tokens: 30_000,
      cache_creation: { ephemeral_5m_input_tokens: 20_000, ephemeral_1h_input_tokens: 10_000 },
      output_tokens: 6_000,
      output_tokens_details: { thinking_tokens: 4_000 },
      server_tool_use: { web_search_requests: 3 },
      service_tier: 'standard',
      speed: 'fast',
      inference_geo: 'us',
    }
    expect(read(message(usage), 'messages').usage).toEqual({
      inputTokens: 120_000,
      cachedInputTokens: 80_000,
      cacheWrite5mTokens: 20_000,
      cacheWrite1hTokens: 10_000,
      outputTokens: 6_000,
      reasoningTokens: 4_000,
      source: 'reported',
      special: { webSearches: 3, speed: 'fast', inferenceGeo: 'us' },
    })
  })

  it.each([
    [{ cache_creation_input_tokens: 500 }, 510, 500, 0],
    [{ cache_creation_input_tokens: 500, cache_creation: null }, 510, 500, 0],
    [{ cache_creation_input_tokens: 500, cache_creation: { ephemeral_1h_input_tokens: 200 } }, 510, 300, 200],
    [{ cache_creation_input_tokens: 1, cache_creation: { ephemeral_5m_input_tokens: 7 } }, 17, 7, 0],
    [{ cache_creation_input_tokens: null, cache_read_input_tokens: null }, 10, 0, 0],
  ])('takes written tokens of untold lifetime for those of five minutes: %j', (over, input, five, hour) => {
    const { usage } = read(message({ input_tokens: 10, output_tokens: 1, ...over }), 'messages')
    expect(usage).toMatchObject({ inputTokens: input, cacheWrite5mTokens: five, cacheWrite1hTokens: hour })
    expect(usage).not.toHaveProperty('special')
  })

  it.each([
    { output_tokens: 1 },
    { input_tokens: 1 },
    { input_tokens: 1, output_tokens: 1, cache_read_input_tokens: -1 },
  ])('is not known from %j', usage => expect(read(message(usage), 'messages').usage).toBeNull())
})

describe('usage of the others', () => {
  it('is the prompt’s for embeddings', () => {
    const answer = {
      object: 'list',
      data: [{ embedding: [0.5, -1e-7] }],
      usage: { prompt_tokens: 1500, total_tokens: 1500 },
    }
    expect(read(answer, 'embeddings').usage).toEqual({ inputTokens: 1500, outputTokens: 0, ...NONE })
  })

  it('is none for counting tokens, which costs nothing', () => {
    expect(read('{"input_tokens" : 2095 }', 'messages/count_tokens')).toMatchObject({ usage: null, sound: true })
  })
})

describe('an answer', () => {
  it('has its usage at the top and nowhere else', () => {
    const decoy = '"usage":{"prompt_tokens":7,"completion_tokens":7}'
    const inside = [{ message: { content: `{${decoy}}`, usage: { prompt_tokens: 8, completion_tokens: 8 } } }]
    expect(read(chat(USAGE, { choices: inside, x: { usage: 9 } })).usage?.inputTokens).toBe(100)
    expect(read({ choices: inside }).usage).toBeNull()
    expect(read(`{"\\u0075sage":{"prompt_tokens":3,"completion_tokens":4},"choices":[]}`).usage?.inputTokens).toBe(3)
    expect(read(`{${decoy},"choices":[],"usage":{"prompt_tokens":1,"completion_tokens":1}}`).usage?.inputTokens).toBe(1)
    expect(read(`{${decoy},"choices":[],"usage":null}`).usage).toBeNull()
  })

  it.each<[Endpoint, unknown]>([
    ['chat/completions', ''],
    ['chat/completions', '<!doctype html><title>Sign in</title>'],
    ['chat/completions', JSON.stringify(chat(USAGE)).slice(0, 60)],
    ['chat/completions', `${JSON.stringify(chat(USAGE))}}`],
    ['chat/completions', { error: { message: 'boom' } }],
    ['chat/completions', { choices: [], error: { message: 'boom' } }],
    ['chat/completions', { object: 'error', message: 'boom' }],
    ['chat/completions', { choices: {} }],
    ['responses', { output: null }],
    ['responses', { output: [], status: 'failed', error: { code: 'server_error' } }],
    ['embeddings', { object: 'list' }],
    ['messages', { type: 'error', error: { type: 'api_error', message: 'boom' } }],
    ['messages/count_tokens', { input_tokens: '5' }],
  ])('of %s is not sound: %j', (endpoint, answer) => {
    expect(read(answer, endpoint)).toMatchObject({ sound: false, usage: null, contentBytes: 0 })
  })

  it('measures its content where nobody reports it', () => {
    const call = { function: { name: 'ls', arguments: '{"a":1}' } }
    const shown = { content: 'caf\u00e9 漢 😀', reasoning_content: 'Hmm', tool_calls: [call] }
    expect(read({ choices: [{ message: shown }, { message: { content: null } }, null] }).contentBytes).toBe(14 + 3 + 9)
    const output = [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hmm' }] },
      { type: 'message', content: [{ type: 'output_text', text: 'Hello' }] },
      { type: 'function_call', name: 'ls', arguments: '{}' },
    ]
    expect(read({ output }, 'responses').contentBytes).toBe(3 + 5 + 4)
    const content = [
      { type: 'thinking', thinking: 'Hmm' },
      { type: 'text', text: 'Hello' },
      { type: 'tool_use', name: 'ls', input: { a: 1 } },
    ]
    expect(read({ content }, 'messages').contentBytes).toBe(3 + 5 + 2 + 7)
  })

  it('beyond a bound is measured by its size, and a usage beyond one is not read', () => {
    const large = 'x'.repeat(MAX_MEASURED_BYTES)
    const { contentBytes } = read({ choices: [{ message: { content: large } }] })
    expect(contentBytes - large.length).toBeGreaterThan(0)
    expect(contentBytes - large.length).toBeLessThan(100)
    expect(read(chat({ ...USAGE, note: 'x'.repeat(MAX_USAGE_BYTES) }))).toMatchObject({ sound: true, usage: null })
  })

  it('of any bytes is read without a crash, and sound only if it is JSON', () => {
    const json = JSON.stringify(chat(USAGE, { choices: [{ message: { content: 'Hello' } }] }))
    fc.assert(
      fc.property(fc.nat(json.length), fc.nat(3), fc.string({ unit: 'binary', maxLength: 3 }), (at, gone, put) => {
        const damaged = json.slice(0, at) + put + json.slice(at + gone)
        const summary = read(damaged)
        expect(summary.contentBytes).toBeGreaterThanOrEqual(0)
        if (summary.sound) expect(JSON.parse(damaged)).toHaveProperty('choices')
      }),
      { numRuns: 1_000 },
    )
  })
})
