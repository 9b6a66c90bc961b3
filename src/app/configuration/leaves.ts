import { z } from 'zod'
import { formatPerMillion, type NanoDollars, parseDollars, parsePerMillion } from '../../units/money.ts'
import { parseSize } from '../../units/size.ts'
import { type DurationMs, parseDuration } from '../../units/time.ts'
import { parseBaseUrl, parseListen } from './address.ts'
import type { ListenAddress } from './configuration.ts'
import { Leaf } from './document.ts'
import { expectedNames } from './fault.ts'
import { isKeyName, isLabel, isModelName, KEY_NAME_RULE, LABEL_RULE, MODEL_NAME_RULE } from './names.ts'
import { LEAST_SECRET_CHARACTERS, MAX_SECRET_CHARACTERS } from './secret.ts'

/** What is wrong with a value; `expected` only where it says more than the leaf's own. */
export class Wrong {
  readonly problem: string
  readonly expected: string | undefined
  constructor(problem: string, expected?: string) {
    this.problem = problem
    this.expected = expected
  }
}

/** What an issue of a leaf carries beside its message. */
export interface LeafIssue {
  readonly expected: string
  /** The value itself was reported before: its variable is not set. */
  readonly reported: boolean
}

interface LeafOptions {
  /** What YAML may take the value for; a variable may stand for any of them. */
  readonly kinds?: readonly Leaf['kind'][]
  /** Secrets are never shown in a message. */
  readonly secret?: boolean
}

const SHOWN_CHARACTERS = 60

/** The value as the file has it, for a message. */
export function shown(leaf: Leaf): string {
  return JSON.stringify(cut(leaf.written))
}

/** As much of a text as a message has room for. */
export function cut(text: string): string {
  return text.length > SHOWN_CHARACTERS ? `${text.slice(0, SHOWN_CHARACTERS)}…` : text
}

const KINDS = { text: 'is text', number: 'is a number', boolean: 'is a boolean' } as const

function kindProblem(leaf: Leaf, kinds: readonly Leaf['kind'][], secret: boolean): string | null {
  if (leaf.kind === 'variable' || kinds.includes(leaf.kind)) return null
  if (leaf.kind === 'null') return 'is empty'
  const value = secret ? '' : `, ${leaf.kind === 'text' ? shown(leaf) : leaf.written}`
  return `${KINDS[leaf.kind]}${value}`
}

/** A schema of one value: `read` turns its text into what it means. */
export function leaf<T>(
  expected: string,
  read: (text: string, leaf: Leaf) => T | Wrong,
  options: LeafOptions = {},
): z.ZodType<T> {
  const { kinds = ['text'], secret = false } = options
  return z.unknown().transform((input, context): T => {
    const refuse = (problem: string, instead = expected, reported = false): never => {
      const params: LeafIssue = { expected: instead, reported }
      context.addIssue({ code: 'custom', message: problem, params: { ...params } })
      return z.NEVER
    }
    if (input === undefined) return refuse('is missing')
    if (!(input instanceof Leaf)) return refuse(Array.isArray(input) ? 'is a list' : 'is a mapping')
    if (input.broken) return refuse('', '', true)
    const wrongKind = kindProblem(input, kinds, secret)
    const value = read(input.text, input)
    if (wrongKind)
      return refuse(
        wrongKind,
        value instanceof Wrong ? expected : `${expected}, ${kinds.includes('text') ? 'in' : 'without'} quotes`,
      )
    return value instanceof Wrong ? refuse(value.problem, value.expected) : value
  }) as z.ZodType<T>
}

/** A name of a model, as clients or upstreams use it. */
export const modelName = leaf('the name of a model', (text, of) =>
  isModelName(text) ? text : new Wrong(`is no name of a model, ${shown(of)}`, MODEL_NAME_RULE),
)

export const keyName = leaf('the name of a key', (text, of) =>
  isKeyName(text) ? text : new Wrong(`is no name of a key, ${shown(of)}`, KEY_NAME_RULE),
)

/** A team, a user, the value of a tag, the kind of an accelerator. */
export const label = leaf('text', (text, of) =>
  isLabel(text) ? text : new Wrong(`cannot be taken, ${shown(of)}`, LABEL_RULE),
)

/** A name that has to stand elsewhere in the file; whether it does is checked apart. */
export const reference = leaf('a name', text => text)

export function oneOf<T extends string>(names: readonly T[]): z.ZodType<T> {
  return leaf(`one of ${names.join(', ')}`, (text, of) => {
    const found = names.find(name => name === text)
    return found ?? new Wrong(`is unknown, ${shown(of)}`, expectedNames(text, names))
  })
}

