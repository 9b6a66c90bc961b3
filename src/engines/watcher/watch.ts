import type { Cancel, Clock } from '../../ports/clock.ts'
import type { EngineListener } from '../../ports/fleet.ts'
import type { DurationMs } from '../../units/time.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import { subscribeToCache } from '../kvEvents/subscription.ts'
import { openAsker } from './ask.ts'
import { hearerOf } from './hearing.ts'
import { hostOf, hostsBehind, isOnePlace, shownUrl } from './hosts.ts'
import { Poll } from './poll.ts'
import { Slots } from './slots.ts'

/** Looks a name up: all of its addresses. Rejects, or finds none, where there is no answer. */
export type Resolve = (name: string) => Promise<readonly string[]>

export interface WatchedUpstream {
  readonly name: string
  readonly engine: EngineKind
  /** What stands before `/chat/completions`; none for a simulated one. */
  readonly baseUrls: readonly string[]
  /** Sent as bearer; null sends none. */
  readonly apiKey: string | null
  /** Sent with each question. */
  readonly headers: Readonly<Record<string, string>>
  /** How many replicas it may have, at least one for each base URL: `slotsFor`, or how many are simulated. */
  readonly slots: number
  /** Where its engines publish changes of their prefix cache (vLLM's and SGLang's usual port is 5557); null where they don't. */
  readonly kvEventsPort: number | null
}

export interface WatchTerms {
  readonly clock: Clock
  readonly resolve: Resolve
  /** Told once for each thing that people should know. */
  readonly note: (sentence: string) => void
}

/** How often names are looked up. */
export const LOOKUP_EVERY_MS: DurationMs = 5_000
/** Replicas behind a name whose first lookup takes longer are asked for by the name until it is known. */
export const FIRST_LOOKUP_MS: DurationMs = 2_000
/** Lookups in a row without an address after which it is gone: some name servers tell a part of the addresses at a time. */
const MISSES_UNTIL_GONE = 2

/** One that was refused so often in a row is not there: once may be a restart that takes no time. */
const REFUSED_UNTIL_TOLD = 2

/** A replica that is there. */
interface Present {
  readonly slot: number
  readonly end: () => void
  misses: number
}

/** One base URL, and the replicas behind its host. */
interface Base {
  readonly at: number
  readonly url: URL
  readonly host: string
  readonly present: Map<string, Present>
}

/** Watches the replicas of one upstream: finds out who they are, and asks each how it is. */
export class UpstreamWatch {
  readonly #upstream: WatchedUpstream
  readonly #kind: Exclude<EngineKind, 'simulated'>
  readonly #listener: EngineListener
  readonly #terms: WatchTerms
  readonly #headers: Readonly<Record<string, string>>
  readonly #slots: Slots
  readonly #bases: readonly Base[]
  readonly #timers = new Set<Cancel>()
  #toldOfTooMany = false
  #ended = false

