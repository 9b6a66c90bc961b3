import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Dialect, Listener } from './speech.ts'

const frames = (...all: readonly object[]) => all.map(frame => `data: ${JSON.stringify(frame)}\n\n`).join('')
const OPENAI = `${frames(
  { choices: [{ delta: { role: 'assistant', content: '' } }] },
  { choices: [{ delta: { content: 'für' } }] },
  { choices: [{ delta: { content: 'wahr' } }] },
  { choices: [], usage: { prompt_tokens: 90, completion_tokens: 2, prompt_tokens_details: { cached_tokens: 64 } } },
)}: penstock {"id":"pen_1","dollars":"0.0012"}\n\ndata: [DONE]\n\n`
const ANTHROPIC = [
  {
    type: 'message_start',
    message: {
      usage: { input_tokens: 20, cache_read_input_tokens: 64, cache_creation_input_tokens: 6, output_tokens: 1 },
    },
  },
  { type: 'ping' },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'für' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'wahr' } },
  { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } },
]
  .map(event => `event: ${event.type}\r\ndata: ${JSON.stringify(event)}\r\n\r\n`)
  .concat(': penstock {"id":"pen_1","dollars":"0.0012"}\n\n', 'event: message_stop\ndata: {"type":"message_stop"}\n\n')
  .join('')
const whole = { inputTokens: 90, cachedTokens: 64, outputTokens: 2, dollars: '0.0012', whole: true, error: false }

function hear(dialect: Dialect, pieces: readonly Uint8Array[]) {
  const listener = new Listener(dialect)
  for (const [at, piece] of pieces.entries()) listener.push(piece, at)
  return listener.heard
}
const hearText = (dialect: Dialect, text: string) => hear(dialect, [Buffer.from(text)])

describe.each([['openai', OPENAI] as const, ['anthropic', ANTHROPIC] as const])(
  'listening to %s',
  (dialect, stream) => {
    it('hears usage, dollars and the end', () => {
      expect(hearText(dialect, stream)).toMatchObject(whole)
    })

    it('hears the same whatever way the bytes are split', () => {
      const bytes = Buffer.from(stream)
      fc.assert(
        fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), cuts => {
          const at = [0, ...cuts.sort((a, b) => a - b), bytes.length]
          const heard = hear(
            dialect,
            at.slice(1).map((end, i) => bytes.subarray(at[i], end)),
          )
          expect(heard).toMatchObject(whole)
          expect(heard.firstContentMs! <= heard.lastContentMs!).toBe(true)
        }),
      )
    })

    it('takes the first content for the first token, no role and no ping', () => {
      const contentAt = stream.indexOf('für')
      const [before, after] = [stream.slice(0, contentAt), stream.slice(contentAt)]
      const heard = hear(dialect, [Buffer.from(before), Buffer.from(after)])
      expect(heard).toMatchObject({ firstContentMs: 1, lastContentMs: 1 })
    })

    it('knows a stream that was cut, and one that carries an error or nonsense', () => {
      expect(hearText(dialect, stream.slice(0, -30)).whole).toBe(false)
      const error =
        dialect === 'openai' ? { error: { message: 'no' } } : { type: 'error', error: { type: 'api_error' } }
      expect(hearText(dialect, frames(error)).error).toBe(true)
      expect(hearText(dialect, 'data: {"torn\n\n').error).toBe(true)
    })

    it('tells an unknown price from a missing comment', () => {
      expect(hearText(dialect, ': penstock {"id":"pen_1","dollars":null}\n\n').dollars).toBeNull()
      expect(hearText(dialect, ': ping\n\n').dollars).toBeUndefined()
    })
  },
)
