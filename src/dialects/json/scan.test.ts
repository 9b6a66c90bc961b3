import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonScan, MAX_NESTING } from './scan.ts'
import { invalidUtf8At, numberAt } from './text.ts'

const NOBODY = { member() {} }

function scan(text: string | Uint8Array): JsonScan {
  const result = new JsonScan(typeof text === 'string' ? Buffer.from(text) : text)
  result.document(NOBODY)
  return result
}

function isObjectForJsonParse(text: string): boolean {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value)
  } catch {
    return false
  }
}

/** White space, spellings of numbers and escapes that `JSON.stringify` never writes. */
function respelled(text: string, seed: number): string {
  const blanks = ['', ' ', '\n', '\r\n\t', '  ']
  let i = seed
  return text.replace(/("(?:[^"\\]|\\.)*")|([{}[\],:])/g, (all, literal: string | undefined) => {
    i++
    if (literal === undefined) return `${blanks[i % 5]}${all}${blanks[(i * 3) % 5]}`
    return literal.includes('\\') ? literal : literal.replaceAll('a', '\\u0061').replaceAll('/', '\\/')
  })
}

describe('the scanner of JSON', () => {
  it('takes every object that JSON.parse takes', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue()), fc.nat(), (value, seed) => {
        const text = respelled(JSON.stringify(value), seed)
        expect(scan(text).faultAt).toBe(-1)
      }),
      { numRuns: 1_000 },
    )
  })

  it('agrees with JSON.parse on every text that was damaged', () => {
    const damages = [
      '',
      '"',
      '\\',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '0',
      '-',
      '.',
      'e',
      'u',
      't',
      ' ',
      '\n',
      '\u0000',
      'é',
    ]
    const json = fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 3 })).map(value => JSON.stringify(value))
    fc.assert(
      fc.property(json, fc.nat(), fc.nat(2), fc.constantFrom(...damages), fc.nat(), (text, place, gone, put, seed) => {
        const spelled = respelled(text, seed)
        const at = place % (spelled.length + 1)
        const damaged = spelled.slice(0, at) + put + spelled.slice(at + gone)
        expect(scan(damaged).faultAt < 0).toBe(isObjectForJsonParse(damaged))
      }),
      { numRuns: 3_000 },
    )
  })

  it('agrees with JSON.parse on texts made of JSON’s own tokens', () => {
    const token = fc.constantFrom('{', '}', '[', ']', ',', ':', '"a"', '"\\u00e9"', '1', '-0.5e+3', 'true', 'null', ' ')
    const tokens = fc.array(token, { maxLength: 14 }).map(list => `{${list.join('')}}`)
    fc.assert(
      fc.property(tokens, text => {
        expect(scan(text).faultAt < 0).toBe(isObjectForJsonParse(text))
      }),
      { numRuns: 3_000 },
    )
  })

  it('survives any bytes, wherever they lie in memory', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.nat(7), (bytes, offset) => {
        const memory = Buffer.alloc(bytes.length + 8)
        memory.set(bytes, offset)
        const { faultAt } = scan(memory.subarray(offset, offset + bytes.length))
        expect(faultAt).toBeLessThanOrEqual(bytes.length)
      }),
      { numRuns: 2_000 },
    )
  })

  it('finds a special byte at every place of a long string', () => {
    for (let length = 0; length < 90; length++) {
      const text = 'é'.repeat(3) + 'x'.repeat(length)
      expect(scan(`{"k":"${text}"}`).faultAt).toBe(-1)
      expect(scan(`{"k":"${text}\\n\\"${text}"}`).faultAt).toBe(-1)
      expect(scan(`{"k":"${text}\n${text}"}`).faultAt).toBe(6 + Buffer.byteLength(text))
      expect(scan(`{"k":"${text}\\x${text}"}`).faultAt).toBe(6 + Buffer.byteLength(text))
      expect(scan(`{"k":"${text}`).faultAt).toBe(6 + Buffer.byteLength(text))
    }
  })

  it('tells where members lie, keys and strings with their quotes', () => {
    const text = ' { "a" : [1, {"b": 2}] ,\n"\\u0062":"x\\n", "c":-1.5E3}'
    const found: string[] = []
    new JsonScan(Buffer.from(text)).document({
      member(keyAt, keyEnd, valueAt, valueEnd, escaped) {
        found.push(`${text.slice(keyAt, keyEnd)}=${text.slice(valueAt, valueEnd)}${escaped ? ' escaped' : ''}`)
      },
    })
    expect(found).toEqual(['"a"=[1, {"b": 2}]', '"\\u0062"="x\\n" escaped', '"c"=-1.5E3'])
  })

  it('counts the white space between tokens, not that in strings', () => {
    const text = ' {\n\t"a b" : [ 1 , "x y" ] }\r\n'
    expect(scan(text).blanks).toBe(12)
  })

  it('bounds the nesting of arrays and of objects', () => {
    const arrays = (levels: number) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`
    const objects = (levels: number) => `${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`
    expect(scan(arrays(MAX_NESTING - 1)).faultAt).toBe(-1)
    expect(scan(objects(MAX_NESTING)).faultAt).toBe(-1)
    for (const text of [arrays(MAX_NESTING), objects(MAX_NESTING + 1), arrays(1_000_000), '{"a":'.repeat(1_000_000)]) {
      expect(scan(text).expected).toBe(`at most ${MAX_NESTING} levels of nesting`)
    }
  })

  it.each([
    ['', 0, "'{'"],
    ['[1]', 0, "'{'"],
    ['\ufeff{}', 0, "'{'"],
    ['{"a":1,}', 7, 'a key in double quotes'],
    ["{'a':1}", 1, 'a key in double quotes'],
    ['{"a" 1}', 5, "':'"],
    ['{"a":}', 5, 'a value'],
    ['{"a":NaN}', 5, 'a value'],
    ['{"a":nulL}', 5, 'a value'],
    ['{"a":01}', 6, "',' or '}'"],
    ['{"a":+1}', 5, 'a value'],
    ['{"a":1.}', 7, 'a digit'],
    ['{"a":-}', 6, 'a digit'],
    ['{"a":1e}', 7, 'a digit'],
    ['{"a":[1 2]}', 8, "',' or ']'"],
    ['{"a":[1,]}', 8, 'a value'],
    ['{"a":"\\x"}', 6, 'an escape such as \\n, \\" or \\u00e9'],
    ['{"a":"\\u12g4"}', 10, 'four hexadecimal digits'],
    ['{}{}', 2, 'the end of the text'],
    ['{} x', 3, 'the end of the text'],
    ['{', 1, 'a key in double quotes'],
  ])('says where %j breaks the grammar and what was expected', (text, at, expected) => {
    const { faultAt, expected: said } = scan(text)
    expect([faultAt, said]).toEqual([at, expected])
  })
})

describe('numbers and characters in valid JSON', () => {
  it('have the value that JSON.parse gives them', () => {
    const numbers = fc.oneof(
      fc.maxSafeNat().map(String),
      fc.double({ noNaN: true, noDefaultInfinity: true }).map(value => JSON.stringify(value)),
      fc.constantFrom('0', '-0', '1E2', '1.0', '999999999999999', '1234567890123456', '9007199254740993', '1e400'),
    )
    fc.assert(
      fc.property(numbers, text => {
        const bytes = Buffer.from(`[${text}]`)
        expect(numberAt(bytes, 1, bytes.length - 1)).toBe(JSON.parse(text))
      }),
    )
  })

  it('are valid up to the byte where a strict decoder fails', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.uint8Array({ maxLength: 4 }), (text, junk) => {
        const bytes = Buffer.concat([Buffer.from(text), junk])
        const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
        const at = invalidUtf8At(bytes)
        expect(() => decoder.decode(bytes.subarray(0, at))).not.toThrow()
        if (at < bytes.length) expect(() => decoder.decode(bytes)).toThrow()
      }),
      { numRuns: 1_000 },
    )
  })
})
