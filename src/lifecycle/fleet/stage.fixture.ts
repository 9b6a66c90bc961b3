import { HealthBoard } from '../../policy/health/board.ts'
import type { PlacementPolicy } from '../../policy/placement/policies.ts'
import type { Cancel, Clock } from '../../ports/clock.ts'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { Place, PlaceAnswer, PlaceAsk } from '../../ports/places.ts'
import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import { DEFAULT_QUEUE, NO_BLOCKS, type Pool, type SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { FleetDesk } from './desk.ts'

/** A clock that goes where tests send it. */
export class StagedClock implements Clock {
  time = 1_800_000_000_000
  readonly #timers: { readonly at: number; readonly callback: () => void }[] = []

  now(): number {
    return this.time
  }

  monotonic(): number {
    return this.time
  }

  after(delay: number, callback: () => void): Cancel {
    const timer = { at: this.time + delay, callback }
    this.#timers.push(timer)
    return () => {
      const at = this.#timers.indexOf(timer)
      if (at >= 0) this.#timers.splice(at, 1)
    }
  }

  get pending(): number {
    return this.#timers.length
  }

  pass(ms: number): void {
    const until = this.time + ms
    for (;;) {
      const next = this.#timers.toSorted((one, other) => one.at - other.at)[0]
      if (next === undefined || next.at > until) break
      this.#timers.splice(this.#timers.indexOf(next), 1)
      this.time = Math.max(this.time, next.at)
      next.callback()
    }
    this.time = until
  }
}

export interface FleetStageOptions {
  readonly replicas?: number
  readonly pool?: Partial<Pool>
  readonly queue?: Partial<SchedulingTerms['queue']>
  readonly shares?: SchedulingTerms['shares']
  readonly policy?: PlacementPolicy
  /** Models besides `fast`, each with a deployment of its name on the same engines. */
  readonly others?: readonly string[]
}

export const QUIET: EngineLoad = { running: 0, waiting: 0, kvUse: 0, kvTokens: null, maxRunning: null }

/** What became of a call that asked for a place. */
export interface Asked {
  readonly name: string
  answer: PlaceAnswer | null
  leave(): void
  place(): Place
  /** Its place ends after an answer with so many tokens. */
  ends(outputTokens?: number, more?: Partial<Usage>): void
}

function deploymentOf(replicas: number): Deployment {
  return { name: 'pool/m', upstream: 'pool', model: 'm', dialects: ['openai'], engine: 'vllm', replicas, grams: null }
}

/** A desk with one pool of replicas, on a clock that tests move. */
export function stageFleet(over: FleetStageOptions = {}) {
  const { replicas = 2, pool = {}, queue = {}, shares = {}, policy = 'penstock', others = [] } = over
  const clock = new StagedClock()
  const deployment = deploymentOf(replicas)
  const model: Model = {
    name: 'fast',
    deployments: [deployment],
    route: 'inOrder',
    maxOutputTokens: null,
    resilience: { ...DEFAULT_RESILIENCE, breaker: { failures: 1, withinMs: 10_000, openMs: 5_000 } },
    createdAt: 0,
  }
  const models = [
    model,
    ...others.map(name => ({ ...model, name, deployments: [{ ...deployment, name: `pool/${name}`, model: name }] })),
  ]
  const health = new HealthBoard(models, HealthBoard.memoryFor(models), 0)
  const desk = new FleetDesk({
    pools: [
      {
        upstream: 'pool',
        engine: 'vllm',
        maxRunning: 2,
        slots: replicas,
        costs: null,
        kvTokens: null,
        dollarsPerHour: null,
        watts: null,
        ...pool,
      },
    ],
    models,
    terms: { tiers: DEFAULT_TIERS, shares, queue: { ...DEFAULT_QUEUE, ...queue } },
    health,
    clock,
    random: { next: () => 0.5 },
    policy,
  })
  const listener = desk.listener('pool')
  for (let replica = 0; replica < replicas; replica++) listener.appeared(replica, `http://engine-${replica}`, null)
  /** In the order in which calls started. */
  const started: string[] = []
  const ask = (name: string, changes: Partial<PlaceAsk> = {}): Asked => {
    const asked: Asked = {
      name,
      answer: null,
      leave: () => {},
      place() {
        if (asked.answer?.kind !== 'place') throw new Error(`${name} has no place: ${asked.answer?.kind ?? 'waits'}`)
        return asked.answer.place
      },
      ends: (outputTokens = 20, more = {}) =>
        asked.place().ended({
          isWhole: true,
          usage: {
            inputTokens: changes.tokens?.input ?? 100,
            cachedInputTokens: 0,
            cacheWrite5mTokens: 0,
            cacheWrite1hTokens: 0,
            outputTokens,
            reasoningTokens: 0,
            source: 'reported',
            ...more,
          },
        }),
    }
    const leave = desk.ask(
      {
        model: 'fast',
        deployments: [{ name: 'pool/m', tried: [] }],
        tenant: 'key:ci',
        tier: 'standard',
        since: clock.now(),
        waitedMs: 0,
        deadlineAt: null,
        mayWait: true,
        bytes: 400,
        tokens: { input: 100, output: 20 },
        prompt: NO_BLOCKS,
        elsewhere: null,
        ...changes,
      },
      answer => {
        if (asked.answer !== null) throw new Error(`${name} was answered twice`)
        asked.answer = answer
        if (answer.kind === 'place') started.push(name)
      },
    )
    if (leave !== null) asked.leave = leave
    return asked
  }
  /** Calls that take every place, and stay. */
  const fill = (places: number) => Array.from({ length: places }, (_, i) => ask(`filler-${i}`))
  return { clock, desk, listener, health, model, models, deployment, started, ask, fill }
}
