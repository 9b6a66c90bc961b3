import { cachedTokensAt } from './call.ts'
import { began, ended, type PlacementFleet, placed } from './fleet.ts'
import { callOf, fleetOf } from './placement.fixture.ts'
import { type PlacementPolicy, placementOf } from './policies.ts'
import { PrefixIndex } from './prefix-index.ts'
import { chained, randomOf } from './prompts.fixture.ts'

const BLOCK_TOKENS = 16
const DECODE_STEP_MS = 10

/** Conversations with an engine that reads one prompt after another and answers all at once. */
export interface Script {
  readonly policy: PlacementPolicy
  readonly seed: number
  readonly replicas: number
  readonly maxRunning: number
  /** Blocks that the cache of one engine holds. */
  readonly cacheBlocks: number
  /** How many times longer each replica takes for everything; 1 where it is not named. */
  readonly slow?: Readonly<Record<number, number>>
  readonly conversations: number
  readonly turns: number
  /** Blocks that all begin with, that each begins with, and that each turn adds. */
  readonly blocks: { readonly everyones: number; readonly own: number; readonly turn: number }
  readonly outputTokens: number
  readonly gapMs: number
  readonly thinkMs: number
}

/** What became of them. */
export interface Played {
  /** Of the tokens of prompts, the share that engines found in their caches, and the share that was expected there. */
  readonly cachedShare: number
  readonly expectedShare: number
  readonly calls: readonly number[]
  readonly mostAtOnce: readonly number[]
  /** In order. */
  readonly firstTokenMs: readonly number[]
}

interface Turn {
  readonly conversation: number
  readonly turn: number
  readonly askedAt: number
}

/** Plays a script on a virtual clock; the same for the same seed. */
export function play(script: Script): Played {
  const stage = new Stage(script)
  stage.run()
  return stage.played()
}

class Stage {
  readonly #script: Script
  readonly #random: () => number
  readonly #fleet: PlacementFleet
  /** What placement believes, and what engines have. */
  readonly #index: PrefixIndex
  readonly #engines: PrefixIndex
  readonly #readUntil: number[]
  readonly #waiting: Turn[] = []
  readonly #events: { at: number; happen: (now: number) => void }[] = []
  readonly #calls: number[]
  readonly #most: number[]
  readonly #first: number[] = []
  readonly #tokens = { input: 0, cached: 0, expected: 0 }

  constructor(script: Script) {
    this.#script = script
    this.#random = randomOf(script.seed)
    this.#fleet = fleetOf(script.replicas, { maxRunning: script.maxRunning })
    for (const state of this.#fleet.replicas) state.cacheBlocks = script.cacheBlocks
    const options = { slots: script.replicas, replicaBlocks: script.cacheBlocks }
    this.#index = new PrefixIndex(options)
    this.#engines = new PrefixIndex(options)
    this.#readUntil = Array(script.replicas).fill(0)
    this.#calls = Array(script.replicas).fill(0)
    this.#most = Array(script.replicas).fill(0)
  }

  run(): void {
    const { conversations, gapMs } = this.#script
    for (let c = 0; c < conversations; c++) {
      const at = c * gapMs * (0.5 + this.#random())
      this.#at(at, now => this.#ask({ conversation: c, turn: 0, askedAt: now }))
    }
    while (this.#events.length > 0) {
      const { at, happen } = this.#events.shift()!
      happen(at)
    }
  }

  played(): Played {
    const { input, cached, expected } = this.#tokens
    return {
      cachedShare: cached / input,
      expectedShare: expected / input,
      calls: this.#calls,
      mostAtOnce: this.#most,
      firstTokenMs: this.#first.toSorted((a, b) => a - b),
    }
  }

  #at(at: number, happen: (now: number) => void): void {
    let place = this.#events.length
    while (place > 0 && this.#events[place - 1]!.at > at) place--
    this.#events.splice(place, 0, { at, happen })
  }

  #ask(turn: Turn): void {
    this.#waiting.push(turn)
    this.#serve(turn.askedAt)
  }

  #serve(now: number): void {
    while (this.#waiting.length > 0 && this.#start(this.#waiting[0]!, now)) this.#waiting.shift()
  }

  /** @returns false where no replica has a place */
  #start(turn: Turn, now: number): boolean {
    const { policy, outputTokens, slow = {} } = this.#script
    const hashes = this.#promptOf(turn)
    const matches = new Uint16Array(this.#script.replicas)
    this.#index.match(hashes, matches)
    const inputTokens = hashes.length * BLOCK_TOKENS + 5
    const prompt = { hashes, blockTokens: BLOCK_TOKENS }
    const call = callOf({
      inputTokens,
      outputTokens,
      prompt,
      matches,
      draw: this.#random(),
      waitedMs: now - turn.askedAt,
      patienceMs: 60_000,
    })
    const placement = placementOf(policy)(call, this.#fleet, now)
    if (placement === null) return false
    const { state, replica } = placement
    const stay = placed(this.#fleet, state, call, now)
    this.#index.learn(replica, hashes, hashes.length)
    state.cachedBlocks = this.#index.held(replica)
    this.#calls[replica]!++
    this.#most[replica] = Math.max(this.#most[replica]!, state.inFlight)

    this.#engines.match(hashes, matches)
    const cached = cachedTokensAt(call, replica)
    this.#engines.learn(replica, hashes, hashes.length)
    this.#tokens.input += inputTokens
    this.#tokens.cached += cached
    this.#tokens.expected += placement.expectedCachedTokens
    const factor = slow[replica] ?? 1
    const readAt = Math.max(now, this.#readUntil[replica]!) + ((inputTokens - cached) * 0.03 + 2) * factor
    this.#readUntil[replica] = readAt
    const firstAt = readAt + DECODE_STEP_MS * factor
    this.#at(firstAt, at => {
      this.#first.push(at - turn.askedAt)
      began(stay, at - now, at)
    })
    this.#at(firstAt + outputTokens * DECODE_STEP_MS * factor, at => {
      ended(this.#fleet, stay, { isWhole: true, outputTokens }, at)
      this.#next(turn, at)
      this.#serve(at)
    })
    return true
  }

  #next({ conversation, turn }: Turn, now: number): void {
    if (turn + 1 === this.#script.turns) return
    const at = now + this.#script.thinkMs * (0.5 + this.#random())
    this.#at(at, askedAt => this.#ask({ conversation, turn: turn + 1, askedAt }))
  }

  #promptOf({ conversation, turn }: Turn): Float64Array {
    const { everyones, own, turn: added } = this.#script.blocks
    const length = everyones + own + (turn + 1) * added
    return chained(Array.from({ length }, (_, i) => (i < everyones ? 0 : (conversation + 1) * 10_000 + i)))
  }
}
