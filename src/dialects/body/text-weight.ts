/*
 * How many tokens a byte of text adds at most, by the byte before it, in hundredths of a token. decisions/0007 says how
 * the weights were found and how far they hold; `node bench/tokens/measure.ts` measures them against tokenizers.
 */

/** No tokenizer that works on bytes makes more than one token of a byte. */
const WHOLE = 100
const BACKSLASH = 0x5c
const BLANK = 0x20
const QUOTE = 0x22
const SMALL_U = 0x75
const ZERO = 0x30
const EIGHT = 0x38
/** Stands for the byte before when that is the end of an escape; it cannot be in JSON by itself. */
const ESCAPED = 0x01
/** What white space adds to white space. It may be taken off again for each blank between the tokens of JSON. */
export const BLANK_WEIGHT = 6

/** A lower-case letter after another, by the rank of their pair: 0 for the most frequent pairs, 4 for those hardly seen. */
const PAIR_WEIGHTS = [32, 40, 46, 50, 78] as const
/**
 * Ranks of the pairs of letters: a row for each first letter, from a to z, and in it a digit for each second one. Pairs
 * of rank 0 are 40% of all in English prose, mail, code, schemas and tables; with rank 1 they are 70%, with 2 85%, with 3 95%.
 */
export const PAIR_RANKS = [
  '43124424243010434010334424', // a
  '34441444314344244344344434', // b
  '14441441243344044240244444', // c
  '24440444144444244334344444', // d
  '14001234344120433001433234', // e
  '34443344244444144243344444', // f
  '34441442344444444344444444', // g
  '14440444144444144342444444', // h
  '24121224444110124201424443', // i
  '44441444444444444444444444', // j
  '44442444344444444434444444', // k
  '14420444144144144423344424', // l
  '13440444244444124434344444', // m
  '14101304244344244410244434', // n
  '42324034343110224021131444', // o
  '14441444344244234142344444', // p
  '44444444444444444444244444', // q
  '14320434043433144311344424', // r
  '34240442144444224420243444', // s
  '14440440044444044113243414', // t
  '33332444344121434111444444', // u
  '34441444244444444444444444', // v
  '24442442244444344444444444', // w
  '44444444444444434443444444', // x
  '44443444444444324434444444', // y
  '44443444444444444444444444', // z
] as const

/** Marks of which small tokenizers make no runs. */
const MARKS_WITHOUT_RUNS: ReadonlySet<number> = new Set([0x26, 0x3b])

type Kind = 'lower' | 'upper' | 'digit' | 'blank' | 'mark' | 'lead' | 'continuation'

function kindOf(byte: number): Kind {
  if (byte >= 0x61 && byte <= 0x7a) return 'lower'
  if (byte >= 0x41 && byte <= 0x5a) return 'upper'
  if (byte >= 0x30 && byte <= 0x39) return 'digit'
  if (byte <= BLANK) return 'blank'
  if (byte < 0x80) return 'mark'
  return byte < 0xc0 ? 'continuation' : 'lead'
}

const UPPER_AFTER: Partial<Record<Kind, number>> = { upper: 80, blank: 15 }
const BLANK_AFTER: Partial<Record<Kind, number>> = { lower: 91, upper: 91, mark: 80 }
const MARK_AFTER: Partial<Record<Kind, number>> = { mark: 78, blank: 20 }

function weightAfter(before: number, byte: number): number {
  const kind = kindOf(before)
  switch (kindOf(byte)) {
    case 'lower':
      return lowerWeight(before, byte)
    case 'upper':
      return before === ESCAPED ? WHOLE : (UPPER_AFTER[kind] ?? WHOLE)
    case 'digit':
      // Many tokenizers make a token of every digit.
      return WHOLE
    case 'blank':
      if (before === ESCAPED) return 80
      return byte < BLANK || before <= BLANK ? BLANK_WEIGHT : (BLANK_AFTER[kind] ?? WHOLE)
    case 'mark':
      if (byte === QUOTE) return 40
      return before === QUOTE || before === ESCAPED ? 99 : (MARK_AFTER[kind] ?? 99)
    case 'lead':
      return leadWeight(byte)
    case 'continuation':
      return continuationWeight(before)
  }
}

function rankOf(before: number, byte: number): 0 | 1 | 2 | 3 | 4 {
  return Number(PAIR_RANKS[before - 0x61]![byte - 0x61]) as 0 | 1 | 2 | 3 | 4
}

function lowerWeight(before: number, byte: number): number {
  if (before === ESCAPED) return WHOLE
  switch (kindOf(before)) {
    case 'lower':
      return Math.max(before === byte ? 60 : 0, PAIR_WEIGHTS[rankOf(before, byte)])
    case 'upper':
      return 70
    case 'blank':
      return 1
    default:
      return WHOLE
  }
}

/** By the first byte of a character: Latin with accents; Greek and Cyrillic; Hebrew and Arabic; scripts of India; CJK. */
function leadWeight(byte: number): number {
  if (byte <= 0xc5) return 20
  if (byte >= 0xce && byte <= 0xd1) return 54
  if (byte >= 0xd7 && byte <= 0xdb) return 58
  if (byte === 0xe0) return 50
  return byte >= 0xe3 && byte <= 0xe9 ? 83 : WHOLE
}

