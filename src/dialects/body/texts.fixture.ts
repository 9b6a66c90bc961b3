import { seededUniform } from '../../traces/draws.ts'
import { ARTICLE_1 } from './languages.fixture.ts'
import { PAIR_RANKS } from './text-weight.ts'

/** Texts of one kind; the same for the same seed. */
export interface TextKind {
  readonly name: string
  /** About so many characters. */
  text(seed: number, length: number): string
}

const LOWER = 'abcdefghijklmnopqrstuvwxyz'
const DIGITS = '0123456789'
const MARKS = '!"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~'
const ALPHANUMERIC = LOWER + LOWER.toUpperCase() + DIGITS

/** First and last code points of scripts that few texts of a tokenizer's training were in, and of pictures. */
const RARE_SCRIPTS = [
  [0x0531, 0x0556],
  [0x0710, 0x072f],
  [0x07ca, 0x07ea],
  [0x0d85, 0x0d96],
  [0x0e81, 0x0e84],
  [0x0f40, 0x0f47],
  [0x1000, 0x102a],
  [0x10a0, 0x10c5],
  [0x1200, 0x1248],
  [0x13a0, 0x13f4],
  [0x1401, 0x166c],
  [0x16a0, 0x16ea],
  [0x1780, 0x17b3],
  [0x1820, 0x1877],
  [0x2c00, 0x2c2f],
  [0xa000, 0xa48c],
  [0xa500, 0xa60c],
  [0x10000, 0x1000b],
  [0x12000, 0x12399],
  [0x13000, 0x1342e],
  [0x1d400, 0x1d454],
  [0x20000, 0x2a6df],
] as const
const COMMON_SCRIPTS = [
  [0x00c0, 0x017f],
  [0x0391, 0x03c9],
  [0x0410, 0x044f],
  [0x05d0, 0x05ea],
  [0x0621, 0x064a],
  [0x0905, 0x0939],
  [0x0985, 0x0994],
  [0x0b85, 0x0b8a],
  [0x0e01, 0x0e2e],
  [0x3041, 0x3096],
  [0x30a1, 0x30fa],
  [0x4e00, 0x9fff],
  [0xac00, 0xd7a3],
] as const
const EMOJI = [
  [0x1f300, 0x1f5ff],
  [0x1f600, 0x1f64f],
  [0x1f680, 0x1f6c5],
  [0x1f900, 0x1f9ff],
  [0x2600, 0x26ff],
  [0x2700, 0x27bf],
] as const

type Below = (n: number) => number

/** `make` is called until the text has its length. */
function kind(name: string, make: (below: Below) => string): TextKind {
  const text = (seed: number, length: number) => {
    const uniform = seededUniform(seed)
    const below = (n: number) => Math.floor(uniform() * n)
    const parts: string[] = []
    for (let size = 0; size < length; ) {
      const part = make(below)
      size += part.length
      parts.push(part)
    }
    return parts.join('')
  }
  return { name, text }
}

function oneOf<T>(items: ArrayLike<T>, below: Below): T {
  return items[below(items.length)]!
}

function word(letters: string, least: number, most: number, below: Below): string {
  return Array.from({ length: least + below(most - least + 1) }, () => oneOf(letters, below)).join('')
}

function scripted(name: string, ranges: readonly (readonly [number, number])[], run: number): TextKind {
  return kind(name, below => {
    const [first, last] = oneOf(ranges, below)
    const letters = Array.from({ length: 1 + below(run) }, () => first + below(last - first + 1))
    return String.fromCodePoint(...letters) + (run > 1 ? ' ' : '')
  })
}

const SYLLABLES =
  'the re in er an on en at es ti or te st ed is it ar al nd to se ha ou io le ve co me ri ro li ch'.split(' ')

/** Looks like a language and is none: words whose letters follow one another only in pairs of these ranks. */
function wordOf(ranks: string, least: number, most: number, below: Below): string {
  let letter = below(LOWER.length)
  let letters = LOWER[letter]!
  for (let left = least - 1 + below(most - least + 1); left > 0; left--) {
    const row = PAIR_RANKS[letter]!
    const next = Array.from(LOWER, (_, i) => i).filter(i => ranks.includes(row[i]!))
    if (next.length === 0) break
    letter = oneOf(next, below)
    letters += LOWER[letter]!
  }
  return letters
}

const NAMES = (language: string) => {
  const found = new Map<string, Intl.DisplayNames>()
  for (const type of ['region', 'language', 'currency', 'script'] as const) {
    found.set(type, new Intl.DisplayNames([language], { type, fallback: 'code' }))
  }
  return found
}
const REGIONS =
  'AT BE BR CA CD CF CH CN CZ DE DK EG EH ES FI FR GB GR HU ID IN IT JP KR MX NG NZ PL RU SE TR UA US VN ZA'
const LANGUAGES =
  'ar bn cs da de el en es fa fi fr he hi hu id it ja ko lt lv ms nl no pl pt ro ru sk sv sw ta th tr uk vi zh'

/** Names of countries and languages, as ICU has them in each language: real words of all lengths. */
function namesIn(languages: readonly string[]): TextKind {
  const names = new Map<string, Map<string, Intl.DisplayNames>>()
  return kind('names in 35 languages', below => {
    const language = oneOf(languages, below)
    if (!names.has(language)) names.set(language, NAMES(language))
    const of = names.get(language)!
    const list = Array.from({ length: 12 }, () =>
      below(2) === 0
        ? of.get('region')!.of(oneOf(REGIONS.split(' '), below))
        : of.get('language')!.of(oneOf(LANGUAGES.split(' '), below)),
    )
    return `${list.join(', ')}. `
  })
}

