import { Expectations } from '../policy/estimate/expectation.ts'
import { HealthBoard } from '../policy/health/board.ts'
import { tariffFromOverride } from '../policy/pricing/tariff.ts'
import { Warmth } from '../policy/routing/warmth.ts'
import type { Clock } from '../ports/clock.ts'
import type { AttemptSink, EngineClient, UpstreamRequest } from '../ports/engine.ts'
import type { AuditEntry, KeptBalance, KeptUse, LimitStore, StoredLimit } from '../ports/ledger.ts'
import type { Model } from '../vocabulary/deployment.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import { DEFAULT_RESILIENCE, NO_TIME_LIMITS } from '../vocabulary/resilience.ts'
import { type OpenLimits, openLimits } from './limits/open.ts'
import { DEFAULT_BOUNDS, type World } from './world.ts'

/** Of sessions nothing is known: no model has a choice that it could matter to. */
const WARMTH = new Warmth(Warmth.memory())

export const START = Date.UTC(2026, 5, 1)

/** Whole numbers below a bound, from a seed. */
export function dice(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}

interface Timer {
  readonly at: number
  readonly callback: () => void
}

/** Time that passes when it is told to, and never backwards. */
export class VirtualClock implements Clock {
  #now = START
  readonly #timers: Timer[] = []

  now(): number {
    return this.#now
  }

  monotonic(): number {
    return this.#now - START
  }

  after(delay: number, callback: () => void) {
    const timer = { at: this.#now + delay, callback }
    this.#timers.push(timer)
    return () => {
      const place = this.#timers.indexOf(timer)
      if (place >= 0) this.#timers.splice(place, 1)
    }
  }

  /** Lets everything happen that is due within so long, in its order. */
  pass(ms: number): void {
    const until = this.#now + ms
    for (let next = this.#nextBefore(until); next !== null; next = this.#nextBefore(until)) {
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.#now = Math.max(this.#now, next.at)
      next.callback()
    }
    this.#now = until
  }

  #nextBefore(until: number): Timer | null {
    let first: Timer | null = null
    for (const timer of this.#timers) if (timer.at <= until && timer.at < (first?.at ?? Infinity)) first = timer
    return first
  }

  /** Those who waited are dead. */
  forget(): void {
    this.#timers.length = 0
  }
}

type Entry =
  | { readonly is: 'use'; readonly use: KeptUse }
  | { readonly is: 'record'; readonly record: CallRecord; readonly durable: (failure: Error | null) => void }
  | { readonly is: 'other'; readonly apply: () => void; readonly done: () => void }

/** A disk that takes what came before in order, when it is told to, and loses the rest when the process dies. */
export class Disk {
  readonly records: CallRecord[] = []
  readonly limits = new Map<string, StoredLimit>()
  readonly #balances = new Map<string, KeptBalance>()
  #uses: KeptUse[] = []
  #waiting: Entry[] = []

  /** What comes before it in the queue is on disk then. */
  commit(): void {
    const entries = this.#waiting
    this.#waiting = []
    for (const entry of entries) {
      if (entry.is === 'use') this.#uses.push(entry.use)
      else if (entry.is === 'record') this.records.push(entry.record)
      else entry.apply()
    }
    for (const entry of entries) {
      if (entry.is === 'record') entry.durable(null)
      else if (entry.is === 'other') entry.done()
    }
  }

  die(): void {
    this.#waiting = []
  }

  append(record: CallRecord, durable: (failure: Error | null) => void): void {
    this.#waiting.push({ is: 'record', record, durable })
  }

  #later(apply: () => void): Promise<void> {
    return new Promise(done => this.#waiting.push({ is: 'other', apply, done }))
  }

  store(): LimitStore {
    const { limits } = this
    const lastSeq = Math.max(
      0,
      ...this.#uses.map(({ seq }) => seq),
      ...[...this.#balances.values()].map(({ asOf }) => asOf),
    )
    return {
      lastSeq,
      limits: () => [...limits.values()],
      putLimit: async (limit: StoredLimit, _: AuditEntry | null) => void limits.set(limit.id, limit),
      removeLimit: async id => {
        limits.delete(id)
        for (const [name, { balance }] of this.#balances) if (balance.limit === id) this.#balances.delete(name)
      },
      balances: () => [...this.#balances.values()],
      uses: () => [...this.#uses],
      keepUse: use => void this.#waiting.push({ is: 'use', use }),
      checkpoint: async (balances, asOf) => {
        // In pieces, between which the process may die.
        for (const balance of balances) {
          await this.#later(() => this.#balances.set(`${balance.limit}\n${balance.member}`, { balance, asOf }))
        }
        await this.#later(() => {
          this.#uses = this.#uses.filter(({ seq }) => seq > asOf)
        })
      },
      audits: async () => [],
    }
  }
}

/** Attempts under way, to be answered by whoever plays. */
export class Upstream implements EngineClient {
  readonly open: { readonly sink: AttemptSink; readonly request: UpstreamRequest }[] = []
  aborted = 0

  attempt(request: UpstreamRequest, sink: AttemptSink) {
    const entry = { sink, request }
    this.open.push(entry)
    return {
      pause: () => {},
      resume: () => {},
      abort: () => {
        this.aborted++
        const place = this.open.indexOf(entry)
        if (place >= 0) this.open.splice(place, 1)
      },
    }
  }

  async close(): Promise<void> {}
}

export const MODELS: readonly Model[] = ['big', 'small'].map(name => ({
  name,
  deployments: [
    { name: `u/${name}`, upstream: 'u', model: name, dialects: ['openai'], engine: null, replicas: 1, grams: null },
  ],
  route: 'inOrder',
  maxOutputTokens: null,
  resilience: { ...DEFAULT_RESILIENCE, timeLimits: { ...NO_TIME_LIMITS, idleMs: 5_000 } },
  createdAt: 0,
}))

/** A gateway without sockets, on a clock and a disk of its own. */
export async function openWorld(
  declared: Parameters<typeof openLimits>[0],
  { clock, disk, upstream }: { readonly clock: VirtualClock; readonly disk: Disk; readonly upstream: Upstream },
): Promise<{ readonly world: World; readonly limits: OpenLimits }> {
  const limits = await openLimits(declared, disk.store(), clock)
  const tariffs = {
    big: tariffFromOverride({ input: '10', output: '50' }, 'test'),
    small: tariffFromOverride({ input: '1', output: '5' }, 'test'),
  }
  const world: World = {
    clock,
    random: { next: () => 0.5 },
    health: new HealthBoard(MODELS, HealthBoard.memoryFor(MODELS), 0),
    warmth: WARMTH,
    places: null,
    ledger: { writable: true, append: (record, durable) => disk.append(record, durable) },
    limits: limits.desk,
    expectations: new Expectations(),
    model: name => MODELS.find(model => model.name === name),
    observer: { callStarted: () => {}, callEnded: () => {}, recordLost: () => {}, callRefused: () => {} },
    engine: () => upstream,
    tariff: ({ model }) => tariffs[model as 'big' | 'small'],
    bounds: DEFAULT_BOUNDS,
  }
  return { world, limits }
}
