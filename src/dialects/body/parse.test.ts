import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { BodyFault, ParsedBody } from '../../ports/wire.ts'
import { ENDPOINTS, type Endpoint } from '../../vocabulary/dialect.ts'
import { bodyParser, MAX_CHOICES, MAX_MEMBERS, MAX_REPEATS } from './parse.ts'
import { MEDIA_TEXT_BYTES } from './payloads.ts'
import { JOINED_BYTES } from './splice.ts'

function parse(text: string | Uint8Array, endpoint: Endpoint = 'chat/completions'): ParsedBody | BodyFault {
  return bodyParser(endpoint)(typeof text === 'string' ? Buffer.from(text) : text)
}

function sound(text: string | Uint8Array, endpoint: Endpoint = 'chat/completions'): ParsedBody {
  const body = parse(text, endpoint)
  if ('fault' in body) throw new Error(body.fault)
  return body
}

function faultOf(text: string | Uint8Array, endpoint: Endpoint = 'chat/completions'): string | null {
  const body = parse(text, endpoint)
  return 'fault' in body ? body.fault : null
}

function sent(body: ParsedBody, model: string): string {
  return Buffer.concat(body.forUpstream(model)).toString()
}

describe('a body that cannot be taken', () => {
  it.each([
    ['', "the body is not valid JSON: at byte 0, expected '{', found the end"],
    ['[{"model":"fast"}]', "the body is not valid JSON: at byte 0, expected '{', found '['"],
    ['{"model":"fast"', "the body is not valid JSON: at byte 15, expected ',' or '}', found the end"],
    ['{"model":"fast"} x', "the body is not valid JSON: at byte 17, expected the end of the text, found 'x'"],
    [
      '{"model":"fa\nst"}',
      'the body is not valid JSON: at byte 12, expected no raw control character in a string, but its escape, found byte 0x0a',
    ],
    ['{}', "the body has no 'model': expected the name of a model"],
    ['{"messages":[{"model":"fast"}]}', "the body has no 'model': expected the name of a model"],
    ['{"model":null}', "'model' at byte 1: expected the name of a model, in double quotes"],
    ['{"model":""}', "'model' at byte 1: expected the name of a model, in double quotes"],
    ['{"model":"a", "model":17}', "'model' at byte 14: expected the name of a model, in double quotes"],
    ['{"model":"a","Model":"b"}', "'Model' at byte 13: expected the spelling 'model'"],
    ['{"model":"a","\\u004dodel":"b"}', "'\\u004dodel' at byte 13: expected the spelling 'model'"],
    ['{"model":"a","STREAM":true}', "'STREAM' at byte 13: expected the spelling 'stream'"],
    ['{"model":"a","stream":"yes"}', "'stream' at byte 13: expected true or false"],
    ['{"model":"a","stream":1}', "'stream' at byte 13: expected true or false"],
    ['{"model":"a","stream_options":[]}', "'stream_options' at byte 13: expected an object or null"],
    [
      '{"model":"a","stream_options":{"include_usage":1}}',
      "'stream_options' at byte 13: expected an object whose 'include_usage' is true or false",
    ],
    [
      '{"model":"a","max_tokens":"9"}',
      "'max_tokens' at byte 13: expected a whole number of tokens, at most 1000000000000",
    ],
    [
      '{"model":"a","max_tokens":1.5}',
      "'max_tokens' at byte 13: expected a whole number of tokens, at most 1000000000000",
    ],
    [
      '{"model":"a","max_completion_tokens":1e300}',
      "'max_completion_tokens' at byte 13: expected a whole number of tokens, at most 1000000000000",
    ],
    ['{"model":"a","n":-1}', `'n' at byte 13: expected a whole number of answers, at most ${MAX_CHOICES}`],
    ['{"model":"a","n":true}', `'n' at byte 13: expected a whole number of answers, at most ${MAX_CHOICES}`],
  ])('is told in one sentence where and what was expected: %j', (text, fault) => {
    expect(faultOf(text)).toBe(fault)
  })

  it('is one that names a key so often that the edits alone would be a burden', () => {
    const repeated = (member: string, times: number) => `{${`${member},`.repeat(times)}"model":"a"}`
    expect(faultOf(repeated('"model":"a"', MAX_REPEATS - 1))).toBeNull()
    expect(faultOf(repeated('"model":"a"', MAX_REPEATS))).toContain(`expected it at most ${MAX_REPEATS} times`)
    expect(faultOf(repeated('"stream_options":{}', MAX_REPEATS + 1))).toContain(
      `expected it at most ${MAX_REPEATS} times`,
    )
    expect(faultOf(repeated('"x":1', MAX_MEMBERS - 1))).toBeNull()
    expect(faultOf(repeated('"x":1', MAX_MEMBERS))).toContain(`expected at most ${MAX_MEMBERS}`)
    const options = `{${'"include_usage":true,'.repeat(64)}"x":1}`
    expect(faultOf(`{"model":"a","stream_options":${options}}`)).toContain('an object of at most 64 members')
  })

  it('is one that is not UTF-8, and the byte is named', () => {
    const bytes = Buffer.concat([Buffer.from('{"model":"fast","x":"é'), Buffer.from([0xc3]), Buffer.from('"}')])
    expect(faultOf(bytes)).toBe('the body is not UTF-8: expected a character at byte 23')
  })

  it.each(ENDPOINTS)('is a list, a text or nothing at %s', endpoint => {
    for (const text of ['[1]', '"fast"', '17', 'null', '   '])
      expect(faultOf(text, endpoint)).toContain('not valid JSON')
  })
})

