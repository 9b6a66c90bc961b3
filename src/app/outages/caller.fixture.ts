import type { RawHeaders } from '../../ports/engine.ts'
import type { Reply } from '../../ports/reply.ts'
import type { PlannedCall } from './draw.fixture.ts'
import type { VirtualTime } from './time.fixture.ts'

/** A caller that notes what it is sent, and when; it may read slowly, and leave. */
export class NotingCaller implements Reply {
  status = 0
  headers: RawHeaders = []
  heads = 0
  ends = 0
  cuts = 0
  /** What came with the first write. */
  firstText: string | null = null
  text = ''
  endedAt: number | null = null
  /** Place among everything that happened; null for one that stayed. */
  leftAt: { readonly event: number; readonly at: number } | null = null
  onDrain: (() => void) | null = null
  onLeft: (() => void) | null = null
  readonly #time: VirtualTime
  readonly #slow: PlannedCall['slow']
  #writes = 0

  constructor(time: VirtualTime, slow: PlannedCall['slow']) {
    this.#time = time
    this.#slow = slow
  }

  get headSent(): boolean {
    return this.heads > 0
  }

  head(status: number, headers: RawHeaders): void {
    this.heads++
    this.status = status
    this.headers = headers
  }

  write(bytes: Uint8Array): boolean {
    this.#take(bytes)
    this.#writes++
    if (this.#slow === null || this.#writes % this.#slow.writes !== 0) return true
    this.#time.after(this.#slow.ms, () => this.onDrain?.())
    return false
  }

  end(bytes?: Uint8Array): void {
    if (bytes !== undefined) this.#take(bytes)
    this.ends++
    this.endedAt = this.#time.now()
  }

  cut(): void {
    this.cuts++
    this.endedAt = this.#time.now()
  }

  leave(): void {
    if (this.endedAt !== null) return
    this.leftAt = { event: this.#time.event(), at: this.#time.now() }
    this.onLeft?.()
  }

  header(name: string): string | undefined {
    const at = this.headers.indexOf(name)
    return at < 0 ? undefined : this.headers[at + 1]
  }

  #take(bytes: Uint8Array): void {
    const text = Buffer.from(bytes).toString()
    this.firstText ??= text
    this.text += text
  }
}
