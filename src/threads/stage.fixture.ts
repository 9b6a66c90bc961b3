import { LimitDesk } from '../lifecycle/limits/desk.ts'
import { LimitBook } from '../policy/limits/book.ts'
import type { Cancel, Clock } from '../ports/clock.ts'
import type { LimitAnswer } from '../ports/limits.ts'
import type { PlaceAnswer, PlaceAsk, Places } from '../ports/places.ts'
import type { Caller } from '../vocabulary/caller.ts'
import { declaredLimitId, type Limit, type LimitView } from '../vocabulary/limit.ts'
import { readLimitTerms } from '../vocabulary/limit-terms.ts'
import type { Amounts, LimitedCall } from '../vocabulary/limited-call.ts'
import { limitsOfPlan } from '../vocabulary/plan.ts'
import { readPlan } from '../vocabulary/plan-terms.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { Line } from './channel.ts'
import type { Lessee } from './lessee.ts'
import type { Learnt } from './messages.ts'
import { Owner } from './owner.ts'
import { Plane } from './plane.ts'

export const START = Date.UTC(2026, 5, 1)

/** Both ends of a line; what is sent is copied, as between threads, and arrives in a later turn. */
function lines(): readonly [Line, Line] {
  const ends = [0, 1].map(() => ({ listener: (_: unknown) => {} }))
  const end = (own: number): Line => ({
    send: message => {
      const copy = structuredClone(message)
      setImmediate(() => ends[1 - own]!.listener(copy))
    },
    hear: listener => {
      ends[own]!.listener = listener
    },
  })
  return [end(0), end(1)]
}

export function limitOf(text: Record<string, unknown>): Limit {
  const read = readLimitTerms(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return { ...read.terms, id: declaredLimitId(read.terms), createdAt: START, readOnly: true }
}

export function planLimitsOf(name: string, value: unknown): readonly Limit[] {
  const read = readPlan(name, value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return limitsOfPlan(read.plan).map(limit => ({ ...limit, createdAt: START, readOnly: true }))
}

/** One place, for which calls wait in order. */
export class FewPlaces implements Places {
  readonly waiting: { readonly ask: PlaceAsk; readonly answer: (answer: PlaceAnswer) => void }[] = []
  readonly events: string[] = []
  isTaken = false

  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): Cancel | null {
    const entry = { ask, answer }
    this.waiting.push(entry)
    this.#serve()
    if (!this.waiting.includes(entry)) return null
    return () => {
      this.events.push(`${ask.tenant} left`)
      this.waiting.splice(this.waiting.indexOf(entry), 1)
    }
  }

  #serve(): void {
    const next = this.isTaken ? undefined : this.waiting.shift()
    if (next === undefined) return
    this.isTaken = true
    const { tenant, deployments } = next.ask
    next.answer({
      kind: 'place',
      place: {
        deployment: deployments[0]!.name,
        replica: 1,
        address: null,
        expectedCachedTokens: 64,
        began: waitedMs => this.events.push(`${tenant} began after ${waitedMs}`),
        ended: ({ usage }) => {
          this.events.push(`${tenant} ended with ${usage?.outputTokens ?? 'nothing'}`)
          this.isTaken = false
          this.#serve()
        },
      },
    })
  }
}

export function placeAsk(tenant: string): PlaceAsk {
  return {
    model: 'fast',
    deployments: [{ name: 'pool/m', tried: [] }],
    tenant,
    tier: 'standard',
    since: 0,
    waitedMs: 0,
    deadlineAt: null,
    mayWait: true,
    bytes: 100,
    tokens: { input: 100, output: 10 },
    prompt: { hashes: Float64Array.of(1, 2), blockTokens: 16 },
    elsewhere: null,
  }
}

export interface ThreadsStage {
  now: number
  /** Whether the ledger takes records. */
  writable: boolean
  readonly book: LimitBook
  readonly owner: Owner
  readonly places: FewPlaces
  readonly planes: readonly Plane[]
  readonly lessees: readonly Lessee[]
  readonly records: readonly CallRecord[]
  readonly keys: string[]
  /** What each plane was told that others had learnt. */
  readonly lessons: readonly (readonly Learnt[])[]
  /** Starts another thread. */
  attach(): void
  /** How a call is answered, asked at one of the planes. */
  ask(plane: number, changes?: Partial<LimitedCall>, worst?: Amounts): Promise<LimitAnswer>
  /** The limit as the caller sees it through a plane. */
  view(plane?: number): Promise<LimitView>
}

export const CALLER: Caller = { key: 'ci', team: null, user: null, tags: {}, run: null }
/** One array for all calls, by which leases know them. */
export const UPSTREAMS: readonly string[] = ['openai']
export const WORST: Amounts = { dollars: 10_000_000n, inputTokens: 40, outputTokens: 200 }

/** An owner and its planes, in one thread, on a clock that tests move. */
export function stageThreads(limits: readonly Record<string, unknown>[], count = 2): ThreadsStage {
  const book = new LimitBook(START)
  for (const limit of limits) book.put(limitOf(limit), START)
  const records: CallRecord[] = []
  const keys: string[] = []
  const lessons: Learnt[][] = []
  const clock: Clock = {
    now: () => stage.now,
    monotonic: () => stage.now,
    // Moments pass by themselves; what is to happen later does not.
    after(delay, callback) {
      const moment = delay < 10 ? setImmediate(callback) : null
      return () => {
        if (moment !== null) clearImmediate(moment)
      }
    },
  }
  const desk = new LimitDesk(book, clock, { keep: () => {}, keepBudget: () => {} })
  const observer = { callStarted: () => {}, callEnded: () => {}, recordLost: () => {}, callRefused: () => {} }
  const places = new FewPlaces()
  const owner = new Owner({
    desk,
    ledger: {
      get writable() {
        return stage.writable
      },
      receipt: async id => records.find(record => record.id === id) ?? null,
      append: (record, durable) => {
        records.push(record)
        setImmediate(durable, null)
      },
    },
    observer,
    places,
    metrics: async () => ({ contentType: 'text/plain', text: 'metrics' }),
    admin: async ({ url }) => ({ status: 200, headers: [], body: new TextEncoder().encode(url) }),
  })
  const planes: Plane[] = []
  const lessees: Lessee[] = []
  const attach = () => {
    const [ownEnd, planeEnd] = lines()
    lessees.push(owner.attach(ownEnd))
    const own: Learnt[] = []
    lessons.push(own)
    planes.push(
      new Plane(planeEnd, clock, {
        addKey: key => keys.push(key.name),
        removeKey: name => keys.splice(keys.indexOf(name), 1),
        learn: answers => own.push(...answers),
        drain: async () => {},
      }),
    )
  }
  const call: LimitedCall = {
    caller: CALLER,
    model: 'fast',
    upstreams: UPSTREAMS,
    runBudget: null,
    maxDollars: null,
    skip: [],
  }
  const stage: ThreadsStage = {
    now: START,
    writable: true,
    book,
    owner,
    places,
    planes,
    lessees,
    records,
    keys,
    lessons,
    attach,
    ask: (plane, changes = {}, worst = WORST) =>
      new Promise(resolve => {
        planes[plane]!.admit({ ...call, ...changes }, { worst, expected: null, isLearnt: false }, resolve)
      }),
    async view(plane = 0) {
      const views = await planes[plane]!.views(CALLER)
      return views[0]!
    },
  }
  for (let i = 0; i < count; i++) attach()
  return stage
}
