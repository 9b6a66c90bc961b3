import pino from 'pino'
import { callLine } from '../../src/telemetry/log/call-line.ts'
import { CallLog } from '../../src/telemetry/log/call-log.ts'
import { LineTimes } from '../../src/telemetry/log/times.ts'
import { Counting } from '../../src/telemetry/metrics/counting.ts'
import { exposition } from '../../src/telemetry/metrics/exposition.ts'
import { createTelemetry } from '../../src/telemetry/telemetry.ts'
import { encodeCallId } from '../../src/vocabulary/id.ts'
import type { CallRecord } from '../../src/vocabulary/record.ts'
import { median } from '../statistics.ts'

/** Calls come in bursts with pauses between, so that what is written asynchronously is written and counted. */
const BURSTS = 40
const CALLS_PER_BURST = 2_500
const ROUNDS = 5
const PAUSE_MS = 2
const SCRAPES = 9
const AT = Date.UTC(2026, 9, 1)
const TIMINGS = { gatewayMs: 0.0641, queueMs: 0, upstreamMs: 5.31, commitMs: 1.2051, traceparent: null }

/** Like those of many calls: no two alike, so that nothing is foreseen. */
const RECORDS: readonly CallRecord[] = Array.from({ length: 1_024 }, (_, n) => recordOf(n))

function recordOf(n: number): CallRecord {
  const durationMs = 5.4 + (n % 977) / 7
  const dollars = 1_250_000n + BigInt(n * 37)
  const deployment = n % 3 === 0 ? 'openai/gpt-5-mini' : 'pool/llama-3.1-8b'
  const usage = {
    inputTokens: 1_200 + n,
    cachedInputTokens: 1_024,
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
    outputTokens: 1 + ((7 * n) % 900),
    reasoningTokens: 0,
    source: 'reported' as const,
  }
  const attempt = {
    deployment,
    outcome: 'completed',
    status: 200,
    startedAt: AT + n,
    durationMs,
    usage,
    rate: null,
    dollars,
  } as const
  return {
    id: encodeCallId(n, n),
    at: AT + n,
    model: n % 3 === 0 ? 'gpt-5-mini' : 'fast',
    dialect: 'openai',
    endpoint: 'chat/completions',
    caller: { key: 'ci', team: 'search', user: 'ana', tags: {}, run: null },
    outcome: 'completed',
    status: 200,
    streamed: true,
    heldDollars: 4_100_000n,
    dollars,
    durationMs,
    timeToFirstTokenMs: durationMs / 3,
    limited: false,
    overrunDollars: null,
    downgradedTo: null,
    tier: null,
    queueMs: 0,
    attempts: [
      {
        replica: null,
        route: null,
        placement: null,
        ...attempt,
        timeToFirstTokenMs: durationMs / 3,
      },
    ],
  }
}

/** @returns processor time of one call in nanoseconds, on all threads: what is put off to another thread costs too */
async function costOf(operation: (record: CallRecord) => void): Promise<number> {
  const rounds: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage()
    for (let burst = 0; burst < BURSTS; burst++) {
      for (let n = 0; n < CALLS_PER_BURST; n++) operation(RECORDS[n & 1_023]!)
      await new Promise(resolve => setTimeout(resolve, PAUSE_MS))
    }
    const { user, system } = process.cpuUsage(before)
    rounds.push(((user + system) * 1_000) / (BURSTS * CALLS_PER_BURST))
  }
  return median(rounds)!
}

function tell(name: string, nanoseconds: number): void {
  process.stdout.write(`${name.padEnd(64)} ${nanoseconds.toFixed(0).padStart(7)} ns\n`)
}

const sink = () => pino.destination({ dest: '/dev/null', sync: false, maxWrite: 65_536, maxLength: 8_000_000 })

const counting = new Counting()
tell('counting a call for metrics', await costOf(record => counting.callEnded(record, TIMINGS)))

const times = new LineTimes()
let length = 0
tell(
  'making the line of a call',
  await costOf(record => {
    length += callLine(record, TIMINGS, times.format(record.at + record.durationMs)).length
  }),
)

const log = new CallLog(sink(), 'info')
tell('making it and writing it', await costOf(record => log.callEnded(record, TIMINGS)))

const direct = pino({ base: null }, sink())
tell(
  'the same fields by pino alone',
  await costOf(record => {
    const { id, model, outcome, status, streamed, endpoint, durationMs, timeToFirstTokenMs } = record
    const [attempt] = record.attempts
    const { inputTokens, cachedInputTokens, outputTokens } = attempt!.usage!
    const { gatewayMs, upstreamMs, commitMs } = TIMINGS
    const fields = {
      id,
      key: record.caller.key,
      model,
      deployment: attempt!.deployment,
      endpoint,
      streamed,
      status,
      outcome,
    }
    const used = { attempts: 1, inputTokens, cachedInputTokens, outputTokens, dollars: String(record.dollars) }
    direct.info({ ...fields, ...used, durationMs, timeToFirstTokenMs, gatewayMs, upstreamMs, commitMs }, 'call')
  }),
)

const telemetry = createTelemetry({ env: {}, log: sink() })
tell(
  'all of telemetry for a call, without traces',
  await costOf(record => {
    telemetry.callStarted()
    telemetry.callEnded(record, TIMINGS)
  }),
)

const scrape = exposition(counting, {
  log: { droppedBytes: 0 },
  fleet: () => ({ upstreams: [], tiers: [] }),
  health: () => [],
})
const scrapes: number[] = []
for (let n = 0; n < SCRAPES; n++) {
  const began = performance.now()
  length += (await scrape.text()).length
  scrapes.push((performance.now() - began) * 1e6)
}
tell('a scrape of two series', median(scrapes)!)
await Promise.all([telemetry.close(), log.close()])
if (length === 0) throw new Error('nothing was measured')
