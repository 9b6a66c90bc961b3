import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { MAX_METRICS_CHARACTERS, readMetrics, wantedOf } from './prometheus.ts'

const WANTED = wantedOf(['a_b'])
const read = (text: string) =>
  (readMetrics(text, WANTED).get('a_b') ?? []).map(({ labels, value }) => [Object.fromEntries(labels), value])

describe('a line of metrics', () => {
  it.each<[string, string, unknown]>([
    ['without labels', 'a:b 3', [{}, 3]],
    ['with a time', 'a:b 3 1395066363000', [{}, 3]],
    ['with an exemplar', 'a:b{x="1"} 3 # {trace="7"} 0.6', [{ x: '1' }, 3]],
    ['in scientific notation', 'a:b 1.5e+02', [{}, 150]],
    ['with spaces and a carriage return', '  a:b { x = "1" , y="2" }\t 4 \r', [{ x: '1', y: '2' }, 4]],
    ['with a comma behind the last label', 'a_b{x="1",} 4', [{ x: '1' }, 4]],
    ['with empty labels', 'a_b{} 4', [{}, 4]],
    ['with escapes, braces and a number sign in a label', 'a_b{x="a\\"b\\\\c\\nd}, #"} 4', [{ x: 'a"b\\c\nd}, #' }, 4]],
    ['that is not a number', 'a_b NaN', [{}, Number.NaN]],
    ['that is infinite', 'a_b -Inf', [{}, Number.NEGATIVE_INFINITY]],
  ])('%s is read', (_, line, expected) => expect(read(`# TYPE a:b gauge\n${line}\nother 1`)).toEqual([expected]))

  it.each([
    '# a_b 3',
    'a_b',
    'a_b three',
    'a_b{x="1" 3',
    'a_b{x=1} 3',
    'a_b{x="1"}',
    'a_b{x="1} 3',
    'a_b{ NaN NaN',
    'a_b 0x10',
    'a_b 3 4 5',
    'a_bc 3',
    'a_ba_b 3',
    'x 1\ra_b 3',
    'x 1\u2028a_b 3',
    '<html>a_b 3',
    `a_b{x="${'y'.repeat(1_000_000)}"} 3`,
  ])('%.40j is none', line => expect(read(`${line}\na_b 7`)).toEqual([[{}, 7]]))
})

describe('a text of metrics', () => {
  it('keeps several series in their order', () =>
    expect(read('a_b{e="0"} 1\na_b{e="1"} 2')).toEqual([
      [{ e: '0' }, 1],
      [{ e: '1' }, 2],
    ]))

  it('is read as empty where it is too long', () =>
    expect(read(`a_b 1\n${' '.repeat(MAX_METRICS_CHARACTERS)}`)).toEqual([]))

  it('never throws, whatever it is', () => {
    const piece = fc.constantFrom('a_b', '{', '}', '"', '\\', '=', ',', ' ', '\n', '1', 'NaN', 'x', '#', '\r')
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(piece).map(all => all.join('')),
        ),
        text => {
          for (const series of readMetrics(text, WANTED).values())
            for (const { value } of series) expect(value).toBeTypeOf('number')
        },
      ),
    )
  })

  it('says after writing what was written', () => {
    const name = fc.stringMatching(/^[a-z_][a-z0-9_]{0,9}$/)
    const value = fc.oneof(fc.double({ noNaN: true }), fc.constant(Number.NaN))
    fc.assert(
      fc.property(fc.dictionary(name, fc.string()), value, (labels, number) => {
        const escaped = (text: string) => text.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
        const written = Object.entries(labels).map(([key, text]) => `${key}="${escaped(text)}"`)
        const shown = Number.isFinite(number) ? String(number) : String(number).replace('Infinity', 'Inf')
        const [labelsRead, valueRead] = read(`a:b{${written.join(',')}} ${shown}`)[0]!
        expect(Object.entries(labelsRead!)).toEqual(Object.entries(labels))
        expect(valueRead === number || (Number.isNaN(number) && Number.isNaN(valueRead))).toBe(true)
      }),
    )
  })
})
