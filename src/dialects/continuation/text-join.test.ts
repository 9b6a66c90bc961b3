import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type JoinTerms, TextJoin } from './text-join.ts'

/** Joins pieces to what was shown. @returns all that the caller sees; null where they disagree */
function joined(terms: JoinTerms, pieces: readonly string[]): string | null {
  const join = new TextJoin(terms)
  const text = pieces.map(piece => join.take(piece)).join('')
  const whole = terms.shown + text + join.end()
  return join.disagrees ? null : whole
}

const SHOWN = 'One broken pump must never stop the'
const prefill = (shown: string, over: Partial<JoinTerms> = {}): JoinTerms => ({
  shown,
  told: shown.length,
  goesOn: false,
  ...over,
})
const anew = (shown: string): JoinTerms => ({ shown, told: null, goesOn: false })

describe('text that goes on from what an upstream was told', () => {
  it.each<readonly [string, JoinTerms, readonly string[], string | null]>([
    ['goes on', prefill(SHOWN), [' wa', 'ter'], `${SHOWN} water`],
    ['says nothing more', prefill(SHOWN), [], SHOWN],
    ['begins again from the start', prefill(SHOWN), ['One', SHOWN.slice(3), ' water'], `${SHOWN} water`],
    ['begins again and goes on within a piece', prefill(SHOWN), [`${SHOWN} water`], `${SHOWN} water`],
    ['says all of it again and no more', prefill(SHOWN), [SHOWN], SHOWN],
    ['happens to begin alike', prefill(SHOWN), ['One', ' brave pump'], `${SHOWN}One brave pump`],
    ['happens to begin alike and ends', prefill(SHOWN), ['One'], `${SHOWN}One`],
    ['begins again and says something else', prefill(SHOWN), ['One broken pump must always'], null],
    ['begins again and ends', prefill(SHOWN), ['One broken pump must'], null],
    ['happens to begin alike in a short text', prefill('a b'), ['a c'], 'a ba c'],
    ['goes on with white space that was shown', prefill('Yes. \n', { told: 4 }), [' ', '\nNo'], 'Yes. \nNo'],
    ['goes on with more white space than was shown', prefill('Yes.\n', { told: 4 }), ['\n\nNo'], 'Yes.\n\nNo'],
    ['goes on with other white space than was shown', prefill('Yes. ', { told: 4 }), ['\nNo'], 'Yes. \nNo'],
    ['goes on without the white space that was shown', prefill('Yes. ', { told: 4 }), ['No'], 'Yes. No'],
    [
      'begins again with the white space that was shown',
      prefill(`${SHOWN}\n\n`, { told: SHOWN.length }),
      [`${SHOWN}\n\nThe`],
      `${SHOWN}\n\nThe`,
    ],
    ['goes on with the other half of a character', prefill('a\ud83d', { told: 1 }), ['\ud83d', '\ude00!'], 'a😀!'],
    [
      'repeats a refrain',
      prefill(' more more more more'),
      [' more more', ' more more'],
      ' more more more more more more more more',
    ],
    [
      'goes on with a list',
      prefill('https://example.org/a\nhttps://example.org/b\n'),
      ['https://example.org/c'],
      'https://example.org/a\nhttps://example.org/b\nhttps://example.org/c',
    ],
    ['is a word again, from an engine that goes on', prefill('ha', { goesOn: true }), ['ha', ' ha'], 'haha ha'],
  ])('%s', (_, terms, pieces, expected) => {
    expect(joined(terms, pieces)).toBe(expected)
  })

  it('shows nothing of an answer that disagrees, whatever follows', () => {
    const join = new TextJoin(prefill(SHOWN))
    expect([join.take('One broken pump must always'), join.take(' stop'), join.end()]).toEqual(['', '', ''])
    expect(join.disagrees).toBe(true)
  })

  it('is joined without loss or repetition wherever it was cut and however it comes', () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', '😀'), minLength: 1 }), {
      maxLength: 8,
    })
    fc.assert(
      fc.property(
        fc.string({ unit: fc.constantFrom('a', 'b', ' ', '\n', 'é'), minLength: 1, maxLength: 20 }),
        pieces,
        (shown, rest) => {
          const told = shown.trimEnd().length
          const spaces = shown.slice(told)
          // Less is alike than could be a beginning from the start.
          fc.pre(told === 0 || !(spaces + rest.join('')).startsWith(shown.slice(0, Math.min(told, 4))))
          expect(joined(prefill(shown, { told }), [spaces, ...rest])).toBe(shown + rest.join(''))
          expect(joined(prefill(shown, { told, goesOn: true }), [spaces, ...rest])).toBe(shown + rest.join(''))
        },
      ),
      { numRuns: 500 },
    )
  })
})

describe('text of an upstream that was asked anew', () => {
  it.each<readonly [string, readonly string[], string | null]>([
    ['agrees', ['One broken', ' pump must never stop the', ' water'], `${SHOWN} water`],
    ['ends where it was cut', [SHOWN], SHOWN],
    ['says something else from the start', ['Two'], null],
    ['says something else at the end', ['One broken pump must never stop thy'], null],
    ['ends before', ['One broken'], null],
    ['says nothing', [], null],
    ['goes on as if it had been told', [' water'], null],
  ])('%s', (_, pieces, expected) => {
    expect(joined(anew(SHOWN), pieces)).toBe(expected)
  })

  it('joins what says the same again, however it comes', () => {
    const texts = fc.array(fc.string({ unit: 'grapheme', minLength: 1 }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(texts, fc.nat(), (pieces, place) => {
        const whole = pieces.join('')
        const shown = whole.slice(0, 1 + (place % whole.length))
        expect(joined(anew(shown), pieces)).toBe(whole)
      }),
    )
  })
})
