// What it costs to put the deployments of a model in order, in nanoseconds: `node bench/micro/routing.ts`.
import { tariffFromOverride } from '../../src/policy/pricing/tariff.ts'
import type { RouteAsk, RouteOption } from '../../src/policy/routing/ask.ts'
import { route } from '../../src/policy/routing/route.ts'
import { sessionHash } from '../../src/policy/routing/session.ts'
import { Warmth } from '../../src/policy/routing/warmth.ts'
import { ROUTES } from '../../src/vocabulary/route.ts'

/** Rounds of a measure, and how long each takes at least; the fastest is told, since whatever else runs only slows. */
const ROUNDS = 25
const ROUND_MS = 8
const NOW = Date.UTC(2026, 9, 1)

/** Takes what every operation returns, so that none is optimised away. */
let sink: unknown = null

/** @returns nanoseconds of one operation */
function time(operation: (i: number) => unknown): number {
  let batch = 1_000
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    let operations = 0
    const began = process.hrtime.bigint()
    let elapsed = 0
    while (elapsed < ROUND_MS * 1e6) {
      for (let i = 0; i < batch; i++) sink = operation(i)
      operations += batch
      elapsed = Number(process.hrtime.bigint() - began)
    }
    batch = Math.max(1_000, Math.floor(operations / 20))
    fastest = Math.min(fastest, elapsed / operations)
  }
  return fastest
}

function option(place: number, cachedTokens: number): RouteOption {
  const name = `upstream-${place}/m`
  return {
    deployment: {
      name,
      upstream: `upstream-${place}`,
      model: 'm',
      dialects: ['openai'],
      engine: null,
      replicas: 1,
      grams: { perInputToken: 0.000_01 * (1 + place), perOutputToken: 0.000_1 },
    },
    passedOver: null,
    isReluctant: false,
    tariff: tariffFromOverride({ input: `${1 + place}`, cachedInput: '0.1', output: '4' }, 'configuration'),
    cachedTokens,
    timeToFirstTokenMs: 150 + 100 * place,
    outstanding: place % 2,
  }
}

/** Calls that are not all alike, so that nothing is foreseen. */
function asks(by: RouteAsk['by'], options: readonly RouteOption[]): readonly RouteAsk[] {
  return Array.from({ length: 256 }, (_, i) => ({
    by,
    options,
    tokens: { input: 2_000 + i, output: 1 + ((7 * i) % 900) },
    now: NOW,
    draw: i / 256,
  }))
}

const two = [0, 1].map(place => option(place, 0))
const warm = [0, 1].map(place => option(place, place === 1 ? 1_800 : 0))
const eight = [0, 1, 2, 3, 4, 5, 6, 7].map(place => option(place, 0))
const warmth = new Warmth(Warmth.memory())
const sessions = Array.from({ length: 1_024 }, (_, i) => sessionHash('ci', `run-${i}`, null))
for (const session of sessions) {
  warmth.learn(session, 'upstream-0/m', { inputTokens: 4_000, cachedTokens: null, startedAt: NOW }, NOW)
}
const opening = new Uint8Array(2_048).map((_, i) => i)

const results: [name: string, nanoseconds: number][] = []
for (const by of ROUTES) {
  for (const [name, options] of [
    ['two deployments', two],
    ['two, one of them warm', warm],
    ['eight', eight],
  ] as const) {
    const asked = asks(by, options)
    results.push([`${by}, ${name}`, time(i => route(asked[i & 255]!))])
  }
}
results.push(['session of a run', time(i => sessionHash('ci', i & 1 ? 'run-1' : 'run-2', null))])
results.push(['session of an opening of 2 KB', time(() => sessionHash('ci', null, opening))])
results.push(['cached tokens', time(i => warmth.cachedTokens(sessions[i & 1023]!, 'upstream-0/m', 4_000, NOW))])
const call = { inputTokens: 4_000, cachedTokens: 3_000, startedAt: NOW }
results.push(['learn where a session is warm', time(i => warmth.learn(sessions[i & 1023]!, 'upstream-0/m', call, NOW))])

for (const [name, nanoseconds] of results) console.log(`${name.padEnd(36)} ${nanoseconds.toFixed(0).padStart(6)} ns`)
if (sink === null) console.log('nothing was computed')