describe('what is read of a body', () => {
  it.each<[Endpoint, string, Partial<ParsedBody>]>([
    ['chat/completions', '', { streamed: false, maxOutputTokens: null, choices: 1, wantsUsage: false }],
    ['chat/completions', '"stream":true,"max_tokens":7,"n":3', { streamed: true, maxOutputTokens: 7, choices: 3 }],
    [
      'chat/completions',
      '"stream":null,"max_tokens":null,"n":null',
      { streamed: false, maxOutputTokens: null, choices: 1 },
    ],
    ['chat/completions', '"max_tokens":9,"max_completion_tokens":1e2', { maxOutputTokens: 100 }],
    ['chat/completions', '"max_tokens":-1', { maxOutputTokens: null }],
    ['chat/completions', '"max_tokens":0,"n":0', { maxOutputTokens: 0, choices: 1 }],
    ['chat/completions', '"max_tokens":9,"max_tokens":3,"n":4,"n":2', { maxOutputTokens: 9, choices: 4 }],
    ['chat/completions', '"stream_options":{"include_usage":true}', { wantsUsage: true }],
    ['chat/completions', '"stream_options":{"include_usage":true},"stream_options":null', { wantsUsage: false }],
    ['chat/completions', '"\\u0073tream":true,"stream":false,"strea\\u006d":true', { streamed: true }],
    [
      'chat/completions',
      '"max_output_tokens":"no matter","metadata":{"stream":true}',
      { streamed: false, maxOutputTokens: null },
    ],
    [
      'responses',
      '"stream":true,"max_output_tokens":55,"max_tokens":"x","n":9',
      { streamed: true, maxOutputTokens: 55, choices: 1 },
    ],
    ['messages', '"stream":true,"max_tokens":64,"n":"x"', { streamed: true, maxOutputTokens: 64, choices: 1 }],
    ['embeddings', '"stream":true,"max_tokens":"x"', { streamed: false, maxOutputTokens: null }],
    ['messages/count_tokens', '"stream":true,"max_tokens":64', { streamed: false, maxOutputTokens: null }],
  ])('at %s: %s', (endpoint, members, expected) => {
    expect(sound(`{${members}${members === '' ? '' : ','}"model":"fast"}`, endpoint)).toMatchObject(expected)
  })

  it('is the model’s name, whatever its spelling, and the last of several', () => {
    expect(sound('{"model":"caf\\u00e9 \\"x\\"/é"}').model).toBe('café "x"/é')
    expect(sound('{"model":"first","\\u006dodel":"last"}').model).toBe('last')
  })

  it('is an upper bound of the prompt’s bytes, without the white space around', () => {
    const messages = '[{"role":"user","content":"Say   hello."}]'
    expect(sound(`{"model":"fast","messages":${messages}}`).promptBytes).toBe(messages.length)
    expect(sound(`{"model":"fast","messages": [ {"role" :\n"user",\t"content":"Say   hello."} ] }`).promptBytes).toBe(
      messages.length,
    )
  })
})