  constructor(
    upstream: WatchedUpstream & { readonly engine: Exclude<EngineKind, 'simulated'> },
    listener: EngineListener,
    terms: WatchTerms,
  ) {
    this.#upstream = upstream
    this.#kind = upstream.engine
    this.#listener = listener
    this.#terms = terms
    this.#headers = headersFor(upstream)
    this.#slots = new Slots(upstream.slots)
    this.#bases = upstream.baseUrls.map((baseUrl, at) => {
      const url = new URL(baseUrl)
      return { at, url, host: hostOf(url), present: new Map() }
    })
  }

  /** Replicas appear in the order of their URLs; those before the first name within this call. */
  start(): void {
    let turn: Promise<void> | null = null
    for (const base of this.#bases) {
      if (!isOnePlace(base.host)) turn = this.#follow(base, turn ?? Promise.resolve())
      else if (turn === null) this.#admit(base, base.host)
      else turn = turn.then(() => this.#admit(base, base.host))
    }
  }

  end(): void {
    this.#ended = true
    for (const cancel of this.#timers) cancel()
    for (const { present } of this.#bases) for (const { end } of present.values()) end()
  }

  /** @returns when the replicas of that name have slots; its addresses are followed from then on */
  async #follow(base: Base, before: Promise<void>): Promise<void> {
    const asked = this.#lookUp(base)
    const first = await Promise.race([asked, this.#late()])
    await before
    if (this.#ended) return
    if (first !== null) return this.#found(base, first)
    this.#admit(base, base.host)
    void asked.then(hosts => this.#found(base, hosts))
  }

  #found(base: Base, hosts: readonly string[] | null): void {
    if (this.#ended) return
    if (hosts !== null) this.#compare(base, hosts)
    this.#after(LOOKUP_EVERY_MS, () => {
      void this.#lookUp(base).then(next => this.#found(base, next))
    })
  }

  /** @returns null where there is no answer, which changes nothing */
  async #lookUp({ host }: Base): Promise<readonly string[] | null> {
    try {
      const addresses = await this.#terms.resolve(host)
      return addresses.length === 0 ? null : hostsBehind(host, addresses)
    } catch {
      return null
    }
  }

  #late(): Promise<null> {
    return new Promise(resolve => this.#after(FIRST_LOOKUP_MS, () => resolve(null)))
  }

  #after(delayMs: DurationMs, callback: () => void): void {
    const cancel = this.#terms.clock.after(delayMs, () => {
      this.#timers.delete(cancel)
      callback()
    })
    this.#timers.add(cancel)
  }

  /** Takes note of who is behind a name now. */
  #compare(base: Base, hosts: readonly string[]): void {
    const [first] = hosts
    const byName = base.present.get(base.host)
    // Who was asked for by the name is now known by its first address.
    if (byName !== undefined && !hosts.includes(base.host)) {
      this.#dismiss(base, base.host)
      this.#slots.rename(byName.slot, keyOf(base, first!))
      this.#slots.leave(byName.slot, this.#terms.clock.monotonic())
    }
    for (const [host, present] of base.present) {
      present.misses = hosts.includes(host) ? 0 : present.misses + 1
      if (present.misses >= MISSES_UNTIL_GONE) this.#dismiss(base, host)
    }
    for (const host of hosts) if (!base.present.has(host)) this.#admit(base, host)
  }

  #admit(base: Base, host: string): void {
    if (this.#ended) return
    const { clock } = this.#terms
    const slot = this.#slots.take(keyOf(base, host), clock.monotonic())
    if (slot === null) return this.#tellOfTooMany(base)
    const isItself = slot === base.at && host === base.host
    const asker = openAsker({ url: base.url, host: host === base.host ? null : host, headers: this.#headers, clock })
    const hear = hearerOf(this.#kind, asker.ask, clock)
    let refused = 0
    const poll = new Poll(hear, clock, (load, askedAt) => {
      if (load !== null) this.#listener.heard(slot, load, askedAt)
      if (refused >= REFUSED_UNTIL_TOLD && !asker.isRefused) this.#listener.reached?.(slot, true)
      refused = asker.isRefused ? refused + 1 : 0
      if (refused === REFUSED_UNTIL_TOLD) this.#listener.reached?.(slot, false)
    })
    const deaf = this.#subscribe(slot, host)
    const end = () => {
      poll.end()
      asker.close()
      deaf()
    }
    base.present.set(host, { slot, misses: 0, end })
    this.#listener.appeared(slot, shownUrl(base.url, host), isItself ? null : { base: base.at, host })
    poll.start()
  }

  /** @returns ends it */
  #subscribe(slot: number, host: string): () => void {
    const { kvEventsPort, name } = this.#upstream
    if (kvEventsPort === null) return () => {}
    return subscribeToCache({
      host,
      port: kvEventsPort,
      heard: change => this.#listener.cached?.(slot, change),
      note: sentence => this.#terms.note(`events of the cache of ${host} in upstream ${name}: ${sentence}`),
    })
  }

  #dismiss(base: Base, host: string): void {
    const { slot, end } = base.present.get(host)!
    base.present.delete(host)
    end()
    this.#slots.leave(slot, this.#terms.clock.monotonic())
    this.#listener.gone(slot)
  }

  #tellOfTooMany({ host }: Base): void {
    if (this.#toldOfTooMany) return
    this.#toldOfTooMany = true
    const { name, slots } = this.#upstream
    this.#terms.note(
      `${host} has more addresses than upstream ${name} may have replicas, ${slots}; the others are not asked`,
    )
  }
}

const keyOf = ({ at }: Base, host: string): string => `${at} ${host}`

/** Configured headers go first, as they do with calls. */
function headersFor({ apiKey, headers }: WatchedUpstream): Readonly<Record<string, string>> {
  const sent: Record<string, string> = {}
  if (apiKey !== null) sent.authorization = `Bearer ${apiKey}`
  for (const [name, value] of Object.entries(headers)) sent[name.toLowerCase()] = value
  return sent
}
