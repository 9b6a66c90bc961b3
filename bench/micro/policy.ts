import { createRequire } from 'node:module'
import { readPriceBook } from '../../src/policy/pricing/book.ts'
import { linesOf, rate } from '../../src/policy/pricing/rate.ts'
import { type Tariff, tariffFor, tariffFromOverride } from '../../src/policy/pricing/tariff.ts'
import { worstCase } from '../../src/policy/pricing/worst-case.ts'
import { receiptOf } from '../../src/policy/receipts/receipt.ts'
import type { CallRecord } from '../../src/vocabulary/record.ts'
import type { Usage } from '../../src/vocabulary/usage.ts'
import { median } from '../statistics.ts'

/** How many times an operation is timed, and for how long each time; the median is told. */
const ROUNDS = 7
const ROUND_MS = 60
const AT = Date.UTC(2026, 9, 1)

/** Takes what every operation returns, so that none is optimised away. */
let sink: unknown = null

/** @returns nanoseconds of one operation */
function time(operation: (i: number) => unknown): number {
  let batch = 1_000
  const rounds = Array.from({ length: ROUNDS }, () => {
    let operations = 0
    const began = process.hrtime.bigint()
    let elapsed = 0
    while (elapsed < ROUND_MS * 1e6) {
      for (let i = 0; i < batch; i++) sink = operation(i)
      operations += batch
      elapsed = Number(process.hrtime.bigint() - began)
    }
    batch = Math.max(1_000, Math.floor(operations / 20))
    return elapsed / operations
  })
  return median(rounds)!
}

function usage(counts: Partial<Usage>): Usage {
  return {
    inputTokens: 1_200,
    cachedInputTokens: 0,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 300,
    reasoningTokens: 0,
    source: 'reported',
    ...counts,
  }
}

/** Like those of many calls: no two alike, so that nothing is foreseen. */
function usages(counts: Partial<Usage>): readonly Usage[] {
  return Array.from({ length: 1_024 }, (_, i) =>
    usage({ ...counts, inputTokens: 2_000 + i, outputTokens: 1 + ((7 * i) % 900) }),
  )
}

function record(tariff: Tariff): CallRecord {
  const rated = rate(tariff, usage({ cachedInputTokens: 1_024 }), AT)
  return {
    id: 'pen_00000000000000',
    at: AT,
    model: 'fast',
    dialect: 'openai',
    endpoint: 'chat/completions',
    caller: { key: 'ci', team: 'search', user: 'ana', tags: { project: 'atlas' }, run: null },
    outcome: 'completed',
    status: 200,
    streamed: false,
    heldDollars: 4_100_000n,
    dollars: rated.dollars,
    durationMs: 812.4,
    timeToFirstTokenMs: null,
    limited: false,
    overrunDollars: null,
    downgradedTo: null,
    tier: null,
    queueMs: 0,
    attempts: [
      {
        deployment: 'openai/gpt-5-mini',
        outcome: 'completed',
        replica: null,
        route: null,
        placement: null,
        status: 200,
        startedAt: AT,
        durationMs: 801,
        timeToFirstTokenMs: null,
        usage: usage({ cachedInputTokens: 1_024 }),
        ...rated,
      },
    ],
  }
}

const loading = process.hrtime.bigint()
const { waitForUpdate } = createRequire(import.meta.url)('@pydantic/genai-prices')
const data = await waitForUpdate()
const reading = process.hrtime.bigint()
const book = readPriceBook(data, { name: 'genai-prices', date: '2026-09-23' })
const mini = tariffFor(book, { baseUrl: 'https://api.openai.com/v1', model: 'gpt-5-mini' })!
const read = process.hrtime.bigint()
const claude = tariffFor(book, { baseUrl: 'https://api.anthropic.com/v1', model: 'claude-opus-5' })!
const tiered = tariffFor(book, { baseUrl: 'https://api.openai.com/v1', model: 'gpt-5.6-sol' })!
const override = tariffFromOverride({ input: '0.123457', output: '0.40' }, 'configuration')
const plain = usages({})
const cached = usages({ cachedInputTokens: 1_024 })
const written = usages({ cachedInputTokens: 1_024, cacheWrite5mTokens: 300, cacheWrite1hTokens: 200 })
const batch = usages({ special: { serviceTier: 'batch' } })
const huge = usages({ cacheWrite5mTokens: 0 }).map(each => ({ ...each, inputTokens: each.inputTokens * 1e12 }))
const sample = record(mini)

const RESULTS: readonly (readonly [string, number])[] = [
  ['rate, plain', time(i => rate(mini, plain[i & 1023]!, AT))],
  ['rate, some input cached', time(i => rate(mini, cached[i & 1023]!, AT))],
  ['rate, cache read and written', time(i => rate(claude, written[i & 1023]!, AT))],
  ['rate, tiers and a start date', time(i => rate(tiered, plain[i & 1023]!, AT))],
  ['rate, price of six decimals', time(i => rate(override, plain[i & 1023]!, AT))],
  ['rate, batch', time(i => rate(claude, batch[i & 1023]!, AT))],
  ['rate, beyond safe integers', time(i => rate(override, huge[i & 1023]!, AT))],
  ['worst case', time(i => worstCase(claude, { inputTokens: 900 + (i & 1023), outputTokens: 4_096 }, AT))],
  ['lines of a bill', time(() => linesOf(sample.attempts[0]!.usage!, sample.attempts[0]!.rate!))],
  ['receipt', time(() => receiptOf(sample))],
]

console.log(
  `price data loaded in ${Number(reading - loading) / 1e6} ms, book and one model read in ${Number(read - reading) / 1e6} ms`,
)
for (const [name, nanoseconds] of RESULTS) console.log(`${name.padEnd(32)} ${nanoseconds.toFixed(0).padStart(6)} ns`)
if (sink === undefined) console.log('nothing was computed')
