import type { Clock } from '../../ports/clock.ts'
import type { ReplicaAddress, UpstreamRequest } from '../../ports/engine.ts'
import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { ConnectionTerms } from './connection.ts'
import { Connections } from './connections.ts'

/** Where a replica is asked. */
export interface Replica {
  readonly connections: Connections
  readonly pathPrefix: string
}

/** An address that is one of several of a name, and when it was last asked. */
interface Addressed extends Replica {
  usedAt: MonotonicMs
}

/** After so long without a call, what is known of an address is let go: addresses of engines come and go. */
const FORGET_AFTER_MS: DurationMs = 600_000

/** The replicas of one upstream: one for each base URL, and one for each address that was asked of late. */
export class Replicas {
  readonly #baseUrls: readonly URL[]
  readonly #terms: ConnectionTerms
  readonly #clock: Clock
  readonly #bases: readonly Replica[]
  readonly #addressed = new Map<string, Addressed>()

  constructor(baseUrls: readonly string[], terms: ConnectionTerms, clock: Clock) {
    this.#baseUrls = baseUrls.map(baseUrl => new URL(baseUrl))
    this.#terms = terms
    this.#clock = clock
    this.#bases = this.#baseUrls.map(url => this.#open(url, null))
  }

  /** How many addresses are known besides the base URLs. */
  get addresses(): number {
    return this.#addressed.size
  }

  /** @returns null where the upstream has no such replica */
  find({ replica, address }: Pick<UpstreamRequest, 'replica' | 'address'>): Replica | null {
    if (address === null) return this.#bases[replica] ?? null
    const url = this.#baseUrls[address.base]
    return url === undefined ? null : this.#at(url, address)
  }

  async close(): Promise<void> {
    await Promise.all([...this.#bases, ...this.#addressed.values()].map(({ connections }) => connections.close()))
  }

  #at(url: URL, { base, host }: ReplicaAddress): Replica {
    const key = `${base} ${host}`
    const now = this.#clock.monotonic()
    let addressed = this.#addressed.get(key)
    if (addressed === undefined) {
      this.#forget(now)
      addressed = { ...this.#open(url, host), usedAt: now }
      this.#addressed.set(key, addressed)
    }
    addressed.usedAt = now
    return addressed
  }

  /** Lets go of addresses that nobody asks any more. A call that is under way there has a connection still. */
  #forget(now: MonotonicMs): void {
    for (const [key, { connections, usedAt }] of this.#addressed) {
      if (connections.open === 0 && now - usedAt >= FORGET_AFTER_MS) this.#addressed.delete(key)
    }
  }

  #open(url: URL, host: string | null): Replica {
    return {
      connections: new Connections(new URL(url.origin), host, this.#terms, this.#clock),
      pathPrefix: url.pathname.replace(/\/+$/, ''),
    }
  }
}
