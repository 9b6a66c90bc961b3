import type { AnswerSummary } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { KnownKeys } from '../json/keys.ts'
import { JsonScan, type MemberVisitor } from '../json/scan.ts'
import { asBuffer } from '../json/text.ts'
import { messagesUsage } from '../usage/anthropic.ts'
import { objectIn, type Report } from '../usage/counts.ts'
import { chatUsage, embeddingsUsage, responsesUsage } from '../usage/openai.ts'
import { itemBytes, messageBytes, wholeBlockBytes } from './content.ts'

/** What is peculiar to the answers of one endpoint. */
interface AnswerForm {
  /** The member that makes a body an answer, and the first byte of its value: `[` of a list, or any digit for `#`. */
  readonly payload: 'choices' | 'output' | 'data' | 'content' | 'input_tokens'
  readonly opens: '[' | '#'
  readonly usage: ((report: Report, serviceTier: unknown) => Usage | null) | null
  readonly itemBytes: (item: Report) => number
}

type AnswerKey = AnswerForm['payload'] | 'usage' | 'error' | 'service_tier'

/** The largest usage that is read; those of the field have some 300 bytes. */
export const MAX_USAGE_BYTES = 65_536
/** The largest content that is measured exactly; of a larger one the size stands for the measure. */
export const MAX_MEASURED_BYTES = 4_000_000

const NOTHING = () => 0

const FORMS: Readonly<Record<Endpoint, AnswerForm>> = {
  'chat/completions': { payload: 'choices', opens: '[', usage: chatUsage, itemBytes: choiceBytes },
  responses: { payload: 'output', opens: '[', usage: responsesUsage, itemBytes },
  embeddings: { payload: 'data', opens: '[', usage: embeddingsUsage, itemBytes: NOTHING },
  messages: { payload: 'content', opens: '[', usage: messagesUsage, itemBytes: wholeBlockBytes },
  // Counting costs nothing, so there is no usage to read.
  'messages/count_tokens': { payload: 'input_tokens', opens: '#', usage: null, itemBytes: NOTHING },
}

function choiceBytes(choice: Report): number {
  const message = objectIn(choice.message)
  return message === null ? 0 : messageBytes(message)
}

/**
 * A reader of the plain answers of one endpoint. It walks the bytes once, checking the grammar, and decodes nothing but
 * the usage; content is measured only when somebody asks, which is where usage is missing.
 */
export function answerReader(endpoint: Endpoint): (bytes: Uint8Array) => AnswerSummary {
  const form = FORMS[endpoint]
  const keys = new KnownKeys<AnswerKey>([form.payload, 'usage', 'error', 'service_tier'])
  return bytes => {
    const buffer = asBuffer(bytes)
    const members = new AnswerMembers(buffer, form, keys)
    const isJson = new JsonScan(buffer).document(members)
    return new Answer(buffer, members, form, isJson)
  }
}

class AnswerMembers implements MemberVisitor {
  hasPayload = false
  hasError = false
  payloadAt = 0
  payloadEnd = 0
  usageAt = 0
  usageEnd = 0
  serviceTier: string | null = null
  readonly #bytes: Buffer
  readonly #form: AnswerForm
  readonly #keys: KnownKeys<AnswerKey>

  constructor(bytes: Buffer, form: AnswerForm, keys: KnownKeys<AnswerKey>) {
    this.#bytes = bytes
    this.#form = form
    this.#keys = keys
  }

  member(keyAt: number, keyEnd: number, valueAt: number, valueEnd: number, escaped: boolean): void {
    const bytes = this.#bytes
    const key = this.#keys.find(bytes, keyAt, keyEnd, escaped)
    if (key === null || !key.exact) return
    const first = bytes[valueAt]!
    switch (key.name) {
      case 'usage':
        this.usageAt = first === 0x7b ? valueAt : 0
        this.usageEnd = valueEnd
        break
      case 'error':
        this.hasError = first !== 0x6e
        break
      case 'service_tier':
        this.serviceTier = first === 0x22 ? bytes.toString('utf8', valueAt + 1, valueEnd - 1) : null
        break
      default:
        this.payloadAt = valueAt
        this.payloadEnd = valueEnd
        this.hasPayload = this.#form.opens === '[' ? first === 0x5b : first >= 0x30 && first <= 0x39
    }
  }
}

class Answer implements AnswerSummary {
  readonly usage: Usage | null
  readonly sound: boolean
  readonly error: boolean
  readonly #bytes: Buffer
  readonly #members: AnswerMembers
  readonly #itemBytes: (item: Report) => number

  constructor(bytes: Buffer, members: AnswerMembers, form: AnswerForm, isJson: boolean) {
    this.error = isJson && members.hasError
    this.sound = isJson && members.hasPayload && !members.hasError
    this.#bytes = bytes
    this.#members = members
    this.#itemBytes = form.itemBytes
    const { usageAt, usageEnd, serviceTier } = members
    const readable = this.sound && usageAt > 0 && usageEnd - usageAt <= MAX_USAGE_BYTES && form.usage !== null
    this.usage = readable
      ? form.usage!(JSON.parse(bytes.toString('latin1', usageAt, usageEnd)) as Report, serviceTier)
      : null
  }

  get contentBytes(): number {
    if (!this.sound || this.#itemBytes === NOTHING) return 0
    const { payloadAt, payloadEnd } = this.#members
    if (payloadEnd - payloadAt > MAX_MEASURED_BYTES) return payloadEnd - payloadAt
    const items = JSON.parse(this.#bytes.toString('latin1', payloadAt, payloadEnd)) as readonly unknown[]
    let bytes = 0
    for (const value of items) {
      const item = objectIn(value)
      if (item !== null) bytes += this.#itemBytes(item)
    }
    return bytes
  }
}