describe('images, sounds and files', () => {
  const base64 = Buffer.alloc(90_000, 7).toString('base64')
  const text = `The ${'quick brown fox '.repeat(3_000)}`
  const prompt = (content: unknown, endpoint: Endpoint = 'chat/completions') =>
    sound(JSON.stringify({ model: 'm', messages: [{ role: 'user', content }] }), endpoint).promptBytes

  it.each<[string, Endpoint, unknown]>([
    [
      'a data URL in a chat',
      'chat/completions',
      { type: 'image_url', image_url: { url: `data:image/png;base64,${base64}` } },
    ],
    ['a data URL in a response', 'responses', { type: 'input_image', image_url: `data:image/png;base64,${base64}` }],
    [
      'a source of a message',
      'messages',
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } },
    ],
    ['a sound', 'chat/completions', { type: 'input_audio', input_audio: { format: 'wav', data: base64 } }],
    ['a file', 'chat/completions', { type: 'file', file: { filename: 'x.bin', file_data: base64 } }],
    ['an address', 'chat/completions', { type: 'image_url', image_url: { url: 'https://example.org/x.png' } }],
  ])('count as so much text and not as their base64: %s', (_, endpoint, part) => {
    const bytes = prompt([part], endpoint)
    expect(bytes).toBeGreaterThan(MEDIA_TEXT_BYTES)
    expect(bytes).toBeLessThan(MEDIA_TEXT_BYTES + 300)
  })

  it.each<[string, unknown]>([
    ['text in place of base64', { type: 'document', source: { type: 'text', media_type: 'text/plain', data: text } }],
    ['text behind the head of a data URL', { type: 'image_url', image_url: { url: `data:image/png;base64,${text}` } }],
    ['base64 as a text', { type: 'text', text: base64 }],
    ['base64 in a tool’s input', { type: 'tool_use', name: 'write', input: { data: base64 } }],
  ])('are not what they claim, and count in full: %s', (_, part) => {
    expect(prompt([part])).toBeGreaterThan(45_000)
  })

  it('cannot be hidden in a member that is read, to make the prompt look shorter', () => {
    const text = 'Say hello. '.repeat(5_000)
    const messages = [{ role: 'user', content: text }]
    const stream_options = { image_url: { url: `data:image/png;base64,${base64}` } }
    const { promptBytes } = sound(JSON.stringify({ model: 'm', messages, stream_options }))
    expect(promptBytes).toBeGreaterThan(text.length)
  })

  it('count by their size when they are documents', () => {
    const data = Buffer.concat([Buffer.from('%PDF-1.7'), Buffer.alloc(80_000, 7)]).toString('base64')
    const source = { type: 'base64', media_type: 'application/pdf', data }
    const bytes = prompt([{ type: 'document', source }], 'messages')
    expect(bytes).toBeGreaterThan(MEDIA_TEXT_BYTES + data.length / 8)
    expect(bytes).toBeLessThan(MEDIA_TEXT_BYTES + data.length / 8 + 300)
  })
})

