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
          // A comment before the first content is left out.
          const comment = Buffer.byteLength(/^:[^\n]*\n\n/.exec(noise)?.[0] ?? '')
          const from = end === '\r\n' && comment > 0 ? comment + 2 : comment
          expect(shown + before + last).toBe(bytes.subarray(from).toString('latin1'))
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

  it('drops frames that say nothing', () => {
    const frames = text.split(/(?<=\n\n)/)
    const garbage = ['data: hello\n\n', 'data:\n\n', 'data: null\n\n', 'data: [1]\n\n']
    const bytes = Buffer.from(frames.toSpliced(4, 0, ...garbage).join(''))
    const { shown, last, whole, reader } = read(endpoint, split(bytes, [11, 200]), ASKED)
    expect(shown + last).toBe(Buffer.from(text).toString('latin1'))
    expect([whole, reader.unreadableFrames, reader.malformed]).toEqual([true, 4, false])
  })

  it.each([
    'data: {"id":"c1","choices":[{"delta":{"content": \n\n',
    'data:  [{"x":1}\n\n',
    'data: {"a":\ndata: 1]\n\n',
  ])('is malformed from content on that broke, and shows nothing behind it: %j', garbage => {
    const frames = text.split(/(?<=\n\n)/)
    const bytes = Buffer.from(frames.toSpliced(4, 0, garbage).join(''))
    for (const size of [1, 11, 200, bytes.length]) {
      const { shown, before, last, whole, reader } = read(endpoint, split(bytes, [size]), ASKED)
      expect(shown).toBe(Buffer.from(frames.slice(0, 4).join('')).toString('latin1'))
      expect([before, last, whole, reader.malformed, reader.ended]).toEqual(['', '', false, true, true])
      expect(reader.sawError).toBe(false)
    }
  })

  it('is cut, not malformed, when its last frame broke off', () => {
    const frames = text.split(/(?<=\n\n)/)
    const { shown, whole, reader } = read(endpoint, once(`${frames.slice(0, 4).join('')}data: {"id":"c1","choi`), ASKED)
    expect(shown).toBe(Buffer.from(frames.slice(0, 4).join('')).toString('latin1'))
    expect([whole, reader.malformed]).toEqual([false, false])
  })

  it('shows no comment and no blank line before its first content, and all of them afterwards', () => {
    const frames = text.split(/(?<=\n\n)/)
    const comment = ': still here\n\n\n\r\nretry: 10\n\n'
    const told = frames.flatMap(frame => [comment, frame]).join('')
    const firstContent = frames.findIndex(frame => frame.includes('Hel'))
    const expected = frames.flatMap((frame, i) => (i <= firstContent ? [frame] : [comment, frame])).join('')
    for (const size of [1, 13, 100_000]) {
      const { shown, last } = read(endpoint, split(Buffer.from(told), [size]), ASKED)
      expect(shown + last).toBe(Buffer.from(expected).toString('latin1'))
    }
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
    expect([reader.ended, reader.malformed, reader.sawError]).toEqual([true, true, false])
    expect(reader.push(Buffer.from(DONE))).toBeNull()
    expect(reader.finish()).toEqual({ whole: false, beforeComment: null, lastEvent: null })
  })

  it('is not parsed when it is nested for no purpose but to take time', () => {
    const deep = `data: {"choices":${'['.repeat(50_000)}${']'.repeat(50_000)}}\n\n`
    const { shown, reader } = read('chat/completions', once(deep + chat(['Hi'])), ASKED)
    expect([shown, reader.malformed]).toEqual(['', true])
  })

  it('may be surrounded by blank lines', () => {
    const text = `${chunk({ content: 'Hi' })}\n\n\n${DONE}`
    for (const size of [1, 2, 1_000]) {
      const { shown, last } = read('chat/completions', split(Buffer.from(`\n\r\n${text}`), [size]))
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
    const { shown, last, reader } = read('chat/completions', once(good + good + bad + chat(['z'])))
    expect([shown, last, reader.malformed]).toEqual([good + good, '', true])
  })

  it.each([
    ['aaaa', '\\q'],
    ['aaaa', '\\u12g4'],
    ['"}', '"}}'],
  ])('is read anew when it only looks like those before: %s as %s', (said, odd) => {
    const good = chunk({ content: 'aaaa' })
    const { shown, reader } = read('chat/completions', once(good + good + good.replace(said, odd) + good))
    expect([shown, reader.malformed, reader.contentBytes]).toEqual([good + good, true, 8])
  })

  it('of a comment that never ends is not hoarded before the first content, whatever its size', () => {
    const reader = wireOf('chat/completions').openStream(bodyOf('chat/completions'))
    reader.push(Buffer.from(': '))
    const megabyte = Buffer.alloc(1_000_000, 'z')
    for (let bytes = 0; bytes <= 2 * MAX_FRAME_BYTES; bytes += megabyte.length) expect(reader.push(megabyte)).toBeNull()
    expect(reader.ended).toBe(false)
    expect(latin1(reader.push(Buffer.from(`\n\n${chat(['Hi'])}`)))).toContain('"Hi"')
    expect(reader.malformed).toBe(false)
  })

  it('of a huge comment is not shown before the first content', () => {
    const comment = Buffer.from(`: ${'z'.repeat(1 << 18)}\n\n`)
    const reader = wireOf('chat/completions').openStream(bodyOf('chat/completions'))
    for (let i = 0; i < 100; i++) {
      for (const piece of split(comment, [65_536])) expect(reader.push(piece)).toBeNull()
    }
    const content = Buffer.from(chunk({ content: 'Hi' }))
    expect(reader.push(content)).toBe(content)
  })
})

