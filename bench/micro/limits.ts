import { LimitBook } from '../../src/policy/limits/book.ts'
import type { Caller } from '../../src/vocabulary/caller.ts'
import { declaredLimitId, type LimitTerms } from '../../src/vocabulary/limit.ts'
import { readLimitTerms } from '../../src/vocabulary/limit-terms.ts'
import type { LimitedCall } from '../../src/vocabulary/limited-call.ts'
import { roomyLimits } from '../roomy.ts'
import { median } from '../statistics.ts'

/** How many times an operation is timed, and for how long each time; the median is told. */
const ROUNDS = 7
const ROUND_MS = 60
const START = Date.UTC(2026, 9, 1)
/** Keys, and runs a day, of which the memory is told. */
const MANY_KEYS = 100_000
const MANY_RUNS = 1_000_000
const DAY_MS = 86_400_000

const WORST = { dollars: 4_100_000n, inputTokens: 900, outputTokens: 400 }
const NEED = { worst: WORST, expected: null, isLearnt: false }
const ACTUAL = { dollars: 1_200_000n, inputTokens: 800, outputTokens: 90 }
const UPSTREAMS = ['openai']
const TAGS = { project: 'atlas' }

function terms(text: unknown): LimitTerms {
  const read = readLimitTerms(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

function bookOf(limits: readonly unknown[]): LimitBook {
  const book = new LimitBook(START)
  const ids = new Set<string>()
  for (const text of limits) {
    const read = terms(text)
    const id = declaredLimitId(read)
    ids.add(id)
    book.put({ ...read, id, createdAt: START, readOnly: true }, START)
  }
  if (ids.size !== limits.length) throw new Error(`of ${limits.length} limits only ${ids.size} are different`)
  return book
}

/** Limits that bind the caller of these calls. */
function roomy(count: number): readonly object[] {
  return roomyLimits(count, { team: 'search', user: 'ana', key: 'ci', tag: 'project=atlas', model: 'fast' })
}

function callOf(caller: Caller): LimitedCall {
  return { caller, model: 'fast', upstreams: UPSTREAMS, runBudget: null, maxDollars: null, skip: [] }
}

const PLAIN: Caller = { key: 'ci', team: 'search', user: 'ana', tags: TAGS, run: null }

/** @returns nanoseconds of one operation */
function time(operation: (i: number) => void): number {
  let batch = 500
  const rounds = Array.from({ length: ROUNDS }, () => {
    let operations = 0
    const began = process.hrtime.bigint()
    let elapsed = 0
    while (elapsed < ROUND_MS * 1e6) {
      for (let i = 0; i < batch; i++) operation(i)
      operations += batch
      elapsed = Number(process.hrtime.bigint() - began)
    }
    batch = Math.max(500, Math.floor(operations / 20))
    return elapsed / operations
  })
  return median(rounds)!
}

/** Time goes on by a millisecond every twelve calls, as at 12,000 calls a second. */
function clock(): () => number {
  let calls = 0
  return () => START + Math.floor(calls++ / 12)
}

function deciding(count: number, call: (i: number) => LimitedCall): readonly [decide: number, whole: number] {
  const book = bookOf(roomy(count))
  const now = clock()
  const whole = time(i => {
    const decision = book.decide(call(i), NEED, now())
    if (decision.kind !== 'admit') throw new Error(decision.kind)
    book.post(decision.hold, ACTUAL, now())
    if (i % 256 === 0) book.changes()
  })
  const decide = time(i => {
    const decision = book.decide(call(i), NEED, now())
    if (decision.kind !== 'admit') throw new Error(decision.kind)
    if (i % 256 === 0) book.changes()
  })
  return [decide, whole]
}

function refusing(count: number): number {
  const full = { scope: 'key:ci', unit: 'outputTokens', amount: 0, window: 'total' }
  const book = bookOf([...roomy(count), full])
  const now = clock()
  const call = callOf(PLAIN)
  return time(() => {
    if (book.decide(call, NEED, now()).kind !== 'refuse') throw new Error('admitted')
  })
}

function heapBytes(): number {
  const collect = (globalThis as { gc?: () => void }).gc
  collect?.()
  return process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers
}

/** @returns bytes for each member after so many callers made `calls` calls each */
function memory(limits: readonly unknown[], callers: number, callerOf: (i: number) => Caller, calls = 1): number {
  const before = heapBytes()
  const book = bookOf(limits)
  for (let round = 0; round < calls; round++) {
    for (let i = 0; i < callers; i++) {
      const at = START + Math.floor(((round * callers + i) / (callers * calls)) * DAY_MS)
      const decision = book.decide(callOf(callerOf(i)), NEED, at)
      if (decision.kind !== 'admit') throw new Error(decision.kind)
      book.post(decision.hold, ACTUAL, at)
      if (i % 256 === 0) book.changes()
    }
  }
  book.changes()
  const bytes = heapBytes() - before
  return book.size.members === 0 ? Number.NaN : bytes / callers
}

const runs = Array.from({ length: 4_096 }, (_, i) => callOf({ ...PLAIN, run: `run-${i}` }))
const plain = callOf(PLAIN)
const tell = (name: string, nanoseconds: number) =>
  console.log(`${name.padEnd(48)} ${nanoseconds.toFixed(0).padStart(7)} ns`)

for (const count of [0, 1, 20, 200]) {
  const [decide, whole] = deciding(count, () => plain)
  tell(`decide and hold, ${count} limits`, decide)
  tell(`decide, hold and post, ${count} limits`, whole)
}
const [withRuns] = deciding(20, i => runs[i & 4_095]!)
tell('decide and hold, 20 limits, callers with runs', withRuns)
const [fresh] = deciding(20, () => callOf({ ...PLAIN, tags: { project: 'atlas', feature: 'search' } }))
tell('decide and hold, 20 limits, tags of headers', fresh)
tell('refuse, 20 limits', refusing(20))
tell('refuse, 200 limits', refusing(200))

const keyOf = (i: number): Caller => ({ key: `key-${i}`, team: null, user: null, tags: {}, run: null })
const eachKey = (window: unknown) => [{ scope: 'each:key', unit: 'dollars', amount: '5', window }]
const tellMemory = (name: string, callers: number, bytes: number) =>
  console.log(
    `${name.padEnd(48)} ${bytes.toFixed(0).padStart(7)} B each, ${((bytes * callers) / 2 ** 20).toFixed(0)} MiB`,
  )
tellMemory('memory of 100,000 keys, total', MANY_KEYS, memory(eachKey('total'), MANY_KEYS, keyOf))
tellMemory(
  'memory of 100,000 keys, sliding 1d, 1 call',
  MANY_KEYS,
  memory(eachKey({ sliding: '1d' }), MANY_KEYS, keyOf),
)
const crowded = memory(eachKey({ sliding: '1d' }), MANY_KEYS, keyOf, 50)
tellMemory('memory of 100,000 keys, sliding 1d, 50 calls', MANY_KEYS, crowded)
const eachRun = [{ scope: 'each:run', unit: 'dollars', amount: '5', window: 'total' }]
const runOf = (i: number): Caller => ({ ...PLAIN, run: `run-${i}` })
tellMemory('memory of a million runs a day, total', MANY_RUNS, memory(eachRun, MANY_RUNS, runOf))
