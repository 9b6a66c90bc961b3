import type { KeptUse } from '../../ports/ledger.ts'
import type { RingProducer } from './producer.ts'
import { COMMAND, ENTRY, MAX_TEXT_BYTES, USE } from './ring.ts'
import { toWhole } from './whole.ts'

/** A use that is too long for one entry, as far as it is in the ring. */
interface LongUse {
  readonly use: KeptUse
  readonly bytes: Buffer
  done: number
}

/** Writes into the ring what is one text: commands, and uses of limits. */
export class TextEntries {
  readonly #ring: RingProducer
  #long: LongUse | null = null

  constructor(ring: RingProducer) {
    this.#ring = ring
  }

  /**
   * @returns false while the ring has no room
   * @throws RangeError when the text is longer than MAX_TEXT_BYTES
   */
  command(text: string): boolean {
    if (text.length * 3 > MAX_TEXT_BYTES) throw new RangeError(`${text.length} characters are too many for the ledger`)
    const at = this.#ring.reserve(COMMAND.text + ((text.length * 3 + 7) >> 3))
    if (at < 0) return false
    const length = this.#ring.views.bytes.write(text, (at + COMMAND.text) * 8, 'utf8')
    this.#ring.views.numbers[at + COMMAND.bytes] = length
    this.#ring.seal(at, ENTRY.command, COMMAND.text + ((length + 7) >> 3))
    return true
  }

  /**
   * Takes a text of any length, since what a call has used must not be lost for its names: one that no entry takes goes
   * in pieces. Never throws.
   *
   * @returns false while the ring has no room; the same use is to be tried again before anything else
   */
  use(use: KeptUse): boolean {
    const { seq, text } = use
    if (text.length * 3 > MAX_TEXT_BYTES) return this.#inPieces(use)
    const at = this.#ring.reserve(USE.text + ((text.length * 3 + 7) >> 3))
    if (at < 0) return false
    const length = this.#ring.views.bytes.write(text, (at + USE.text) * 8, 'utf8')
    this.#seal(at, seq, { length, start: 0, total: length })
    return true
  }

  #inPieces(use: KeptUse): boolean {
    if (this.#long?.use !== use) this.#long = { use, bytes: Buffer.from(use.text), done: 0 }
    const { bytes, done } = this.#long
    for (let start = done; start < bytes.length; start += MAX_TEXT_BYTES) {
      const piece = bytes.subarray(start, start + MAX_TEXT_BYTES)
      const at = this.#ring.reserve(USE.text + ((piece.length + 7) >> 3))
      if (at < 0) return false
      this.#ring.views.bytes.set(piece, (at + USE.text) * 8)
      this.#seal(at, use.seq, { length: piece.length, start, total: bytes.length })
      this.#long.done = start + piece.length
    }
    this.#long = null
    return true
  }

  #seal(
    at: number,
    seq: number,
    { length, start, total }: { readonly length: number; readonly start: number; readonly total: number },
  ): void {
    const { numbers } = this.#ring.views
    numbers[at + USE.seq] = toWhole(seq)
    numbers[at + USE.bytes] = length
    numbers[at + USE.start] = start
    numbers[at + USE.total] = total
    this.#ring.seal(at, ENTRY.use, USE.text + ((length + 7) >> 3))
  }
}
