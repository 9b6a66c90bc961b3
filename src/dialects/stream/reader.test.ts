import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { wireOf } from '../wire.ts'
import { MAX_FRAME_BYTES } from './reader.ts'
import { bodyOf, chat, chunk, DONE, latin1, read, STREAMS, split } from './streams.fixture.ts'

const ASKED = { stream_options: { include_usage: true } }
const ENDPOINTS = ['chat/completions', 'messages', 'responses'] as const
const once = (text: string) => [Buffer.from(text)]

describe.each(ENDPOINTS)('a stream of %s', endpoint => {
  const words = ['Hel', 'lo', ' "wor\\ld"\n', ' é漢😀\u0007', ' ', 'x'.repeat(3_000), '.']
  const text = STREAMS[endpoint](words)

  it('is shown byte for byte, its last event at the end', () => {
    const { shown, before, last, whole, reader } = read(endpoint, once(text), ASKED)
    expect(shown + before + last).toBe(Buffer.from(text).toString('latin1'))
    expect(before).toBe('')
    expect(last.trimEnd().split('\n\n')).toHaveLength(1)
    expect(whole).toBe(true)
    expect([reader.ended, reader.sawContent, reader.sawError, reader.usageFinal]).toEqual([true, true, false, true])
    expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20, source: 'reported' })
    expect(reader.contentBytes).toBe(Buffer.byteLength(words.join('')))
  })

  it('is the same however its bytes are split, whatever ends its lines', () => {
    const word = fc.oneof(fc.string({ unit: 'binary', maxLength: 8 }), fc.string({ maxLength: 300, minLength: 200 }))
    const lengths = fc.array(fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 1, max: 600 })), {
      minLength: 1,
    })
    const ends = fc.constantFrom('\n', '\r\n', '\r')
    const between = fc.constantFrom(
      '',
      ': keep-alive\n\n',
      ':\n\nid: 7\nretry: 100\nevent:ping\ndata:{"type":"ping"}\n\n',
    )
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }),
        lengths,
        ends,
        between,
        fc.boolean(),
        (told, cuts, end, noise, tight) => {
          const spelled = noise + STREAMS[endpoint](told).replaceAll('data: ', tight ? 'data:' : 'data: ')
          const bytes = Buffer.from(spelled.replaceAll('\n', end))
          const { shown, before, last, whole, reader } = read(endpoint, split(bytes, cuts), ASKED)
          expect(shown + before + last).toBe(bytes.toString('latin1'))
          expect([before, whole, reader.ended]).toEqual(['', true, true])
          expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
          expect(reader.contentBytes).toBe(Buffer.byteLength(told.join('')))
          expect(reader.sawContent).toBe(told.join('') !== '')
        },
      ),
      { numRuns: 400 },
    )
  })

  it('never shows half a frame, and shows every whole one at once', () => {
    const frames = text.split(/(?<=\n\n)/)
    const reader = wireOf(endpoint).openStream(bodyOf(endpoint, ASKED))
    for (const frame of frames.slice(0, -1)) {
      const bytes = Buffer.from(frame)
      expect(reader.push(bytes.subarray(0, -1))).toBeNull()
      expect(latin1(reader.push(bytes.subarray(-1)))).toBe(bytes.toString('latin1'))
    }
    expect(reader.push(Buffer.from(frames.at(-1)!))).toBeNull()
  })

  it('passes on the very object that came when all of it may be shown', () => {
    const frames = text.split(/(?<=\n\n)/)
    const reader = wireOf(endpoint).openStream(bodyOf(endpoint, ASKED))
    const chunks = [frames.slice(0, 3), frames.slice(3, 4), frames.slice(4, 9)].map(some => Buffer.from(some.join('')))
    for (const bytes of chunks) expect(reader.push(bytes)).toBe(bytes)
  })

  it('shows nothing after its last event', () => {
    const { shown, last } = read(endpoint, split(Buffer.from(`${text}${text}: late\n\n`), [1_000]), ASKED)
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
  })

  it('is not whole when it is cut, and what was cut off is not shown', () => {
    const bytes = Buffer.from(STREAMS[endpoint](['one', ' two']))
    const frames = bytes.toString().split(/(?<=\n\n)/)
    for (let length = 0; length < bytes.length - frames.at(-1)!.length; length += 3) {
      const { shown, before, last, reader } = read(endpoint, [bytes.subarray(0, length)], ASKED)
      const seen = shown + before
      // A frame that lacks nothing but the blank line at its end is completed.
      expect(bytes.toString().startsWith(seen) || bytes.toString().startsWith(seen.trimEnd())).toBe(true)
      expect(seen === '' || seen.endsWith('\n\n')).toBe(true)
      expect([last, reader.sawError]).toEqual(['', false])
    }
    expect(read(endpoint, [bytes.subarray(0, bytes.indexOf(' two'))]).whole).toBe(false)
  })

  it('survives any bytes and any split of them', () => {
    const piece = fc.oneof(
      fc.uint8Array({ maxLength: 40 }),
      fc
        .constantFrom(
          'data: ',
          'event: error\n',
          '\n',
          '\r',
          '\n\n',
          '{"choices":[',
          '{"type":',
          '"delta"',
          '[DONE]',
          ': ',
          'null',
          text,
        )
        .map(part => Uint8Array.from(Buffer.from(part))),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), fc.integer({ min: 1, max: 50 }), (pieces, size) => {
        const bytes = Buffer.concat(pieces)
        const cut = read(endpoint, split(bytes, [size]))
        const uncut = read(endpoint, [bytes])
        expect(cut.shown + cut.before + cut.last).toBe(uncut.shown + uncut.before + uncut.last)
        expect([cut.whole, cut.reader.contentBytes, cut.reader.sawContent]).toEqual([
          uncut.whole,
          uncut.reader.contentBytes,
          uncut.reader.sawContent,
        ])
      }),
      { numRuns: 400 },
    )
  })

  it('drops frames that no client could read', () => {
    const frames = text.split(/(?<=\n\n)/)
    const garbage = [
      'data: {"id":"c1","choices":[{"delta":{"content": \n\n',
      'data: hello\n\n',
      'data:\n\n',
      'data: null\n\n',
    ]
    const bytes = Buffer.from(frames.toSpliced(4, 0, ...garbage).join(''))
    const { shown, last, whole, reader } = read(endpoint, split(bytes, [11, 200]), ASKED)
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
    expect([whole, reader.unreadableFrames]).toEqual([true, 4])
  })
})

