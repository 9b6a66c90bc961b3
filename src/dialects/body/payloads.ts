import { KnownKeys } from '../json/keys.ts'
import { MIN_PAYLOAD_BYTES, type PayloadObserver } from '../json/scan.ts'

/**
 * An image, a sound or a file counts like this much text, wherever its bytes are: at 3.6 bytes a token some 1,800
 * tokens.
 */
export const MEDIA_TEXT_BYTES = 6_400
/** It has at most so many tokens, which is the most that Anthropic charges for one image. */
export const MEDIA_TOKENS = 4_800
/** A document in base64 counts as an eighth of its size: some 100 kB are a page of 1,500 to 3,000 tokens. */
const DOCUMENT_BYTES_PER_TEXT_BYTE = 8
/** The same 100 kB have at most some 9,000 tokens. */
const DOCUMENT_TOKENS_PER_BYTE = 3 / 32

/** Parts of a prompt that are no text, as both dialects call them in `type`. */
const MEDIA_TYPES = new KnownKeys([
  'image',
  'image_url',
  'input_image',
  'input_audio',
  'input_file',
  'document',
  'file',
])

/** Where base64 stands: the key, and the key of the object around when it must be a certain one. */
const PLACES: readonly { readonly key: string; readonly scope: string | null; readonly dataUrl: boolean }[] = [
  { key: 'url', scope: 'image_url', dataUrl: true },
  { key: 'image_url', scope: null, dataUrl: true },
  { key: 'file_data', scope: null, dataUrl: false },
  { key: 'data', scope: 'source', dataUrl: false },
  { key: 'data', scope: 'input_audio', dataUrl: false },
]
/** How many bytes of a long string are looked at to tell base64 from text, which has a blank every few letters. */
const SAMPLES = 64
/** A data URL names its type in fewer bytes than these. */
const MAX_DATA_URL_HEAD = 128
/** `%PDF` in base64. */
const PDF = 'JVBER'

/** Counts what of a prompt is no text: base64 payloads, and how many parts are images, sounds or files. */
export class Payloads implements PayloadObserver {
  /** To be taken off the bytes of the prompt; negative where parts count for more than they spell. */
  excessBytes = 0
  /** Begin and end of each payload, one after the other, in order of their place. */
  readonly ranges: number[] = []
  /** The most tokens of all parts that are no text. */
  tokens = 0
  readonly #bytes: Buffer

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  payload(scopeAt: number, keyAt: number, valueAt: number, valueEnd: number): void {
    const place = PLACES.find(
      ({ key, scope }) => this.#keyIs(keyAt, key) && (scope === null || (scopeAt >= 0 && this.#keyIs(scopeAt, scope))),
    )
    if (place === undefined) return
    const head = this.#bytes.toString('latin1', valueAt + 1, valueAt + 1 + MAX_DATA_URL_HEAD)
    const isDataUrl = head.startsWith('data:')
    const comma = isDataUrl ? head.indexOf(';base64,') : -1
    if (isDataUrl ? comma < 0 : place.dataUrl) return
    const dataAt = comma < 0 ? valueAt + 1 : valueAt + 1 + comma + ';base64,'.length
    if (!this.#looksLikeBase64(dataAt, valueEnd - 1)) return
    const size = valueEnd - 1 - dataAt
    const isDocument = this.#bytes.toString('latin1', dataAt, dataAt + PDF.length) === PDF
    this.excessBytes += isDocument ? size - Math.ceil(size / DOCUMENT_BYTES_PER_TEXT_BYTE) : size
    if (isDocument) this.tokens += size * DOCUMENT_TOKENS_PER_BYTE
    this.ranges.push(dataAt, valueEnd - 1)
  }

  typed(valueAt: number, valueEnd: number): void {
    if (!MEDIA_TYPES.find(this.#bytes, valueAt, valueEnd, false)?.exact) return
    this.excessBytes -= MEDIA_TEXT_BYTES
    this.tokens += MEDIA_TOKENS
  }

  #keyIs(keyAt: number, name: string): boolean {
    const end = keyAt + 1 + name.length
    return this.#bytes[end] === 0x22 && this.#bytes.toString('latin1', keyAt + 1, end) === name
  }

  #looksLikeBase64(from: number, to: number): boolean {
    if (to - from < MIN_PAYLOAD_BYTES / 2) return false
    const step = (to - from) / SAMPLES
    for (let i = 0; i < SAMPLES; i++) {
      if (!isBase64(this.#bytes[from + Math.floor(i * step)]!)) return false
    }
    return true
  }
}

/** Both alphabets, the padding, and the backslash with which some encoders write the slash. */
function isBase64(byte: number): boolean {
  if ((byte >= 0x30 && byte <= 0x39) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x61 && byte <= 0x7a)) return true
  return byte === 0x2b || byte === 0x2f || byte === 0x3d || byte === 0x2d || byte === 0x5f || byte === 0x5c
}
