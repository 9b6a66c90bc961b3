import type { Clock } from '../../ports/clock.ts'
import { Connection, type ConnectionOwner, type ConnectionTerms } from './connection.ts'
import { createDialer, type Dial } from './dialer.ts'

/**
 * The connections to one replica: one for each call under way, and those that wait for a next call. The one that was used last
 * is used first, so that those of a crowd that has gone fall idle and close.
 */
export class Connections implements ConnectionOwner {
  readonly #origin: URL
  readonly #terms: ConnectionTerms
  readonly #dial: Dial
  readonly #all = new Set<Connection>()
  readonly #idle: Connection[] = []
  #closed = false

  /** @param host connected to in place of the origin's, whose name is still the one that is asked for; null for the origin's */
  constructor(origin: URL, host: string | null, terms: ConnectionTerms, clock: Clock) {
    this.#origin = origin
    this.#terms = terms
    this.#dial = createDialer(clock, host)
  }

  /** How many there are, idle ones and those that are being opened included. */
  get open(): number {
    return this.#all.size
  }

  get closed(): boolean {
    return this.#closed
  }

  /** One that stands open, else a new one. */
  take(): Connection {
    return this.#idle.pop() ?? this.add()
  }

  /** A new one; one that fails every call once this is closed. */
  add(): Connection {
    const connection = new Connection(this.#origin, this.#dial, this, this.#terms)
    if (this.#closed) void connection.destroy()
    else this.#all.add(connection)
    return connection
  }

  idle(connection: Connection): void {
    this.#idle.push(connection)
  }

  gone(connection: Connection): void {
    this.#all.delete(connection)
    const at = this.#idle.indexOf(connection)
    if (at >= 0) this.#idle.splice(at, 1)
  }

  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#all].map(connection => connection.destroy()))
  }
}
