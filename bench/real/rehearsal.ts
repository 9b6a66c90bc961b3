import { blocksOf } from '../../src/dialects/body/blocks.ts'
import { FleetDesk } from '../../src/lifecycle/fleet/desk.ts'
import { HealthBoard } from '../../src/policy/health/board.ts'
import type { PlacementPolicy } from '../../src/policy/placement/policies.ts'
import type { Place } from '../../src/ports/places.ts'
import type { Model } from '../../src/vocabulary/deployment.ts'
import { DEFAULT_RESILIENCE } from '../../src/vocabulary/resilience.ts'
import { DEFAULT_QUEUE } from '../../src/vocabulary/scheduling.ts'
import { DEFAULT_TIER, DEFAULT_TIERS } from '../../src/vocabulary/tier.ts'
import { EventClock } from './clock.ts'
import { type Memory, PagedMemory, SlotMemory } from './memory.ts'
import type { Call } from './play.ts'
import { ModelledServer, type Speeds } from './server.ts'
import type { Session, Turn } from './sessions.ts'

/** What is rehearsed. */
export interface Script {
  readonly policy: PlacementPolicy
  /** How servers remember prompts: as llama.cpp does, or as engines with paged caches do. */
  readonly memory: 'slots' | 'paged'
  readonly servers: number
  readonly slots: number
  readonly contextTokens: number
  readonly speeds: Speeds
  readonly concurrency: number
  readonly durationMs: number
}

export interface Rehearsed {
  readonly calls: readonly Call[]
  readonly elapsedMs: number
}

/** Between the first calls of the sessions that begin together, and how often servers say what they do. */
const STAGGER_MS = 1_000
const TOLD_EVERY_MS = 500
const UPSTREAM = 'pool'
const BYTES_PER_TOKEN = 3.6
/** A board says that something failed by the clock, whose zero means that nothing did. */
const BEGINS_AT_MS = 1_000_000

/** Plays sessions as `playSessions` does, with the gateway's own scheduler, on a virtual clock against modelled servers. */
export function rehearse(sessions: readonly Session[], script: Script): Rehearsed {
  return new Rehearsal(sessions, script).run()
}

class Rehearsal {
  readonly #script: Script
  readonly #clock = new EventClock(BEGINS_AT_MS)
  readonly #servers: readonly ModelledServer[]
  readonly #desk: FleetDesk
  readonly #waiting: Session[]
  readonly #calls: Call[] = []
  readonly #model: Model
  #playing = 0
  #endedAt = BEGINS_AT_MS
  #draws = 0