export const flag = leaf(
  'true or false',
  (text, of) =>
    text === 'true' ? true : text === 'false' ? false : new Wrong(`is neither true nor false, ${shown(of)}`),
  { kinds: ['boolean'] },
)

export function count(least: number, most: number): z.ZodType<number> {
  const expected = `a whole number from ${least} to ${most}`
  return leaf(
    expected,
    (text, of) => {
      const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
      return value >= least && value <= most ? value : new Wrong(`is ${shown(of)}`)
    },
    { kinds: ['number'] },
  )
}

export function decimal(above: number, most: number): z.ZodType<number> {
  return leaf(
    `a number above ${above}, at most ${most}`,
    (text, of) => {
      const value = /^\d{1,9}(?:\.\d{1,9})?$/.test(text) ? Number(text) : Number.NaN
      return value > above && value <= most ? value : new Wrong(`is ${shown(of)}`)
    },
    { kinds: ['number'] },
  )
}

export function duration(least: DurationMs, most: DurationMs, range: string): z.ZodType<DurationMs> {
  return leaf('a duration such as 500ms, 30s, 5m, 5h or 7d', (text, of) => {
    const value = parseDuration(text)
    if (value === null) return new Wrong(`is no duration, ${shown(of)}`)
    return value >= least && value <= most ? value : new Wrong(`is out of range, ${shown(of)}`, range)
  })
}

/** A size in bytes, from 0 to `most`. */
export function size(most: number, range: string): z.ZodType<number> {
  return leaf('a size such as 200KB, 512MB or 2GB', (text, of) => {
    const value = parseSize(text)
    if (value === null) return new Wrong(`is no size, ${shown(of)}`)
    return value <= most ? value : new Wrong(`is out of range, ${shown(of)}`, range)
  })
}

// A number of YAML is taken from its spelling, so that no float ever holds money; 1e-3 is no plain decimal in either.
const MONEY_KINDS = ['text', 'number'] as const

/** Dollars per million tokens, in the spelling of receipts. */
export const perMillion = leaf(
  'dollars per million tokens as a plain decimal such as "0.10", with at most six decimals',
  (text, of) => {
    const value = parsePerMillion(text)
    return value === null || value < 0n ? new Wrong(`is no price, ${shown(of)}`) : formatPerMillion(value)
  },
  { kinds: MONEY_KINDS },
)

export const dollars: z.ZodType<NanoDollars> = leaf(
  'dollars as a plain decimal such as "2.95", with at most nine decimals',
  (text, of) => {
    const value = parseDollars(text)
    return value === null || value < 0n ? new Wrong(`is no amount of dollars, ${shown(of)}`) : value
  },
  { kinds: MONEY_KINDS },
)

export const listenAddress: z.ZodType<ListenAddress> = leaf(
  'HOST:PORT such as 127.0.0.1:4000 or "[::1]:4000"',
  (text, of) => {
    return parseListen(text) ?? new Wrong(`is no address to listen on, ${shown(of)}`)
  },
)

export const baseUrl = leaf(
  'what stands before /chat/completions or /messages, such as https://api.openai.com/v1',
  text => {
    const read = parseBaseUrl(text)
    // The URL itself is not shown: people put credentials into URLs.
    return 'url' in read ? read.url : new Wrong(read.problem)
  },
)

export const directory = leaf('the path of a directory', text =>
  text.length > 0 && !text.includes('\0') ? text : new Wrong('is no path'),
)

/** A secret that callers or upstreams are shown in a header. No message ever shows it. */
export function secret(leastCharacters: number): z.ZodType<string> {
  const expected = `${leastCharacters} to ${MAX_SECRET_CHARACTERS} printable ASCII characters without spaces`
  return leaf(
    expected,
    (text, of) => {
      if (text === '') return new Wrong(of.kind === 'variable' ? `is empty: ${shown(of)} gives nothing` : 'is empty')
      if (text.length < leastCharacters) return new Wrong('is too short to be a secret')
      if (text.length > MAX_SECRET_CHARACTERS) return new Wrong('is too long for a header')
      return /^[\x21-\x7e]+$/.test(text) ? text : new Wrong('has characters that no header can carry')
    },
    { secret: true },
  )
}

/** A secret that opens Penstock. */
export const ownSecret = secret(LEAST_SECRET_CHARACTERS)
/** A secret of somebody else, who chose its length. */
export const foreignSecret = secret(1)

/** The value of a header, which may be a secret. */
export const headerValue = leaf(
  'the value of a header: printable ASCII',
  text =>
    /^[\x20-\x7e\t]{1,4096}$/.test(text) && text.trim() === text
      ? text
      : new Wrong('has characters that no header can carry'),
  { kinds: ['text', 'number', 'boolean'], secret: true },
)