describe('a chat with an oddity that is legal or common', () => {
  const words = ['One', ' broken', ' pump']
  const frames = chat(words).split(/(?<=\n\n)/)
  const own = chat(words)
  const eachWithUsage = frames.map((frame, i) => {
    const usage = { prompt_tokens: 100, completion_tokens: i, total_tokens: 100 + i }
    return frame.includes('"delta"') ? frame.replace(/}\n\n$/, `,"usage":${JSON.stringify(usage)}}\n\n`) : frame
  })
  const ended = (end: string) => own.replaceAll('\n', end)
  const ODDITIES: readonly (readonly [string, string, string])[] = [
    ['lines that end in CRLF', ended('\r\n'), ended('\r\n')],
    ['lines that end in CR alone', ended('\r'), ended('\r')],
    ['data: without a space', own.replaceAll('data: ', 'data:'), own.replaceAll('data: ', 'data:')],
    ['[DONE] twice', own + DONE, own],
    ['usage in every chunk', eachWithUsage.join(''), eachWithUsage.join('')],
    ['no finish reason', own.replace('"stop"', 'null'), own.replace('"stop"', 'null')],
    ['no [DONE]', own.replace(DONE, ''), own.replace(DONE, '')],
    [
      'ids and times to wait',
      frames.map(f => `id: 1\nretry: 10\n${f}`).join(''),
      frames.map(f => `id: 1\nretry: 10\n${f}`).join(''),
    ],
    ['a comment at its beginning', `: still at work\n\n${own}`, own],
  ]

  it.each(ODDITIES)('is read whole, with its usage, whatever the pieces: %s', (_, stream, expected) => {
    for (const size of [1, 2, 7, 11, 100_000]) {
      const { shown, before, last, whole, reader } = read('chat/completions', split(Buffer.from(stream), [size]), ASKED)
      expect(shown + before + last).toBe(expected)
      expect([whole, reader.malformed, reader.sawError, reader.usageFinal]).toEqual([true, false, false, true])
      expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
      expect(reader.contentBytes).toBe(Buffer.byteLength(words.join('')))
    }
  })
})
