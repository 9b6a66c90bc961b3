import type { Payloads } from './payloads.ts'
import { BLANK_WEIGHT, textWeight } from './text-weight.ts'

const HUNDREDTHS = 100
const COMMA = 0x2c
const QUOTE = 0x22
const OPEN_BRACKET = 0x5b

/** Where the values of a prompt lie in a body, and what in them is no text. */
export interface PromptPlaces {
  /** Begin and end of each value, one after the other. */
  readonly values: readonly number[]
  /** White space in these values between the tokens of JSON. */
  readonly blanks: number
  readonly payloads: Payloads
  /** Whether an array of numbers is a text that was cut into tokens, as `embeddings` takes it. */
  readonly tokenArrays: boolean
}

/** The most tokens of a prompt: those of its text by weight, of its images and files by their kind. */
export function promptWeight(bytes: Buffer, { values, blanks, payloads, tokenArrays }: PromptPlaces): number {
  let hundredths = 0
  let tokens = payloads.tokens
  let payload = 0
  for (let value = 0; value < values.length; value += 2) {
    let at = values[value]!
    const end = values[value + 1]!
    if (tokenArrays && isNumbers(bytes, at, end)) {
      tokens += numbersIn(bytes, at, end)
      continue
    }
    const { ranges } = payloads
    for (; payload < ranges.length && ranges[payload]! < end; payload += 2) {
      if (ranges[payload]! < at) continue
      hundredths += textWeight(bytes, at, ranges[payload]!)
      at = ranges[payload + 1]!
    }
    hundredths += textWeight(bytes, at, end)
  }
  return Math.max(0, hundredths - blanks * BLANK_WEIGHT) / HUNDREDTHS + tokens
}

/** An array without a string in it. */
function isNumbers(bytes: Buffer, at: number, end: number): boolean {
  return bytes[at] === OPEN_BRACKET && !bytes.subarray(at, end).includes(QUOTE)
}

function numbersIn(bytes: Buffer, at: number, end: number): number {
  let found = 1
  for (let i = at; i < end; i++) if (bytes[i] === COMMA) found++
  return found
}
