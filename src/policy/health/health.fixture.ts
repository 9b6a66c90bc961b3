import type { EpochMs } from '../../units/time.ts'
import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import { type BreakerTerms, DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import { HealthBoard } from './board.ts'
import type { DeploymentHealth } from './deployment.ts'
import type { Answer, Taken } from './taken.ts'

export const START: EpochMs = Date.UTC(2026, 9, 1)
export const TERMS: BreakerTerms = { failures: 3, withinMs: 20_000, openMs: 3_000 }
/** For deployments of one replica, where nothing is drawn. */
export const noDraw = (): number => {
  throw new Error('a number was drawn')
}

export function deploymentOf(name: string, replicas = 1): Deployment {
  const [upstream = '', model = ''] = name.split('/')
  return { name, upstream, model, dialects: ['openai'], engine: null, replicas, grams: null }
}

export function modelOf(name: string, deployments: readonly Deployment[], breaker: BreakerTerms = TERMS): Model {
  const resilience = { ...DEFAULT_RESILIENCE, breaker }
  return { name, deployments, route: 'inOrder', maxOutputTokens: null, resilience, createdAt: 0 }
}

/** What came of a stream after a tenth of a second. */
export const QUICK: Answer = { waitedMs: 100, streamed: true }

/** A board of one model with one deployment, and what it says of that. */
export function healthOf(replicas = 1, breaker: BreakerTerms = TERMS): DeploymentHealth {
  const deployment = deploymentOf('openai/gpt', replicas)
  const model = modelOf('fast', [deployment], breaker)
  return new HealthBoard([model], HealthBoard.memoryFor([model]), 0).of(model, deployment)
}

/** Takes the only replica, which must be possible. */
export function take(health: DeploymentHealth, now: EpochMs): Taken {
  const taken = health.take(now, noDraw, [])
  if (taken === null) throw new Error(`nothing to take while ${health.standing(now).kind}`)
  return taken
}

export function fail(health: DeploymentHealth, now: EpochMs, times = 1): void {
  for (let i = 0; i < times; i++) take(health, now).ended('failed', now, null)
}

export function succeed(health: DeploymentHealth, now: EpochMs, times = 1): void {
  for (let i = 0; i < times; i++) {
    const taken = take(health, now)
    taken.answered(now, QUICK)
    taken.ended('well', now, null)
  }
}

/** Mulberry32: the same seed, the same numbers from 0 to below 1. */
export function drawsOf(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
