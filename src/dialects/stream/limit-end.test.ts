import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { StreamEnd } from '../../ports/wire.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { wireOf } from '../wire.ts'
import { bodyOf, CHAT_USAGE, chunk, DONE, event, latin1, messages, read, STREAMS, split } from './streams.fixture.ts'

const USAGE: Usage = {
  inputTokens: 90,
  cachedInputTokens: 30,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 7,
  reasoningTokens: 2,
  source: 'estimated',
}
const ASKED = { stream_options: { include_usage: true } }
type Streamed = keyof typeof STREAMS

/** Ends a stream behind these bytes; `text` is all that its caller was shown. */
function endBehind(endpoint: Streamed, chunks: Iterable<Uint8Array>, over: object = ASKED) {
  const reader = wireOf(endpoint).openStream(bodyOf(endpoint, over))
  const shown: Buffer[] = []
  const show = (bytes: Uint8Array | null) => {
    if (bytes !== null) shown.push(Buffer.from(bytes))
  }
  for (const bytes of chunks) show(reader.push(bytes))
  const end: StreamEnd = reader.endAtLimit(USAGE)
  show(end.beforeComment)
  show(end.lastEvent)
  return { reader, end, bytes: Buffer.concat(shown), text: Buffer.concat(shown).toString() }
}

function dataOf(text: string): readonly Record<string, unknown>[] {
  const lines = text.split('\n').filter(line => line.startsWith('data: {'))
  return lines.map(line => JSON.parse(line.slice('data: '.length)) as Record<string, unknown>)
}

describe.each(['chat/completions', 'messages', 'responses'] as const)('a stream of %s that a limit ends', endpoint => {
  it('is whole to whoever reads it, wherever it was cut and however it came, and tells its usage', () => {
    const words = fc.array(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }), {
      minLength: 3,
      maxLength: 12,
    })
    fc.assert(
      fc.property(words, fc.array(fc.nat({ max: 90 }), { maxLength: 6 }), fc.nat(), (told, cuts, place) => {
        const frames = STREAMS[endpoint](told).split(/(?<=\n\n)/)
        // Behind the first event, which names the answer, and before the one that says why it ended.
        const upTo = Buffer.from(frames.slice(0, -3).join(''))
        const from = Buffer.byteLength(frames[0]!)
        const at = from + (place % (upTo.length - from + 1))
        const { bytes, end } = endBehind(endpoint, split(upTo.subarray(0, at), cuts))
        expect(end.whole).toBe(true)
        const again = read(endpoint, [bytes], ASKED)
        expect([again.whole, again.reader.ended, again.reader.unreadableFrames]).toEqual([true, true, 0])
        expect(again.last).toBe(latin1(end.lastEvent))
        expect(again.reader).toMatchObject({ usageFinal: true, usage: { outputTokens: 7 } })
      }),
      { numRuns: 300 },
    )
  })

  it('shows nothing of a frame that broke off, nothing more once it is over, and the same end when asked again', () => {
    const frames = STREAMS[endpoint](['a', 'b', 'c', 'd']).split(/(?<=\n\n)/)
    const whole = frames.slice(0, 4).join('')
    const { reader, end, text } = endBehind(endpoint, [Buffer.from(whole + frames[4]!.slice(0, -1))])
    expect(text).toBe(whole + latin1(end.beforeComment) + latin1(end.lastEvent))
    expect(reader.ended).toBe(true)
    expect(reader.push(Buffer.from(frames[4]!))).toBe(null)
    expect(reader.finish()).toBe(end)
  })

  it('keeps its own end when that had come', () => {
    const { end, bytes } = endBehind(endpoint, [Buffer.from(STREAMS[endpoint](['a']))])
    const own = read(endpoint, [Buffer.from(STREAMS[endpoint](['a']))], ASKED)
    expect([end.whole, latin1(end.lastEvent)]).toEqual([true, own.last])
    expect(latin1(bytes)).toBe(own.shown + own.before + own.last)
  })
})

