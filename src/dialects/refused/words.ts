import { objectIn, type Report } from '../usage/counts.ts'

/** A longer body of an error is no error's: what servers say of one is a sentence. */
const MAX_BODY_BYTES = 262_144
/** Servers say what is wrong first, and may repeat the request behind it. */
const MAX_SENTENCE_CHARACTERS = 2_000
const MAX_FAULTS = 16

/** What the body of an upstream's error says in its own words, not in those of the request that it may repeat. */
export interface ErrorWords {
  /** Its codes and types. */
  readonly codes: readonly string[]
  readonly sentences: readonly string[]
}

const NOTHING: ErrorWords = { codes: [], sentences: [] }

/**
 * Reads the errors of OpenAI and Anthropic (`error`), of vLLM and SGLang (at the top), of FastAPI (`detail`, whose
 * `input` repeats the request), and of those that wrap another's (`metadata.raw`). A body that is no JSON is a sentence.
 */
export function errorWords(body: Uint8Array): ErrorWords {
  if (body.length === 0 || body.length > MAX_BODY_BYTES) return NOTHING
  const text = Buffer.from(body.buffer, body.byteOffset, body.length).toString()
  const codes: string[] = []
  const sentences: string[] = []
  for (const told of reportsIn(text)) {
    for (const name of ['code', 'type']) {
      const code = told[name]
      if (typeof code === 'string') codes.push(code)
    }
    for (const name of ['message', 'msg', 'error', 'detail', 'raw']) {
      const sentence = told[name]
      if (typeof sentence === 'string') sentences.push(sentence.slice(0, MAX_SENTENCE_CHARACTERS))
    }
  }
  return { codes, sentences }
}

/** The objects of the body that may name what is wrong. */
function reportsIn(text: string): readonly Report[] {
  const parsed = parse(text)
  const whole = objectIn(Array.isArray(parsed) ? parsed[0] : parsed)
  if (whole === null) return [{ message: typeof parsed === 'string' ? parsed : text }]
  const error = objectIn(whole.error)
  const faults: readonly unknown[] = Array.isArray(whole.detail) ? whole.detail.slice(0, MAX_FAULTS) : [whole.detail]
  return [whole, error, objectIn(error?.metadata), ...faults.map(objectIn)].filter(told => told !== null)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
