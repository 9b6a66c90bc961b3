/**
 * What the embedded ledger costs: `taskset -c 0 node bench/micro/journal.ts`.
 *
 * Prints, for several numbers of calls in flight, records a second, microseconds of processor that one record took on
 * the calling thread (append, acknowledgement and this program's own loop) and on all others (the writer), and how long
 * it waited until it was durable; then the bytes of one plain call on disk, and what one fsync takes here. Calls end
 * out of the order of their ids by about their own length, and rows that lie apart make more pages to write: hence long
 * and short ones.
 */
import { closeSync, fdatasyncSync, mkdtempSync, openSync, rmSync, statSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { LedgerStore } from '../../src/ports/ledger.ts'
import { openSqliteStores } from '../../src/stores/sqlite/open.ts'
import { encodeCallId, ID_EPOCH_MS } from '../../src/vocabulary/id.ts'
import type { CallRecord } from '../../src/vocabulary/record.ts'

const MODELS = 20
const KEYS = 200
const START_MS = 60_000_000_000
const CALLS_PER_SECOND = 12_000

/** A repeatable stream of numbers in [0, 1): mulberry32. */
function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

/** Plain calls as a busy gateway sees them, in the order in which they end: by arrival plus a log-normal duration. */
function plainCalls(count: number, firstSequence: number, medianMs: number): readonly CallRecord[] {
  const random = seeded(firstSequence + 1)
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())
  const rates = Array.from({ length: MODELS }, (_, model) => ({
    perMillion: { input: `0.${model + 10}`, cachedInput: '0.025', output: '2' },
    priceBook: 'genai-prices 0.1.8, 2026-09-23',
  }))
  const callers = Array.from({ length: KEYS }, (_, key) => ({
    key: `service-${key}`,
    team: `team-${key % 17}`,
    user: `user-${key}@example.com`,
    tags: { project: `project-${key % 31}`, feature: 'search' },
    run: null,
  }))
  const records = Array.from({ length: count }, (_, place): CallRecord => {
    const sequence = firstSequence + place
    const sinceEpochMs = START_MS + Math.floor((sequence * 1_000) / CALLS_PER_SECOND)
    const at = ID_EPOCH_MS + sinceEpochMs
    const model = Math.floor(random() * MODELS)
    const durationMs = medianMs * Math.exp(0.7 * normal())
    const dollars = BigInt(Math.floor(random() * 2_000_000))
    const inputTokens = Math.floor(random() * 4_000)
    return {
      id: encodeCallId(sinceEpochMs, sequence % 4_096),
      at,
      model: `model-${model}`,
      dialect: 'openai',
      endpoint: 'chat/completions',
      caller: callers[Math.floor(random() * KEYS)]!,
      outcome: 'completed',
      status: 200,
      streamed: false,
      heldDollars: dollars * 3n,
      dollars,
      durationMs,
      timeToFirstTokenMs: null,
      limited: false,
      overrunDollars: null,
      downgradedTo: null,
      tier: null,
      queueMs: 0,
      attempts: [
        {
          deployment: `openai/model-${model}`,
          outcome: 'completed',
          replica: null,
          route: null,
          placement: null,
          status: 200,
          startedAt: at,
          durationMs: durationMs - random(),
          timeToFirstTokenMs: null,
          usage: {
            inputTokens,
            cachedInputTokens: Math.floor(inputTokens * random()),
            cacheWrite5mTokens: 0,
            cacheWrite1hTokens: 0,
            outputTokens: Math.floor(random() * 800),
            reasoningTokens: Math.floor(random() * 300),
            source: 'reported',
          },
          rate: rates[model]!,
          dollars,
        },
      ],
    }
  })
  return records
    .map(record => ({ record, endedAt: record.at + record.durationMs }))
    .sort((a, b) => a.endedAt - b.endedAt)
    .map(({ record }) => record)
}

interface Figures {
  readonly perSecond: number
  readonly callerMicros: number
  readonly writerMicros: number
  readonly waitP50Ms: number
  readonly waitP99Ms: number
}

function threadMicros(): number {
  const { user, system } = process.threadCpuUsage()
  return user + system
}

/** Arithmetic that takes about a microsecond, so many times: the other work that a gateway does for one call. */
function work(rounds: number): number {
  let mixed = rounds
  for (let round = 0; round < rounds * 700; round++) mixed = (Math.imul(mixed, 48_271) + round) | 0
  return mixed
}

/** The best of a few, since the compiler changes its mind about a loop that has just begun. */
function workMicrosOf(rounds: number): number {
  const times = Array.from({ length: 5 }, () => {
    const before = threadMicros()
    for (let turn = 0; turn < 4_000; turn++) work(rounds)
    return (threadMicros() - before) / 4_000
  })
  return Math.min(...times)
}