const ROW_OF_TABLE = (below: Below) =>
  `${[below(1e4), (below(1e7) / 1e3).toFixed(3), `20${10 + below(16)}-0${1 + below(9)}-${10 + below(18)}`, -below(100)].join(',')}\n`

const MEMBER = (below: Below) =>
  `${JSON.stringify({ id: `row-${below(1e4)}`, ok: below(2) === 0, value: below(1e6), [word(LOWER, 3, 9, below)]: null })}, `

/** What a bound must stand against, besides prose: texts that tokenizers cut into small pieces. */
export const HOSTILE: readonly TextKind[] = [
  kind('base64', below => word(`${ALPHANUMERIC}+/`, 76, 76, below)),
  kind('hexadecimal', below => word('0123456789abcdef', 64, 64, below)),
  kind('hexadecimal in capitals', below => `${word('0123456789ABCDEF', 2, 2, below)} `),
  kind('ids', below => `${[8, 4, 4, 4, 12].map(size => word('0123456789abcdef', size, size, below)).join('-')}\n`),
  kind('random letters', below => word(LOWER, 50, 50, below)),
  kind('random capitals', below => word(LOWER.toUpperCase(), 50, 50, below)),
  kind('random letters of both cases', below => word(LOWER + LOWER.toUpperCase(), 50, 50, below)),
  kind('random words', below => `${word(LOWER, 1, 8, below)} `),
  kind('random words in capitals', below => `${word(LOWER.toUpperCase(), 1, 8, below)} `),
  kind('single letters', below => `${oneOf(ALPHANUMERIC, below)} `),
  kind('syllables', below => `${Array.from({ length: 1 + below(4) }, () => oneOf(SYLLABLES, below)).join('')} `),
  kind('syllables without blanks', below => oneOf(SYLLABLES, below)),
  ...['0', '01', '1', '012', '2', '0123', '3', '4'].flatMap(ranks => [
    kind(`short words of pairs of ranks ${ranks}`, below => `${wordOf(ranks, 1, 5, below)} `),
    kind(`long words of pairs of ranks ${ranks}`, below => `${wordOf(ranks, 2, 12, below)} `),
    kind(`pairs of ranks ${ranks} without blanks`, below => wordOf(ranks, 20, 60, below)),
  ]),
  kind('digits', below => word(DIGITS, 50, 50, below)),
  kind('numbers', below => `${below(10 ** (1 + below(8)))}${oneOf([' ', ', ', ','], below)}`),
  kind('rows of numbers', ROW_OF_TABLE),
  kind('random punctuation', below => oneOf(MARKS, below)),
  kind('repeated punctuation', below => oneOf(MARKS, below).repeat(1 + below(40))),
  kind('punctuation between blanks', below => `${oneOf(MARKS, below)} `),
  kind('punctuation between letters', below => oneOf(MARKS, below) + oneOf(LOWER, below)),
  kind('white space', below => oneOf([' ', '  ', '\n', '\t', '\r\n', '\n\n'], below).repeat(1 + below(9))),
  kind('control characters', below => String.fromCharCode(below(0x20))),
  kind('random ASCII', below => String.fromCharCode(0x20 + below(0x5f))),
  kind('random characters', below => String.fromCodePoint(0xa1 + below(0xd700))),
  scripted('emoji', EMOJI, 1),
  kind('emoji of families', below => `👩‍👩‍👧‍👦${oneOf(['🏽', '🇩🇪', '❤️', '👨🏿‍🚀', '🏴'], below)}`),
  scripted('random letters of common scripts', COMMON_SCRIPTS, 6),
  scripted('random letters of rare scripts', RARE_SCRIPTS, 6),
  kind('accents', below => oneOf(LOWER, below) + String.fromCodePoint(0x300 + below(0x6f))),
]

/** What people and programs send, in more kinds than the recorded texts have. */
export const ORDINARY: readonly TextKind[] = [
  namesIn(LANGUAGES.split(' ')),
  ...Object.entries(ARTICLE_1).map(([language, text]) => kind(`prose in ${language}`, () => `${text} `)),
  kind('JSON', MEMBER),
  kind('JSON in JSON', below => JSON.stringify(JSON.stringify({ row: MEMBER(below), at: below(1e9) }))),
]

/** Elements that patterns repeat, and what stands between their repetitions. */
const REPEATED = [...ALPHANUMERIC, ...MARKS, ' ', ...'\n\t\r\u0001éяשعक한字😀‍’“—…•\u00a0']
const BETWEEN: Readonly<Record<string, (below: Below) => string>> = {
  nothing: () => '',
  'a blank': () => ' ',
  'a line feed': () => '\n',
  'a tab': () => '\t',
  'one letter': () => 'x',
  'a small letter': below => oneOf(LOWER, below),
  'two small letters': below => word(LOWER, 2, 2, below),
  'a blank and a letter': below => ` ${oneOf(LOWER, below)}`,
  'a capital': below => oneOf(LOWER.toUpperCase(), below),
  'a digit': below => oneOf(DIGITS, below),
  'a mark': below => oneOf(MARKS, below),
  'an accent': below => oneOf('éüßñøåç', below),
  'a Chinese sign': below => oneOf('的一是不了在人有我他這', below),
}

/** What would be written to be weighed too lightly: one element, once to three times, and another in between, over and over. */
export function contrivedTexts(): readonly { readonly name: string; readonly text: string }[] {
  const uniform = seededUniform(77)
  const below = (n: number) => Math.floor(uniform() * n)
  return REPEATED.flatMap(element =>
    Object.entries(BETWEEN).flatMap(([name, between]) =>
      [1, 2, 3].map(times => ({
        name: `${JSON.stringify(element)} ${times} times and ${name}`,
        text: Array.from({ length: 120 }, () => element.repeat(times) + between(below)).join(''),
      })),
    ),
  )
}
