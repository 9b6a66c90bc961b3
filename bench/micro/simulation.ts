/**
 * What the simulation costs: `taskset -c 0 node bench/micro/simulation.ts`.
 *
 * Prints simulated requests a minute of processor time for three kinds of traffic on the pure engine, then tokens a
 * second that the simulated engine streams in one process, with its share of the processor at an ordinary load.
 */
import { createSimulatedEngine } from '../../src/engines/simulated/engine.ts'
import type { Clock } from '../../src/ports/clock.ts'
import { hashTraceBlocks } from '../../src/simulation/block-hash.ts'
import { createEngine, step, submit } from '../../src/simulation/engine.ts'
import { describeReplica } from '../../src/simulation/replica.ts'

const REQUESTS = 20_000
const TRACE_TOKENS = 512
const BLOCK_TOKENS = 16

interface Traffic {
  readonly name: string
  readonly perSecond: number
  readonly promptTokens: number
  readonly outputTokens: number
  /** Leading blocks of 512 tokens that a request shares with a hundredth of the others. */
  readonly sharedBlocks: number
  readonly accelerators: number
}

const TRAFFIC: readonly Traffic[] = [
  { name: 'chat', perSecond: 20, promptTokens: 1000, outputTokens: 200, sharedBlocks: 1, accelerators: 1 },
  { name: 'long prompts', perSecond: 3, promptTokens: 12_000, outputTokens: 340, sharedBlocks: 9, accelerators: 4 },
  { name: 'overload', perSecond: 1000, promptTokens: 1000, outputTokens: 200, sharedBlocks: 0, accelerators: 1 },
]

/** Plays traffic with arrivals at equal distances on a virtual clock. */
function playTraffic(traffic: Traffic): { readonly requestsPerMinute: number; readonly virtualSeconds: number } {
  const { promptTokens, outputTokens, sharedBlocks } = traffic
  const accelerator = { kind: 'H100-SXM', count: traffic.accelerators }
  const engine = createEngine(describeReplica({ model: 'Llama-3.1-8B', accelerator }).options)
  const blocks = Math.ceil(promptTokens / TRACE_TOKENS)
  const began = process.cpuUsage()
  let now = 0
  let next = 0
  const arrivalOf = (request: number) => (request * 1000) / traffic.perSecond
  for (;;) {
    for (; next < REQUESTS && arrivalOf(next) <= now; next++) {
      const ids = Array.from({ length: blocks }, (_, i) =>
        i < sharedBlocks ? (next % 100) * 64 + i : 1e6 + next * 64 + i,
      )
      const hashes = hashTraceBlocks(ids, promptTokens, { traceTokens: TRACE_TOKENS, blockTokens: BLOCK_TOKENS })
      submit(engine, { id: next, promptTokens, outputTokens, hashes })
    }
    const horizonMs = next < REQUESTS ? arrivalOf(next) - now : Number.POSITIVE_INFINITY
    const { durationMs, steps } = step(engine, { maxSteps: Number.MAX_SAFE_INTEGER, horizonMs })
    now += durationMs
    if (steps > 0) continue
    if (next >= REQUESTS) break
    now = arrivalOf(next)
  }
  const { user, system } = process.cpuUsage(began)
  return { requestsPerMinute: (REQUESTS / (user + system)) * 60e6, virtualSeconds: now / 1000 }
}

const CLOCK: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delay, callback) {
    const timer = setTimeout(callback, delay)
    return () => clearTimeout(timer)
  },
}

/** Streams many answers at once and counts what comes out. */
async function streamTokens(
  speed: number,
  streams: number,
): Promise<{ readonly perSecond: number; readonly processor: number }> {
  const tokens = 400
  const accelerator = { kind: 'H100-SXM', count: 1 }
  const engine = createSimulatedEngine({ model: 'Llama-3.1-8B', accelerator, replicas: 2, speed, clock: CLOCK })
  const began = process.cpuUsage()
  const from = performance.now()
  await Promise.all(
    Array.from({ length: streams }, (_, i) => {
      const body = {
        model: 'm',
        stream: true,
        max_tokens: tokens,
        ignore_eos: true,
        messages: [{ role: 'user', content: `Question ${i}` }],
      }
      return new Promise<void>(resolve => {
        engine.attempt(
          {
            deployment: {
              name: 'sim/m',
              upstream: 'sim',
              model: 'm',
              dialects: ['openai'],
              engine: 'simulated',
              replicas: 1,
              grams: null,
            },
            endpoint: 'chat/completions',
            query: '',
            headers: [],
            body: [Buffer.from(JSON.stringify(body))],
            streamed: true,
            replica: 0,
            address: null,
            connectMs: 1_000,
          },
          { head() {}, data() {}, end: resolve, fail: () => resolve() },
        )
      })
    }),
  )
  const ms = performance.now() - from
  const { user, system } = process.cpuUsage(began)
  await engine.close()
  return { perSecond: (streams * tokens * 1000) / ms, processor: (user + system) / 1000 / ms }
}

console.log('pure engine: simulated requests a minute of processor time')
for (const traffic of TRAFFIC) {
  playTraffic(traffic)
  const { requestsPerMinute, virtualSeconds } = playTraffic(traffic)
  console.log(
    `  ${traffic.name.padEnd(14)} ${Math.round(requestsPerMinute).toLocaleString('en')} (${virtualSeconds.toFixed(0)} s simulated)`,
  )
}
console.log('simulated engine: tokens a second in one process, and the share of one core')
for (const [speed, streams] of [
  [1, 200],
  [4, 400],
  [1000, 500],
] as const) {
  const { perSecond, processor } = await streamTokens(speed, streams)
  console.log(
    `  speed ${String(speed).padEnd(5)} ${streams} streams  ${Math.round(perSecond).toLocaleString('en')}  ${(processor * 100).toFixed(0)} %`,
  )
}