function continuationWeight(before: number): number {
  if (before < 0xc0) return WHOLE
  if (before <= 0xc5) return 80
  if (before >= 0xce && before <= 0xd1) return 54
  if (before >= 0xd7 && before <= 0xdb) return 58
  if (before === 0xe0) return 73
  return before >= 0xea && before <= 0xed ? 94 : WHOLE
}

/** Marks a pair that two bytes don't tell enough about: an escape, and a run of one blank or mark. */
const LOOK_CLOSER = 0x80

function entryFor(before: number, byte: number): number {
  const kind = kindOf(byte)
  const isRun = byte === before && (byte === BLANK || kind === 'mark')
  return byte === BACKSLASH || isRun ? LOOK_CLOSER : weightAfter(before, byte)
}

/** As what an escape is seen by the byte behind it: as the mark that it stands for, else as a break. */
const BEFORE_AFTER_ESCAPE = Uint8Array.from({ length: 256 }, (_, kind) => {
  if (kind === QUOTE) return 0x27
  return kind === BACKSLASH || kind === 0x2f ? kind : ESCAPED
})

/** Of an escape that is no character's number: most breaks of lines go with one beside them. */
const ESCAPE_WEIGHTS = Uint8Array.from({ length: 256 }, (_, kind) => (kind === 0x6e ? 97 : WHOLE))

/** At `before << 8 | byte`. */
const WEIGHTS = Uint8Array.from({ length: 65_536 }, (_, pair) => entryFor(pair >> 8, pair & 0xff))

/** Sums of so many bytes stay small integers. */
const STRIDE = 1 << 20

/**
 * The most tokens that the text in a range of bytes has, escapes counted as what they stand for.
 *
 * @param bytes valid JSON; the range begins and ends outside escapes
 * @param from at least 1: the byte before is looked at, and not counted
 * @returns hundredths of a token
 */
export function textWeight(bytes: Uint8Array, from: number, to: number): number {
  let total = 0
  let before = bytes[from - 1]!
  let at = from
  while (at < to) {
    const stop = Math.min(to, at + STRIDE)
    let sum = 0
    while (at < stop) {
      // Four bytes a turn take half the time of one.
      while (at + 4 <= stop) {
        const first = bytes[at]!
        const second = bytes[at + 1]!
        const third = bytes[at + 2]!
        const fourth = bytes[at + 3]!
        const one = WEIGHTS[(before << 8) | first]!
        const two = WEIGHTS[(first << 8) | second]!
        const three = WEIGHTS[(second << 8) | third]!
        const four = WEIGHTS[(third << 8) | fourth]!
        if ((one | two | three | four) >= LOOK_CLOSER) break
        sum += one + two + three + four
        before = fourth
        at += 4
      }
      let byte = bytes[at]!
      let weight = WEIGHTS[(before << 8) | byte]!
      while (at < stop && weight < LOOK_CLOSER) {
        sum += weight
        before = byte
        byte = bytes[++at]!
        weight = WEIGHTS[(before << 8) | byte]!
      }
      if (at >= stop) break
      if (byte === BACKSLASH) {
        const kind = bytes[at + 1]!
        sum += kind === SMALL_U ? unicodeWeight(bytes, at + 2) : ESCAPE_WEIGHTS[kind]!
        before = BEFORE_AFTER_ESCAPE[kind]!
        at += kind === SMALL_U ? 6 : 2
      } else {
        const end = runEnd(bytes, at, to)
        sum += runWeight(bytes, at, end)
        at = end
      }
    }
    total += sum
  }
  return total
}

/** A token for each byte of UTF-8 that the four digits stand for; two escapes make a character of four. */
function unicodeWeight(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  const second = bytes[at + 1]!
  if (first === ZERO) {
    if (second >= EIGHT) return 3 * WHOLE
    return second === ZERO && bytes[at + 2]! < EIGHT ? WHOLE : 2 * WHOLE
  }
  const isSurrogate = (first === 0x64 || first === 0x44) && second >= EIGHT
  return isSurrogate ? 2 * WHOLE : 3 * WHOLE
}

function runEnd(bytes: Uint8Array, at: number, to: number): number {
  const byte = bytes[at]
  let end = at + 1
  while (end < to && bytes[end] === byte) end++
  return end
}

/** Of blanks or marks behind the first of their run: the last blank goes with what follows, so that a run makes two tokens. */
function runWeight(bytes: Uint8Array, at: number, end: number): number {
  const byte = bytes[at]!
  if (byte !== BLANK) return MARKS_WITHOUT_RUNS.has(byte) ? (end - at) * WHOLE : 80 + (end - at - 1) * 42
  // Behind a raw line feed they are the indentation of the JSON, not of its text.
  const inText = bytes[at - 2]! >= BLANK
  return (inText ? WHOLE - BLANK_WEIGHT : 0) + (end - at) * BLANK_WEIGHT
}