describe('a chat that a limit ends', () => {
  const NAMED = { id: 'c1é', object: 'chat.completion.chunk', created: 1_760_000_000, model: 'mé"' }
  const cut = (frames: readonly string[], over: object = ASKED) => {
    const { end } = endBehind('chat/completions', [Buffer.from(frames.join(''))], over)
    expect(latin1(end.lastEvent)).toBe(DONE)
    return dataOf(Buffer.from(end.beforeComment ?? []).toString())
  }
  const lengthOf = (index: number) => ({ index, delta: {}, finish_reason: 'length' })

  it('tells the length as the reason in the name of the stream, then the usage if it was asked for', () => {
    const frames = [chunk({ role: 'assistant' }, {}, NAMED), chunk({ content: 'a' }, {}, NAMED)]
    const usage = {
      prompt_tokens: 90,
      completion_tokens: 7,
      total_tokens: 97,
      prompt_tokens_details: { cached_tokens: 30 },
      completion_tokens_details: { reasoning_tokens: 2 },
    }
    expect(cut(frames)).toEqual([
      { ...NAMED, choices: [lengthOf(0)] },
      { ...NAMED, choices: [], usage },
    ])
    expect(cut(frames, {})).toEqual([{ ...NAMED, choices: [lengthOf(0)] }])
  })

  it('ends each choice that is open, and none that has ended', () => {
    const frames = [0, 1, 2, 31, 40].map(index => chunk({ content: 'a' }, { index }))
    const ended = chunk({}, { index: 1, finish_reason: 'stop' })
    const told = cut([...frames, ended], {})[0]!.choices as readonly { readonly index: number }[]
    const indices = told.map(choice => choice.index)
    for (const index of [0, 2, 31, 40]) expect(indices).toContain(index)
    expect(indices).not.toContain(1)
    expect(Math.max(...indices)).toBe(40)
  })

  it('ends not twice what had told its reason', () => {
    const told = [chunk({ content: 'a' }), chunk({}, { finish_reason: 'stop' })]
    expect(cut(told, {})).toEqual([])
    expect(cut([...told, chunk({}, {}, { choices: [], usage: CHAT_USAGE })])).toEqual([])
  })

  it('takes its name from the first chunk with a choice, as long as that may be', () => {
    const filter = chunk({}, {}, { id: '', model: '', choices: [], prompt_filter_results: [] })
    const long = chunk({ content: 'x'.repeat(20_000) }, {}, { ...NAMED, padding: 'y'.repeat(20_000) })
    expect(cut([filter, long], {})).toEqual([{ ...NAMED, choices: [lengthOf(0)] }])
  })
})

describe('a message that a limit ends', () => {
  it('stops its open blocks, tells max_tokens with its output, and stops', () => {
    const frames = messages(['a', 'b'])
      .split(/(?<=\n\n)/)
      .slice(0, 4)
    const tool = event('content_block_start', {
      index: 1,
      content_block: { type: 'tool_use', id: 't', name: 'f', input: {} },
    })
    const { end } = endBehind('messages', [
      Buffer.from(frames.join('') + event('content_block_stop', { index: 0 }) + tool),
    ])
    const delta = { stop_reason: 'max_tokens', stop_sequence: null }
    expect(latin1(end.beforeComment)).toBe(
      event('content_block_stop', { index: 1 }) + event('message_delta', { delta, usage: { output_tokens: 7 } }),
    )
    expect(latin1(end.lastEvent)).toBe(event('message_stop'))
  })

  it('only stops where it had told its reason', () => {
    const frames = messages(['a']).split(/(?<=\n\n)/)
    const { end, text } = endBehind('messages', [Buffer.from(frames.slice(0, -1).join(''))])
    expect([end.beforeComment, text]).toEqual([null, messages(['a'])])
  })
})

describe('a response that a limit ends', () => {
  const created = (response: object) =>
    event('response.created', {
      sequence_number: 0,
      response: { id: 'r1', object: 'response', model: 'mé', ...response },
    })
  const delta = (sequence_number: number, text = 'a') =>
    event('response.output_text.delta', {
      sequence_number,
      item_id: 'm1',
      output_index: 0,
      content_index: 0,
      delta: text,
    })
  const cut = (frames: readonly string[]) => {
    const { end } = endBehind('responses', [Buffer.from(frames.join(''))])
    return dataOf(Buffer.from(end.lastEvent!).toString())[0] as { sequence_number: number; response: object }
  }

  it.each([0, 1, 2, 3, 50])(
    'numbers its last event behind %d deltas, with events that have no number among them',
    count => {
      const deltas = Array.from({ length: count }, (_, i) => [delta(i + 1), event('keepalive')])
      expect(cut([created({}), ...deltas.flat()]).sequence_number).toBe(count + 1)
    },
  )

  it('is the response that was created, incomplete for want of tokens', () => {
    const told = cut([created({ status: 'in_progress', tools: [{ type: 'function' }], output: [] }), delta(1)])
    expect(told.response).toEqual({
      id: 'r1',
      object: 'response',
      created_at: 0,
      model: 'mé',
      tools: [{ type: 'function' }],
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [],
      usage: {
        input_tokens: 90,
        input_tokens_details: { cached_tokens: 30 },
        output_tokens: 7,
        output_tokens_details: { reasoning_tokens: 2 },
        total_tokens: 97,
      },
    })
  })

  it('does not say again what was long in it', () => {
    const long = { instructions: 'x'.repeat(9_000), tools: ['y'.repeat(9_000)], text: { format: 'z'.repeat(2_000) } }
    expect(cut([created({ ...long, metadata: { a: 'b' } }), delta(1)]).response).toMatchObject({
      id: 'r1',
      model: 'mé',
      instructions: null,
      tools: [],
      text: null,
      metadata: { a: 'b' },
    })
  })
})

it('a chat that a limit ends before anything came is whole all the same', () => {
  const { text } = endBehind('chat/completions', [Buffer.from(': hello\n\n')], {})
  expect(text).toContain('"finish_reason":"length"')
  expect(read('chat/completions', [Buffer.from(text)]).whole).toBe(true)
})
