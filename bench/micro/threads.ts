/**
 * What a call costs a thread of the data plane and the thread that owns limits and ledger, with 20 limits that bind it.
 * Both stand in one thread here and take turns, each timed by itself; copying their messages is told apart, as what
 * threads pay between them for not sharing memory.
 */
import { LimitDesk } from '../../src/lifecycle/limits/desk.ts'
import { LimitBook } from '../../src/policy/limits/book.ts'
import { needOf } from '../../src/policy/limits/call.ts'
import type { Clock } from '../../src/ports/clock.ts'
import type { Line } from '../../src/threads/channel.ts'
import { Leases } from '../../src/threads/leases.ts'
import type { FromPlane } from '../../src/threads/messages.ts'
import { Owner } from '../../src/threads/owner.ts'
import { Plane } from '../../src/threads/plane.ts'
import { encodeCallId, ID_EPOCH_MS } from '../../src/vocabulary/id.ts'
import { declaredLimitId } from '../../src/vocabulary/limit.ts'
import { readLimitTerms } from '../../src/vocabulary/limit-terms.ts'
import type { LimitedCall } from '../../src/vocabulary/limited-call.ts'
import type { CallRecord } from '../../src/vocabulary/record.ts'
import { roomyLimits } from '../roomy.ts'
import { median } from '../statistics.ts'

const START = Date.UTC(2026, 9, 1)
const LIMITS = 20
const ROUNDS = 7
/** Calls that begin in one turn of the event loop, as at saturation. */
const CALLS_A_TURN = 16
const TURNS = 1_000
const LOCAL_DECISIONS = 200_000
const CALLS_PER_MS = 12

const CALL: LimitedCall = {
  caller: { key: 'ci', team: 'search', user: 'ana', tags: { project: 'atlas' }, run: null },
  model: 'fast',
  upstreams: ['openai'],
  runBudget: null,
  maxDollars: null,
  skip: [],
}
const WORST = { dollars: 4_100_000n, inputTokens: 900, outputTokens: 400 }
const NEED = { worst: WORST, expected: null, isLearnt: false }
const ACTUAL = { dollars: 1_200_000n, inputTokens: 800, outputTokens: 90 }
const TIMINGS = { gatewayMs: 0.1, queueMs: 0, upstreamMs: 20, commitMs: 2, traceparent: null }

let calls = 0
const clock: Clock = {
  now: () => START + Math.floor(calls / CALLS_PER_MS),
  monotonic: () => calls / CALLS_PER_MS,
  after: () => () => {},
}

function recordOf(n: number): CallRecord {
  const usage = {
    inputTokens: 800,
    cachedInputTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 90,
    reasoningTokens: 0,
    source: 'reported',
  } as const
  const attempt = {
    deployment: 'openai/gpt',

    replica: null,
    route: null,
    placement: null,
    outcome: 'completed',
    status: 200,
    startedAt: clock.now(),
    durationMs: 20,
    timeToFirstTokenMs: null,
    usage,
    rate: { perMillion: { input: '0.10', output: '0.40' }, priceBook: 'bench' },
    dollars: ACTUAL.dollars,
  } as const
  return {
    id: encodeCallId(clock.now() - ID_EPOCH_MS, n % 4_096),
    at: clock.now(),
    model: CALL.model,
    dialect: 'openai',
    endpoint: 'chat/completions',
    caller: CALL.caller,
    outcome: 'completed',
    status: 200,
    streamed: false,
    heldDollars: WORST.dollars,
    dollars: ACTUAL.dollars,
    durationMs: 21,
    timeToFirstTokenMs: null,
    attempts: [attempt],
    limited: false,
    overrunDollars: null,
    downgradedTo: null,
    tier: null,
    queueMs: 0,
  }
}

/** One end of a line whose messages are handed over when it is told to. */
class End implements Line {
  readonly sent: unknown[] = []
  #listener: (message: unknown) => void = () => {}

  send(message: unknown): void {
    this.sent.push(message)
  }

  hear(listener: (message: unknown) => void): void {
    this.#listener = listener
  }

  take(messages: readonly unknown[]): void {
    for (const message of messages) this.#listener(message)
  }
}

function openBook(): LimitBook {
  const book = new LimitBook(START)
  const bound = { team: 'search', user: 'ana', key: 'ci', tag: 'project=atlas', model: 'fast' }
  for (const text of roomyLimits(LIMITS, bound)) {
    const read = readLimitTerms(text)
    if ('faults' in read) throw new Error(JSON.stringify(read.faults))
    book.put({ ...read.terms, id: declaredLimitId(read.terms), createdAt: START, readOnly: true }, START)
  }
  return book
}

interface Spent {
  planeNs: number
  ownerNs: number
  copyNs: number
  asked: number
  calls: number
}

/** Seconds are the processor's: everything here runs in one thread that is never idle. */
function timed<T>(add: (nanoseconds: number) => void, work: () => T): T {
  const began = process.hrtime.bigint()
  const value = work()
  add(Number(process.hrtime.bigint() - began))
  return value
}

