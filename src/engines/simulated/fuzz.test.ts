import fc from 'fast-check'
import { expect, it } from 'vitest'
import { ENDPOINTS } from '../../vocabulary/dialect.ts'
import { engineOf, listen, ManualClock } from './serve.fixture.ts'

const PATIENCE_MS = 600_000

const field = fc.constantFrom(
  ...['messages', 'input', 'instructions', 'system', 'max_tokens', 'max_output_tokens', 'n', 'stop', 'stop_sequences'],
  ...['stream', 'stream_options', 'tools', 'tool_choice', 'response_format', 'text', 'output_config', 'dimensions'],
  ...['encoding_format', 'previous_response_id', 'model', 'min_tokens', 'ignore_eos'],
)
const part = fc.record({
  type: fc.constantFrom('text', 'image_url', 'tool_result', 'x'),
  text: fc.option(fc.string()),
  content: fc.jsonValue(),
})
const message = fc.record({
  role: fc.constantFrom('user', 'assistant', 'tool'),
  content: fc.oneof(fc.string(), fc.array(part), fc.jsonValue()),
})
const tool = fc.record({
  type: fc.constant('function'),
  name: fc.string(),
  function: fc.jsonValue(),
  parameters: fc.jsonValue(),
  input_schema: fc.jsonValue(),
})
const value = fc.oneof(
  { weight: 3, arbitrary: fc.jsonValue() },
  { weight: 2, arbitrary: fc.array(message, { maxLength: 3 }) },
  fc.array(tool, { maxLength: 2 }),
  fc.constantFrom('required', 'auto', { type: 'any' }, { type: 'function', name: 'x' }, 3, true),
)
const whole = fc.record({
  messages: fc.array(message, { minLength: 1, maxLength: 3 }),
  input: fc.string({ minLength: 1 }),
  max_tokens: fc.integer({ min: 1, max: 50 }),
})
const body = fc
  .tuple(fc.option(whole), fc.dictionary(field, value, { maxKeys: 4 }))
  .map(([base, over]) => ({ ...base, ...over }))
const text = fc.oneof({ weight: 8, arbitrary: body.map(json => JSON.stringify(json)) }, fc.string(), fc.json())

it('whatever the body, the answer is whole: 200 or a refusal, never an exception or silence', async () => {
  const seen = new Map<number, number>()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...ENDPOINTS), text, async (endpoint, json) => {
      const clock = new ManualClock()
      const heard = listen(engineOf({ clock, speed: 1000 }), endpoint, json)
      await null
      clock.pass(PATIENCE_MS)
      expect(heard.end).toBe('ended')
      expect([200, 400]).toContain(heard.status)
      const isStream = heard.headers[1]!.startsWith('text/event-stream')
      if (isStream) expect(heard.chunks.join('')).toMatch(/\n\n$/)
      else expect(() => JSON.parse(heard.chunks.join(''))).not.toThrow()
      seen.set(heard.status, (seen.get(heard.status) ?? 0) + 1)
    }),
    { numRuns: 1000 },
  )
  expect(seen.get(200)).toBeGreaterThan(50)
  expect(seen.get(400)).toBeGreaterThan(50)
})
