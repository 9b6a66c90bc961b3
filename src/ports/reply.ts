import type { RawHeaders } from './engine.ts'

/** The caller's side of a call: where its answer goes. Writing after the caller left is harmless. */
export interface Reply {
  /** Sends status and headers. Once, before anything else. */
  head(status: number, headers: RawHeaders): void
  /** @returns false when the caller reads slower than this is written: wait for `onDrain` */
  write(bytes: Uint8Array): boolean
  end(bytes?: Uint8Array): void
  /** Breaks the connection, so that nobody takes what was sent for whole. */
  cut(): void
  readonly headSent: boolean
  /** Called whenever there is room again. */
  onDrain: (() => void) | null
  /** Called once when the caller left before the end. */
  onLeft: (() => void) | null
}