const turn = () => new Promise<void>(resolve => setImmediate(resolve))

/** A thread and its owner: calls begin, end, are recorded, and are told to the observer. */
class Pair {
  readonly #owner = new End()
  readonly #plane = new End()
  readonly #stage: Plane
  readonly #book = openBook()
  #spent: Spent = { planeNs: 0, ownerNs: 0, copyNs: 0, asked: 0, calls: 0 }

  constructor() {
    const observer = { callStarted() {}, callEnded() {}, recordLost() {}, callRefused() {} }
    const owner = new Owner({
      desk: new LimitDesk(this.#book, clock, { keep() {}, keepBudget() {} }),
      ledger: { writable: true, receipt: async () => null, append: (_, durable) => setImmediate(durable, null) },
      observer,
      places: { ask: () => null },
      metrics: () => Promise.reject(new Error('nobody asks')),
      admin: () => Promise.reject(new Error('nobody asks')),
    })
    owner.attach(this.#owner)
    // A second one, so that slices are as large as with two threads.
    owner.attach(new End())
    const orders = { addKey() {}, removeKey() {}, learn() {}, drain: async () => {} }
    this.#stage = new Plane(this.#plane, clock, orders)
  }

  async run(turns: number): Promise<Spent> {
    this.#spent = { planeNs: 0, ownerNs: 0, copyNs: 0, asked: 0, calls: 0 }
    for (let i = 0; i < turns; i++) {
      timed(this.#toPlane, () => {
        for (let n = 0; n < CALLS_A_TURN; n++) this.#begin()
      })
      await this.#exchange()
      if (i % 16 === 0) this.#book.changes()
    }
    // What was asked last is answered: none of it counts.
    for (let i = 0; i < 4; i++) await this.#exchange()
    return this.#spent
  }

  #begin(): void {
    calls++
    this.#spent.calls++
    this.#stage.callStarted()
    this.#stage.admit(CALL, NEED, answer => {
      if (answer.kind !== 'admit') throw new Error(answer.kind)
      answer.hold.post(ACTUAL)
      const record = recordOf(calls)
      this.#stage.append(record, failure => {
        if (failure !== null) throw failure
        this.#stage.callEnded(record, TIMINGS)
      })
    })
  }

  /** A turn of the event loop, in which both sides send what they have; then each hears the other. */
  async #exchange(): Promise<void> {
    await turn()
    const toOwner = this.#copied(this.#plane.sent.splice(0))
    for (const messages of toOwner as FromPlane[][]) {
      for (const { is } of messages) if (is === 'admit') this.#spent.asked++
    }
    timed(this.#toOwner, () => this.#owner.take(toOwner))
    await turn()
    const toPlane = this.#copied(this.#owner.sent.splice(0))
    timed(this.#toPlane, () => this.#plane.take(toPlane))
  }

  #copied(messages: readonly unknown[]): readonly unknown[] {
    return timed(
      ns => {
        this.#spent.copyNs += ns
      },
      () => messages.map(message => structuredClone(message)),
    )
  }

  readonly #toPlane = (nanoseconds: number): void => {
    this.#spent.planeNs += nanoseconds
  }

  readonly #toOwner = (nanoseconds: number): void => {
    this.#spent.ownerNs += nanoseconds
  }
}

/** @returns nanoseconds of a decision out of a lease that never ends */
function decidingLocally(): number {
  const leases = new Leases(() => {})
  const amounts = needOf(WORST).map(() => Number.MAX_SAFE_INTEGER)
  const rounds = Array.from({ length: ROUNDS }, (_, n) => {
    leases.keep(CALL, NEED, { n, amounts, until: Number.POSITIVE_INFINITY, rate: null })
    const began = process.hrtime.bigint()
    for (let i = 0; i < LOCAL_DECISIONS; i++) if (leases.take(CALL, NEED, START + i) === null) throw new Error('spent')
    return Number(process.hrtime.bigint() - began) / LOCAL_DECISIONS
  })
  return median(rounds)!
}

const tell = (name: string, value: number, unit: string) =>
  console.log(`${name.padEnd(48)} ${value.toFixed(0).padStart(7)} ${unit}`)

tell('decide out of a lease, in the thread', decidingLocally(), 'ns')
const pair = new Pair()
const rounds: Spent[] = []
for (let i = 0; i < ROUNDS; i++) rounds.push(await pair.run(TURNS))
const perCall = (of: (spent: Spent) => number) => median(rounds.map(spent => of(spent) / spent.calls))!
tell(
  "owner's part of a call, 20 limits",
  perCall(spent => spent.ownerNs),
  'ns',
)
tell(
  "thread's part of it, 20 limits",
  perCall(spent => spent.planeNs),
  'ns',
)
tell(
  'copying its messages, both threads together',
  perCall(spent => spent.copyNs),
  'ns',
)
tell('calls that ask the owner, of a thousand', 1_000 * perCall(spent => spent.asked), 'calls')
