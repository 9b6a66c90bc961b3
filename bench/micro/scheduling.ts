// What it costs a call to be scheduled when nobody waits, in nanoseconds: `node bench/micro/scheduling.ts`.
import { blocksOf } from '../../src/dialects/body/blocks.ts'
import { FleetDesk } from '../../src/lifecycle/fleet/desk.ts'
import { HealthBoard } from '../../src/policy/health/board.ts'
import type { Place, PlaceAnswer, PlaceAsk } from '../../src/ports/places.ts'
import type { Model } from '../../src/vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../../src/vocabulary/resilience.ts'
import { DEFAULT_QUEUE, type PromptBlocks } from '../../src/vocabulary/scheduling.ts'
import { DEFAULT_TIERS } from '../../src/vocabulary/tier.ts'

/** Rounds of a measure, and how long each takes at least; the fastest is told, since whatever else runs only slows. */
const ROUNDS = 40
const ROUND_MS = 5
/** Calls that are under way while another one comes. */
const UNDER_WAY = 64
const CONVERSATIONS = 256
const BYTES_PER_TOKEN = 3.6

let sink: unknown = null

/** @returns nanoseconds of one operation */
function time(operation: (i: number) => unknown): number {
  let next = 0
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const from = next
    const began = process.hrtime.bigint()
    let elapsed = 0
    while (elapsed < ROUND_MS * 1e6) {
      for (let i = 0; i < 32; i++) sink = operation(next++)
      elapsed = Number(process.hrtime.bigint() - began)
    }
    fastest = Math.min(fastest, elapsed / (next - from))
  }
  return fastest
}

function deskOf(replicas: number): { desk: FleetDesk; model: Model } {
  const deployment = {
    name: 'pool/m',
    upstream: 'pool',
    model: 'm',
    dialects: ['openai'],
    engine: 'vllm',
    replicas,
    grams: null,
  } as const
  const model: Model = {
    name: 'fast',
    deployments: [deployment],
    route: 'inOrder',
    maxOutputTokens: null,
    resilience: DEFAULT_RESILIENCE,
    createdAt: 0,
  }
  const unknown = { costs: null, kvTokens: null, dollarsPerHour: null, watts: null }
  const desk = new FleetDesk({
    pools: [{ upstream: 'pool', engine: 'vllm', maxRunning: 512, slots: replicas, ...unknown }],
    models: [model],
    terms: { tiers: DEFAULT_TIERS, shares: {}, queue: DEFAULT_QUEUE },
    health: new HealthBoard([model], HealthBoard.memoryFor([model]), 0),
    clock: { now: () => Date.now(), monotonic: () => performance.now(), after: () => () => undefined },
    random: { next: Math.random },
    policy: 'penstock',
  })
  for (let i = 0; i < replicas; i++) desk.listener('pool').appeared(i, `http://engine-${i}`, null)
  return { desk, model }
}

/** A body of so many bytes; those of a conversation begin alike. */
function bodyOf(bytes: number, conversation: number): Uint8Array {
  const body = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) body[i] = 32 + ((i * 7 + (i > bytes / 4 ? conversation : 0) * 13 + (i >> 5)) % 90)
  return body
}

function askOf(prompt: PromptBlocks, bytes: number): PlaceAsk {
  return {
    model: 'fast',
    deployments: [{ name: 'pool/m', tried: [] }],
    tenant: 'team:bench',
    tier: 'standard',
    since: 0,
    waitedMs: 0,
    deadlineAt: null,
    mayWait: true,
    bytes,
    tokens: { input: bytes / BYTES_PER_TOKEN, output: 200 },
    prompt,
    elsewhere: null,
  }
}

const USAGE = {
  inputTokens: 60,
  cachedInputTokens: 16,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 48,
  reasoningTokens: 0,
  source: 'reported',
} as const

/** A call that is asked for, given a place, begins and ends, while others are under way. */
function measure(replicas: number, bytes: number): number {
  const { desk } = deskOf(replicas)
  const asks = Array.from({ length: CONVERSATIONS }, (_, i) => {
    const body = bodyOf(bytes, i)
    return askOf(blocksOf(body, [{ at: 0, end: body.length }]), bytes)
  })
  const places: Place[] = []
  const keep = (answer: PlaceAnswer) => {
    if (answer.kind === 'place') places.push(answer.place)
  }
  for (let i = 0; i < UNDER_WAY; i++) desk.ask(asks[i % CONVERSATIONS]!, keep)
  let oldest = 0
  return time(i => {
    desk.ask(asks[i % CONVERSATIONS]!, keep)
    const place = places[oldest++]!
    place.began(20)
    place.ended({ isWhole: true, usage: USAGE })
    if (oldest === 4_096) {
      places.splice(0, oldest)
      oldest = 0
    }
    return place
  })
}

const results: [name: string, nanoseconds: number][] = []
for (const bytes of [200, 16_000, 400_000]) {
  const body = bodyOf(bytes, 1)
  results.push([`hashes of a prompt of ${bytes} bytes`, time(() => blocksOf(body, [{ at: 0, end: body.length }]))])
  for (const replicas of [1, 8, 100]) {
    results.push([`place, begin and end, ${bytes} bytes, ${replicas} replicas`, measure(replicas, bytes)])
  }
}
for (const [name, nanoseconds] of results) console.log(`${name.padEnd(52)} ${nanoseconds.toFixed(0).padStart(8)} ns`)
if (sink === null) console.log('nothing was computed')
