import { objectIn, type Report } from '../usage/counts.ts'

/** An event up to this length is kept as it is. */
const MAX_KEPT_BYTES = 8_192
/** Of a longer one, members beyond this length are left out: prompts, tools, schemas. */
const MAX_MEMBER_CHARACTERS = 1_000

/**
 * The event in which an answer says what it is called, kept in case that Penstock has to end the answer itself. Most
 * streams never need it, so that it is not read before.
 */
export class Naming {
  /** Latin-1. */
  #data: string | null = null

  get isKept(): boolean {
    return this.#data !== null
  }

  /** @param data JSON of an object as Latin-1 */
  keep(data: string): void {
    const bytes = Buffer.from(data, 'latin1')
    // A copy in either case, lest it keep alive the text of the whole chunk that the event is a part of.
    if (bytes.length <= MAX_KEPT_BYTES) this.#data = bytes.toString('latin1')
    else this.#data = Buffer.from(JSON.stringify(JSON.parse(bytes.toString()), shorten)).toString('latin1')
  }

  /** The event; null when none came. */
  read(): Report | null {
    return this.#data === null ? null : objectIn(JSON.parse(Buffer.from(this.#data, 'latin1').toString()))
  }
}

function shorten(name: string, value: unknown): unknown {
  if (Array.isArray(value)) return []
  const isPart = name !== '' && name !== 'response' && value !== null
  const isLong = isPart && (JSON.stringify(value)?.length ?? 0) > MAX_MEMBER_CHARACTERS
  return isLong ? null : value
}
