import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Clock } from '../../ports/clock.ts'
import type { ReplicaAddress } from '../../ports/engine.ts'
import type { CacheChange, EngineListener, EngineLoad } from '../../ports/fleet.ts'
import type { MonotonicMs } from '../../units/time.ts'
import type { WatchedUpstream } from './watch.ts'

/** How to close what a test opened; the newest first. */
const opened: (() => unknown)[] = []

export async function closeAll(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close()
}

/** Has something closed when the test is over. */
export function closing(close: () => unknown): void {
  opened.push(close)
}

export const realClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}

/** A clock that goes on when a test says so. */
export class SetClock implements Clock {
  #now = 0
  readonly #timers = new Set<{ readonly at: number; readonly callback: () => void }>()

  now = (): number => this.#now
  monotonic = (): number => this.#now

  get timers(): number {
    return this.#timers.size
  }

  after(delay: number, callback: () => void): () => void {
    const timer = { at: this.#now + delay, callback }
    this.#timers.add(timer)
    return () => this.#timers.delete(timer)
  }

  /** Calls back what is due on the way, and lets what hangs on it happen. */
  async goOn(byMs: number): Promise<void> {
    const until = this.#now + byMs
    for (;;) {
      await settled()
      const [next] = [...this.#timers].filter(({ at }) => at <= until).sort((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#timers.delete(next)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = until
  }
}

export async function settled(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}

/** An engine as far as it is asked how it is. */
export async function engine(
  answer: (request: IncomingMessage, response: ServerResponse) => void,
  host = '127.0.0.1',
  port = 0,
): Promise<number> {
  const server = createServer(answer)
  await new Promise<void>(resolve => server.listen(port, host, resolve))
  closing(() => {
    server.closeAllConnections()
    return new Promise(resolve => server.close(resolve))
  })
  return (server.address() as AddressInfo).port
}

export const watched = (over: Partial<WatchedUpstream> = {}): WatchedUpstream => ({
  name: 'pool',
  engine: 'vllm',
  baseUrls: [],
  apiKey: null,
  headers: {},
  kvEventsPort: null,
  slots: Math.max(1, over.baseUrls?.length ?? 0),
  ...over,
})

/** What a listener was told, in order. */
export class Heard implements EngineListener {
  readonly events: string[] = []
  readonly loads = new Map<number, EngineLoad>()
  /** When the last load of each replica was asked for. */
  readonly askedAt = new Map<number, MonotonicMs>()
  readonly addresses = new Map<number, ReplicaAddress | null>()
  readonly #waiting = new Set<() => void>()
  times = 0

  appeared(replica: number, url: string, address: ReplicaAddress | null): void {
    this.events.push(`+${replica} ${url}`)
    this.addresses.set(replica, address)
  }

  gone(replica: number): void {
    this.events.push(`-${replica}`)
    this.addresses.delete(replica)
  }

  heard(replica: number, load: EngineLoad, askedAt: MonotonicMs): void {
    this.times++
    this.loads.set(replica, load)
    this.askedAt.set(replica, askedAt)
    for (const look of this.#waiting) look()
  }

  cached(replica: number, { kind, blocks, tokens }: CacheChange): void {
    this.events.push(`${replica} ${kind} ${blocks} ${tokens}`)
    for (const look of this.#waiting) look()
  }

  /** Waits until something was heard that makes this true. */
  until(isTrue: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const look = () => {
        if (!isTrue()) return
        this.#waiting.delete(look)
        resolve()
      }
      this.#waiting.add(look)
      look()
    })
  }
}