  constructor(sessions: readonly Session[], script: Script) {
    this.#script = script
    this.#waiting = [...sessions]
    this.#servers = Array.from(
      { length: script.servers },
      () => new ModelledServer(this.#clock, memoryFor(script), script.speeds),
    )
    this.#model = modelOf(script.servers)
    this.#desk = this.#deskFor(this.#model)
    const listener = this.#desk.listener(UPSTREAM)
    for (const [i] of this.#servers.entries()) listener.appeared(i, `http://server-${i}`, null)
  }

  run(): Rehearsed {
    const { concurrency } = this.#script
    this.#playing = concurrency
    for (let user = 0; user < concurrency; user++) this.#clock.after(user * STAGGER_MS, () => this.#nextSession())
    this.#tell()
    this.#clock.run(() => this.#playing === 0)
    return { calls: this.#calls, elapsedMs: this.#endedAt - BEGINS_AT_MS }
  }

  #deskFor(model: Model): FleetDesk {
    const { policy, servers, slots } = this.#script
    const unknown = { costs: null, kvTokens: null, dollarsPerHour: null, watts: null }
    return new FleetDesk({
      pools: [{ upstream: UPSTREAM, engine: 'llamacpp', maxRunning: slots, slots: servers, ...unknown }],
      models: [model],
      terms: { tiers: DEFAULT_TIERS, shares: {}, queue: DEFAULT_QUEUE },
      health: new HealthBoard([model], HealthBoard.memoryFor([model]), 0),
      clock: this.#clock,
      // Spread evenly: of two that are alike each in turn.
      random: { next: () => (this.#draws++ % 2) / 2 },
      policy,
    })
  }

  /** What servers say of themselves is read again and again, for as long as anything is played. */
  #tell(): void {
    const listener = this.#desk.listener(UPSTREAM)
    for (const [i, { load }] of this.#servers.entries()) {
      listener.heard(i, { ...load, kvUse: null, kvTokens: null, maxRunning: null }, this.#clock.monotonic())
    }
    this.#clock.after(TOLD_EVERY_MS, () => this.#tell())
  }

  get #isOver(): boolean {
    return this.#clock.now() - BEGINS_AT_MS >= this.#script.durationMs
  }

  #nextSession(): void {
    const session = this.#isOver ? undefined : this.#waiting.shift()
    if (session === undefined) this.#playing--
    else this.#turn(session, 0)
  }

  #turn(session: Session, number: number): void {
    const turn = session.turns[number]
    if (turn === undefined) return this.#nextSession()
    this.#clock.after(turn.thinkMs, () => {
      if (this.#isOver) this.#playing--
      else this.#ask(turn, () => this.#turn(session, number + 1))
    })
  }

  #ask(turn: Turn, next: () => void): void {
    const askedAt = this.#clock.now()
    const bytes = new TextEncoder().encode(JSON.stringify(turn.messages))
    this.#desk.ask(
      {
        model: this.#model.name,
        deployments: [{ name: this.#model.deployments[0]!.name, tried: [] }],
        tenant: 'key:bench',
        tier: DEFAULT_TIER,
        since: askedAt,
        waitedMs: 0,
        deadlineAt: null,
        mayWait: true,
        bytes: bytes.length,
        tokens: { input: bytes.length / BYTES_PER_TOKEN, output: turn.outputTokens },
        prompt: blocksOf(bytes, [{ at: 0, end: bytes.length }]),
        elsewhere: null,
      },
      answer => {
        if (answer.kind !== 'place') return next()
        this.#serve(turn, { place: answer.place, askedAt, next })
      },
    )
  }

  #serve(
    turn: Turn,
    { place, askedAt, next }: { readonly place: Place; readonly askedAt: number; readonly next: () => void },
  ): void {
    const prompt = promptOf(turn)
    const placedAt = this.#clock.now()
    let [firstMs, cachedTokens] = [0, 0]
    const ended = () => {
      const now = this.#clock.now()
      const { outputTokens } = turn
      const inputTokens = prompt.length
      const none = { cacheWrite5mTokens: 0, cacheWrite1hTokens: 0, reasoningTokens: 0 }
      const usage = { inputTokens, cachedInputTokens: cachedTokens, outputTokens, ...none, source: 'reported' } as const
      place.ended({ isWhole: true, usage })
      this.#calls.push({
        firstMs,
        ms: now - askedAt,
        promptTokens: inputTokens,
        cachedTokens,
        outputTokens,
        engine: null,
      })
      this.#endedAt = now
      next()
    }
    const began = (cached: number) => {
      cachedTokens = cached
      firstMs = this.#clock.now() - askedAt
      place.began(this.#clock.now() - placedAt)
    }
    this.#servers[place.replica]!.submit({ prompt, outputTokens: turn.outputTokens, began, ended })
  }
}

function memoryFor({ memory, slots, contextTokens }: Script): Memory {
  return memory === 'slots' ? new SlotMemory(slots) : new PagedMemory({ slots, tokens: slots * contextTokens })
}

function modelOf(replicas: number): Model {
  const name = `${UPSTREAM}/smollm2`
  const deployment = {
    name,
    upstream: UPSTREAM,
    model: 'smollm2',
    dialects: ['openai'],
    replicas,
    grams: null,
  } as const
  return {
    name: 'model',
    deployments: [{ ...deployment, engine: 'llamacpp' }],
    route: 'inOrder',
    maxOutputTokens: null,
    resilience: DEFAULT_RESILIENCE,
    createdAt: 0,
  }
}

/** Of the model's own system prompt, and of what its template puts around each message. */
const SYSTEM_TOKENS = 23
const MESSAGE_TOKENS = 5
const TEMPLATE_TOKEN = -1

/** Tokens as the model's template makes them of the messages, by numbers that stand for them. */
export function promptOf({ messages, words }: Turn): readonly number[] {
  const prompt = new Array<number>(SYSTEM_TOKENS).fill(TEMPLATE_TOKEN)
  let at = 0
  for (const { content } of messages) {
    for (let i = 0; i < MESSAGE_TOKENS; i++) prompt.push(TEMPLATE_TOKEN)
    for (const end = at + content.split(' ').length; at < end; at++) prompt.push(words[at]!)
  }
  return prompt
}