/** Keeps so many records on their way, each followed by a new one as soon as it is durable. */
async function measure(
  ledger: LedgerStore,
  records: readonly CallRecord[],
  options: { readonly inFlight: number; readonly workRounds: number },
): Promise<Figures> {
  const waits = new Float64Array(records.length)
  let next = 0
  let done = 0
  const cpuBefore = process.cpuUsage()
  const callerBefore = threadMicros()
  const began = performance.now()
  await new Promise<void>((resolve, reject) => {
    const one = () => {
      if (next === records.length) return
      const place = next++
      work(options.workRounds)
      const at = performance.now()
      ledger.append(records[place]!, failure => {
        if (failure) reject(failure)
        waits[place] = performance.now() - at
        if (++done === records.length) resolve()
        // As from sockets: the next call comes with a later turn of the event loop.
        else setImmediate(one)
      })
    }
    for (let started = 0; started < options.inFlight; started++) one()
  })
  const wallMs = performance.now() - began
  const callerMicros = threadMicros() - callerBefore
  const cpu = process.cpuUsage(cpuBefore)
  waits.sort()
  return {
    perSecond: (records.length * 1_000) / wallMs,
    callerMicros: callerMicros / records.length,
    writerMicros: (cpu.user + cpu.system - callerMicros) / records.length,
    waitP50Ms: waits[Math.floor(records.length * 0.5)]!,
    waitP99Ms: waits[Math.floor(records.length * 0.99)]!,
  }
}

/** What `append` itself takes for records that were just made, in bursts that end before the writer is woken: the median. */
async function appendMicros(ledger: LedgerStore, take: (count: number) => readonly CallRecord[]): Promise<number> {
  const burst = 500
  const times: number[] = []
  for (let bursts = 0; bursts < 100; bursts++) {
    const records = take(burst)
    await new Promise<void>(resolve => {
      let left = burst
      const durable = () => {
        if (--left === 0) resolve()
      }
      const at = performance.now()
      for (const record of records) ledger.append(record, durable)
      times.push(((performance.now() - at) * 1_000) / burst)
    })
  }
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

function fsyncMs(directory: string): number {
  const file = openSync(join(directory, 'fsync'), 'w')
  const page = Buffer.alloc(4_096)
  const times = Array.from({ length: 200 }, () => {
    writeSync(file, page)
    const at = performance.now()
    fdatasyncSync(file)
    return performance.now() - at
  })
  closeSync(file)
  return times.sort((a, b) => a - b)[100]!
}

const directory = mkdtempSync(join(process.env.PENSTOCK_BENCH_DATA ?? tmpdir(), 'penstock-journal-'))
try {
  console.log(`fsync of one page: p50 ${fsyncMs(directory).toFixed(3)} ms`)
  const stores = await openSqliteStores({ directory })
  let sequence = 0
  const take = (count: number, medianMs: number) => {
    const records = plainCalls(count, sequence, medianMs)
    sequence += count
    return records
  }
  await measure(stores.ledger, take(20_000, 800), { inFlight: 500, workRounds: 0 })
  console.log(`append alone: ${(await appendMicros(stores.ledger, count => take(count, 800))).toFixed(2)} µs`)
  const rows = []
  for (const [inFlight, workRounds, count, medianMs] of [
    [1, 0, 3_000, 800],
    [100, 0, 60_000, 800],
    [5_000, 0, 200_000, 800],
    [1, 60, 3_000, 800],
    [16, 60, 30_000, 800],
    [64, 60, 30_000, 800],
    [256, 60, 30_000, 800],
    [64, 60, 30_000, 2],
    [256, 60, 30_000, 2],
  ] as const) {
    const workMicros = workMicrosOf(workRounds)
    const figures = await measure(stores.ledger, take(count, medianMs), { inFlight, workRounds })
    rows.push({
      'in flight': inFlight,
      'median call, ms': medianMs,
      'other work, µs a call': workMicros.toFixed(0),
      'records/s': Math.round(figures.perSecond),
      "caller's thread, µs": (figures.callerMicros - workMicros).toFixed(1),
      "writer's thread, µs": figures.writerMicros.toFixed(1),
      'durable p50, ms': figures.waitP50Ms.toFixed(2),
      'durable p99, ms': figures.waitP99Ms.toFixed(2),
    })
  }
  console.table(rows)
  await stores.close()
  const bytes = statSync(join(directory, 'ledger.sqlite')).size
  console.log(`${(bytes / sequence).toFixed(1)} bytes a plain call on disk, of ${sequence}`)
} finally {
  rmSync(directory, { recursive: true, force: true })
}
