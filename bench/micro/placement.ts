// What it costs to place a call, in nanoseconds: `node bench/micro/placement.ts`.
import type { PlacementCall } from '../../src/policy/placement/call.ts'
import { began, ended, newFleet, newReplica, type PlacementFleet, placed } from '../../src/policy/placement/fleet.ts'
import { place } from '../../src/policy/placement/place.ts'
import { PrefixIndex } from '../../src/policy/placement/prefix-index.ts'
import { chained, randomOf } from '../../src/policy/placement/prompts.fixture.ts'

/** Rounds of a measure, and how long each takes at least; the fastest is told, since whatever else runs only slows. */
const ROUNDS = 60
const ROUND_MS = 4
const REPLICAS = 100
const PREFIXES = 100_000
/** Of the blocks of a prompt that all conversations of one application begin with. */
const SYSTEM_BLOCKS = 40
const APPLICATIONS = 50
/** Calls that are measured, over and over. */
const ASKED = 512

/** Takes what every operation returns, so that none is optimised away. */
let sink: unknown = null

/** @returns nanoseconds of one operation */
function time(operation: (i: number) => unknown): number {
  let batch = 16
  // Goes on from round to round, so that no few calls stay in the processor's cache.
  let next = 0
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    let operations = 0
    const began = process.hrtime.bigint()
    let elapsed = 0
    while (elapsed < ROUND_MS * 1e6) {
      for (let i = 0; i < batch; i++) sink = operation(next++)
      operations += batch
      elapsed = Number(process.hrtime.bigint() - began)
    }
    batch = Math.max(16, Math.floor(operations / 10))
    fastest = Math.min(fastest, elapsed / operations)
  }
  return fastest
}

/** A prompt of an application: its system prompt, then blocks of its own. */
function promptOf(application: number, own: number, blocks: number): Float64Array {
  return chained(Array.from({ length: blocks }, (_, i) => (i < SYSTEM_BLOCKS ? application : own + i)))
}

/** A fleet with calls under way, and a call for it with a prompt of its own. */
function stage(index: PrefixIndex, hashes: readonly Float64Array[]): { fleet: PlacementFleet; calls: PlacementCall[] } {
  const random = randomOf(7)
  const fleet = newFleet({
    maxRunning: 64,
    costs: null,
    kvTokens: 2_000_000,
    dollarsPerHour: 2.95,
    watts: { idle: 100, busy: 600 },
  })
  for (let i = 0; i < REPLICAS; i++) fleet.replicas.push(newReplica(i, 31_250, 0))
  const calls = hashes.map(prompt => ({
    inputTokens: prompt.length * 16,
    outputTokens: 300,
    prompt: { hashes: prompt, blockTokens: 16 },
    matches: new Uint16Array(REPLICAS),
    tier: { timeToFirstTokenMs: 1_000, missedTargetDollars: 10_000_000n },
    waitedMs: 0,
    patienceMs: 0,
    tried: [],
    draw: random(),
  }))
  for (const state of fleet.replicas) {
    state.cachedBlocks = index.held(state.replica)
    for (let n = Math.floor(random() * 8); n > 0; n--) {
      const stay = placed(fleet, state, calls[Math.floor(random() * calls.length)]!, 0)
      began(stay, 50 + 100 * random(), 100)
      if (random() < 0.5) ended(fleet, stay, { isWhole: true, outputTokens: 300 }, 5_000)
    }
  }
  return { fleet, calls }
}

const results: [name: string, nanoseconds: number][] = []

for (const blocks of [100, 400, 1_500]) {
  const random = randomOf(blocks)
  // Conversations share their system prompt with others at many replicas, and some were moved once and are at two.
  const index = new PrefixIndex({ slots: REPLICAS, maxBlocks: 4_000_000 })
  const asked: Float64Array[] = []
  const ownBlocks = Math.min(blocks, Math.floor(4_000_000 / PREFIXES))
  for (let i = 0; i < PREFIXES; i++) {
    const isAsked = i % Math.floor(PREFIXES / ASKED) === 0 && asked.length < ASKED
    const hashes = promptOf(i % APPLICATIONS, 1_000 + i * 5_000, isAsked ? blocks : SYSTEM_BLOCKS + ownBlocks)
    if (isAsked) asked.push(hashes)
    index.learn(Math.floor(random() * REPLICAS), hashes, Math.ceil(hashes.length * (0.5 + random() / 2)))
    if (i % 10 === 0) index.learn(Math.floor(random() * REPLICAS), hashes, Math.ceil(hashes.length * random()))
  }
  const { fleet, calls } = stage(index, asked)
  const into = new Uint16Array(REPLICAS)
  const name = `${blocks} blocks, ${index.total} blocks known`
  results.push([`match, ${name}`, time(i => index.match(asked[i % asked.length]!, into))])
  for (const call of calls) index.match(call.prompt.hashes, call.matches as Uint16Array)
  results.push([`place, ${blocks} blocks`, time(i => place(calls[i % calls.length]!, fleet, 6_000))])
  const both = (i: number) => {
    const call = calls[i % calls.length]!
    index.match(call.prompt.hashes, call.matches)
    return place(call, fleet, 6_000)
  }
  results.push([`match and place, ${blocks} blocks`, time(both)])
  results.push([`learn what is known, ${blocks} blocks`, time(i => index.learn(i % 3, asked[i % 7]!, blocks))])
  const fresh = Array.from({ length: 64 }, (_, i) => promptOf(0, 1e9 + i * 5_000, blocks))
  // So many other prompts come between that each is forgotten before it comes again.
  index.setCapacity(5, 32 * blocks)
  results.push([`learn and evict, ${blocks} blocks`, time(i => index.learn(5, fresh[i % 64]!, blocks))])
}

for (const [name, nanoseconds] of results) console.log(`${name.padEnd(52)} ${nanoseconds.toFixed(0).padStart(8)} ns`)
if (sink === null) console.log('nothing was computed')