describe('the bytes for the upstream', () => {
  it('are the caller’s but for the model, however they are spelled', () => {
    const body = (model: string) =>
      ` { "zeta":1.0, "seed":9007199254740993,\r\n"model" : "${model}" ,"x":[{"model":"fast"},-0.0,1E+2,"\\/\\u00e9é😀"] } \n`
    for (const endpoint of ENDPOINTS) {
      expect(sent(sound(body('fast'), endpoint), 'gpt "5"')).toBe(body('gpt \\"5\\"'))
    }
  })

  it('name the model in every place where an upstream could look for it', () => {
    const text = '{"model":"a","\\u006dodel":"b","x":{"model":"c"},"model":"d"}'
    expect(sent(sound(text), 'up')).toBe('{"model":"up","\\u006dodel":"up","x":{"model":"c"},"model":"up"}')
    expect(sent(sound(text), 'd')).toBe('{"model":"d","\\u006dodel":"d","x":{"model":"c"},"model":"d"}')
  })

  it('are the caller’s own memory when nothing changes', () => {
    const bytes = Buffer.from('{"model":"fast","stream":true}')
    expect(sound(bytes, 'messages').forUpstream('fast')[0]).toBe(bytes)
  })

  it('may be asked for again, for another attempt', () => {
    const body = sound('{"stream":true,"model":"fast"}')
    expect([sent(body, 'one'), sent(body, 'two'), sent(body, 'one')]).toEqual([
      '{"stream_options":{"include_usage":true},"stream":true,"model":"one"}',
      '{"stream_options":{"include_usage":true},"stream":true,"model":"two"}',
      '{"stream_options":{"include_usage":true},"stream":true,"model":"one"}',
    ])
  })

  it.each([
    ['', '"stream_options":{"include_usage":true},', ''],
    ['"stream_options":null,', '', '"stream_options":{"include_usage":true},'],
    ['"stream_options": { } ,', '', '"stream_options": {"include_usage":true } ,'],
    ['"stream_options":{"x" : 1.0},', '', '"stream_options":{"include_usage":true,"x" : 1.0},'],
    [
      '"stream_options":{"include_usage" : false,"x":{"include_usage":false}},',
      '',
      '"stream_options":{"include_usage" : true,"x":{"include_usage":false}},',
    ],
    ['"stream_options":{"include_usage":null},', '', '"stream_options":{"include_usage":true},'],
    ['"stream_options":{"include_usage":true},', '', '"stream_options":{"include_usage":true},'],
    ['"stream_options":{"includ\\u0065_usage":false},', '', '"stream_options":{"includ\\u0065_usage":true},'],
    [
      '"stream_options":null,"stream_options":{},',
      '',
      '"stream_options":{"include_usage":true},"stream_options":{"include_usage":true},',
    ],
  ])('ask for usage in a streamed chat: %j', (options, first, instead) => {
    const body = sound(`{ "stream":true,${options}"model":"fast","top_p":1.0}`)
    expect(sent(body, 'up')).toBe(`{${first} "stream":true,${instead}"model":"up","top_p":1.0}`)
  })

  it('ask for nothing where it is no streamed chat', () => {
    for (const [endpoint, stream] of [
      ['chat/completions', 'false'],
      ['chat/completions', 'null'],
      ['responses', 'true'],
      ['messages', 'true'],
    ] as const) {
      const text = `{"stream":${stream},"stream_options":{"include_obfuscation":false},"model":"fast"}`
      expect(sent(sound(text, endpoint), 'up')).toBe(text.replace('fast', 'up'))
    }
  })

  it('share the memory of a large body', () => {
    const bytes = Buffer.from(JSON.stringify({ model: 'fast', x: 'y'.repeat(JOINED_BYTES) }))
    const pieces = sound(bytes).forUpstream('up')
    expect(pieces.at(-1)!.buffer).toBe(bytes.buffer)
    expect(Buffer.concat(pieces).toString()).toBe(bytes.toString().replace('fast', 'up'))
  })

  it('are the same JSON with another model, for any body', () => {
    // With a letter before, no key is one that is read, nor that in capitals.
    const members = fc.dictionary(
      fc.string({ unit: 'binary' }).map(key => `k${key}`),
      fc.jsonValue(),
    )
    fc.assert(
      fc.property(
        members,
        members,
        fc.string({ minLength: 1, unit: 'binary' }),
        fc.boolean(),
        (before, after, model, stream) => {
          const value = {
            ...before,
            stream,
            model: 'fast',
            ...after,
            stream_options: null,
            n: 1,
            max_tokens: 5,
            max_completion_tokens: 5,
          }
          Object.assign(value, { stream, model: 'fast' })
          const result = JSON.parse(sent(sound(JSON.stringify(value)), model))
          const expected = { ...value, model, stream_options: stream ? { include_usage: true } : null }
          expect(result).toEqual(JSON.parse(JSON.stringify(expected)))
        },
      ),
      { numRuns: 1_000 },
    )
  })
})
