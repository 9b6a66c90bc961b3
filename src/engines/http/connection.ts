import type { Socket } from 'node:net'
import { Client, type Dispatcher } from 'undici'
import type { DurationMs } from '../../units/time.ts'
import type { Dial, Opened, Place } from './dialer.ts'

/** What a connection tells the pool that it belongs to. */
export interface ConnectionOwner {
  /** It is open and carries no call. */
  idle(connection: Connection): void
  /** It is closed for good. */
  gone(connection: Connection): void
}

/** How a connection is used; undici's names. */
export type ConnectionTerms = Omit<Client.Options, 'connect'>

/**
 * Connections that one call may have opened for it. A second one is for a kept connection that closes before the request is
 * written; more would only follow an upstream that closes whatever it accepts.
 */
const MAX_OPENINGS = 2

const tooMany = (): Error => Object.assign(new Error('closed again'), { code: 'ECONNRESET' })
const ABANDONED = new Error('nobody waits for it any more')

/** One connection to a replica, which carries one call after the other. It is opened with its first call. */
export class Connection {
  readonly #client: Client
  readonly #owner: ConnectionOwner
  readonly #dial: Dial
  #opening: Socket | null = null
  #openings = 0
  #connectMs: DurationMs = 0
  #open = false
  #busy = false

  constructor(origin: URL, dial: Dial, owner: ConnectionOwner, terms: ConnectionTerms) {
    this.#dial = dial
    this.#owner = owner
    this.#client = new Client(origin, { ...terms, connect: (place, opened) => this.#connect(place, opened) })
    this.#client.on('connect', () => {
      this.#open = true
    })
    this.#client.on('disconnect', () => {
      this.#open = false
      if (!this.#busy) this.#owner.gone(this)
    })
    this.#client.on('drain', () => this.release())
  }

  /** Whether the call under way was given to a connection that stood open, and no other was opened for it. */
  get wasOpen(): boolean {
    return this.#openings === 0
  }

  /** Gives it a call; it must be idle or new. */
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler, connectMs: DurationMs): void {
    this.#busy = true
    this.#openings = 0
    this.#connectMs = connectMs
    this.#client.dispatch(options, handler)
  }

  /** The call that it was given is over, or was none. */
  release(): void {
    if (!this.#busy) return
    this.#busy = false
    if (this.#open) this.#owner.idle(this)
    else this.#owner.gone(this)
  }

  /** Closes it at once, also while it is being opened; a call on it fails. */
  async destroy(): Promise<void> {
    this.#busy = false
    this.#owner.gone(this)
    this.#opening?.destroy()
    await this.#client.destroy(ABANDONED)
  }

  #connect(place: Place, opened: Opened): void {
    this.#openings++
    if (this.#openings > MAX_OPENINGS) return queueMicrotask(() => opened(tooMany(), null))
    this.#opening = this.#dial(place, this.#connectMs, (...outcome) => {
      this.#opening = null
      opened(...outcome)
    })
  }
}
