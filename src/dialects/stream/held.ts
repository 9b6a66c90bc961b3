const FIRST_CAPACITY_BYTES = 512

/** Bytes that wait for the rest of their frame. They are copied, so that no piece of them keeps a larger chunk alive. */
export class HeldBytes {
  length = 0
  #buffer: Buffer | null = null

  add(bytes: Buffer, from: number): void {
    const length = this.length + bytes.length - from
    if (this.#buffer === null || this.#buffer.length < length) {
      const larger = Buffer.allocUnsafe(Math.max(FIRST_CAPACITY_BYTES, length, 2 * this.length))
      this.#buffer?.copy(larger, 0, 0, this.length)
      this.#buffer = larger
    }
    bytes.copy(this.#buffer, this.length, from)
    this.length = length
  }

  /** Gives away what was held and, behind it, the bytes up to `end`. */
  take(bytes: Buffer, end: number): Buffer {
    const whole = Buffer.allocUnsafe(this.length + end)
    this.#buffer?.copy(whole, 0, 0, this.length)
    bytes.copy(whole, this.length, 0, end)
    this.drop()
    return whole
  }

  drop(): void {
    this.#buffer = null
    this.length = 0
  }
}