describe('a frame', () => {
  it('may be as large as 300 kB and come in any pieces', () => {
    const text = chat(['ab'.repeat(150_000), ' end'])
    const { shown, last, reader } = read('chat/completions', split(Buffer.from(text), [50_000, 1, 700]), ASKED)
    expect(shown + last).toBe(text)
    expect(reader.contentBytes).toBe(300_004)
  })

  it('is not waited for beyond a bound', () => {
    const reader = wireOf('chat/completions').openStream(bodyOf('chat/completions'))
    const frame = Buffer.from(chunk({ content: 'Hello' }))
    expect(reader.push(frame)).toBe(frame)
    const megabyte = Buffer.alloc(1_000_000, 'x')
    for (let bytes = 0; bytes <= MAX_FRAME_BYTES; bytes += megabyte.length) expect(reader.push(megabyte)).toBeNull()
    expect([reader.ended, reader.sawError]).toEqual([true, true])
    expect(reader.push(Buffer.from(DONE))).toBeNull()
    expect(reader.finish()).toEqual({ whole: false, beforeComment: null, lastEvent: null })
  })

  it('is not parsed when it is nested for no purpose but to take time', () => {
    const deep = `data: {"choices":${'['.repeat(50_000)}${']'.repeat(50_000)}}\n\n`
    const { shown, reader } = read('chat/completions', once(deep + chat(['Hi'])), ASKED)
    expect([shown + DONE, reader.unreadableFrames]).toEqual([chat(['Hi']), 1])
  })

  it('may be surrounded by blank lines', () => {
    const text = `\n\r\n${chunk({ content: 'Hi' })}\n\n\n${DONE}`
    for (const size of [1, 2, 1_000]) {
      const { shown, last } = read('chat/completions', split(Buffer.from(text), [size]))
      expect(shown + last).toBe(text)
    }
  })

  it('may have its data in several lines and a byte order mark before it', () => {
    const text = `\ufeffdata: {"choices":[{"delta":\ndata: {"content":"Hi"}}]}\n\n${DONE}`
    const { shown, last, reader } = read('chat/completions', once(text))
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
    expect([reader.contentBytes, reader.sawContent]).toEqual([2, true])
  })

  it('that lacks only its blank line when the stream ends is completed', () => {
    const { before, whole } = read(
      'chat/completions',
      once(chunk({ content: 'Hi' }, { finish_reason: 'stop' }).trimEnd()),
    )
    expect([before, whole]).toEqual([chunk({ content: 'Hi' }, { finish_reason: 'stop' }), true])
    const done = read('chat/completions', once(`${chunk({ content: 'Hi' })}data: [DONE]\n`))
    expect([done.last, done.whole]).toEqual([DONE, true])
  })

  it('cannot smuggle another one in by a raw line end in its content', () => {
    const good = chunk({ content: 'aaaa' })
    const bad = good.replace('aaaa', 'x\n\ndata: [DONE]\n\n')
    const { last, reader } = read('chat/completions', once(good + good + bad + chat(['z'])))
    expect([last, reader.unreadableFrames]).toEqual([DONE, 1])
  })

  it('is read anew when it only looks like those before', () => {
    const good = chunk({ content: 'aaaa' })
    const odd = [good.replace('aaaa', '\\q'), good.replace('aaaa', '\\u12g4'), good.replace('"}', '"}}')]
    const finish = chunk({ content: 'b' }, { finish_reason: 'stop' })
    const { shown, whole, reader } = read('chat/completions', once(good + good + odd.join('') + good + finish))
    expect(shown).toBe(good + good + good + finish)
    expect([whole, reader.unreadableFrames, reader.contentBytes]).toEqual([true, 3, 13])
  })
})
