import type { EngineLoad } from '../ports/fleet.ts'
import type { PlaceAnswer, PlaceAsk, Places } from '../ports/places.ts'
import type { Tokens } from '../units/tokens.ts'
import type { PeerPolicy } from './policies.ts'
import { RoutedPrefixes } from './prefixes.ts'

/** The replicas of one upstream. */
export interface PeerPool {
  readonly upstream: string
  readonly replicas: number
  /** Tokens that the cache of one replica holds; null for no bound. */
  readonly kvTokens: Tokens | null
  /** What the engine says of itself at this moment: fresher than any router knows it. */
  load(replica: number): EngineLoad
}

interface Seat {
  readonly deployment: string
  readonly pool: PeerPool
  readonly replica: number
  readonly prefixes: RoutedPrefixes
  /** Calls that went there and have not ended. */
  underWay: number
}

/** Weights of what a prefix-aware router adds up, each from 0 to 1: those that llm-d's scheduler has by default. */
const QUEUE_WEIGHT = 2
const KV_WEIGHT = 2
const PREFIX_WEIGHT = 3

/** Chooses replicas as peers do. */
export class PeerPlaces implements Places {
  readonly #policy: PeerPolicy
  readonly #pools: ReadonlyMap<string, PeerPool>
  /** Of each upstream, in the order of its replicas. */
  readonly #seats = new Map<string, readonly Seat[]>()
  /** How many calls were placed. */
  #turn = 0

  constructor(policy: PeerPolicy, pools: readonly PeerPool[]) {
    this.#policy = policy
    this.#pools = new Map(pools.map(pool => [pool.upstream, pool]))
  }

  ask(ask: PlaceAsk, answer: (answer: PlaceAnswer) => void): null {
    const seats = this.#candidates(ask)
    if (seats.length === 0) {
      answer({ kind: 'none' })
      return null
    }
    const seat = this.#choose(seats, ask)
    this.#turn++
    seat.underWay++
    if (this.#policy === 'prefixAware') seat.prefixes.learn(ask.prompt)
    answer({
      kind: 'place',
      place: {
        deployment: seat.deployment,
        replica: seat.replica,
        address: null,
        expectedCachedTokens: 0,
        began: () => {},
        ended: () => {
          seat.underWay--
        },
      },
    })
    return null
  }

  /** Replicas of all deployments that may serve the call, in their order, but those that it has tried. */
  #candidates({ deployments }: PlaceAsk): readonly Seat[] {
    return deployments.flatMap(({ name, tried }) => {
      const seats = this.#seatsOf(name)
      return tried.length === 0 ? seats : seats.filter(({ replica }) => !tried.includes(replica))
    })
  }

  #seatsOf(deployment: string): readonly Seat[] {
    const known = this.#seats.get(deployment)
    if (known !== undefined) return known
    const pool = this.#pools.get(deployment.slice(0, deployment.indexOf('/')))!
    const seats = Array.from({ length: pool.replicas }, (_, replica): Seat => {
      const prefixes = new RoutedPrefixes(pool.kvTokens ?? Number.MAX_SAFE_INTEGER)
      return { deployment, pool, replica, prefixes, underWay: 0 }
    })
    this.#seats.set(deployment, seats)
    return seats
  }

  #choose(seats: readonly Seat[], ask: PlaceAsk): Seat {
    switch (this.#policy) {
      case 'roundRobin':
        return seats[this.#turn % seats.length]!
      case 'leastLoaded':
        return this.#best(seats, ({ underWay }) => -underWay)
      case 'prefixAware':
        return this.#best(seats, this.#prefixScore(seats, ask))
    }
  }

  /** Of several that are equally good each gets its turn. */
  #best(seats: readonly Seat[], scoreOf: (seat: Seat) => number): Seat {
    let best = seats[0]!
    let bestScore = Number.NEGATIVE_INFINITY
    for (let i = 0; i < seats.length; i++) {
      const seat = seats[(this.#turn + i) % seats.length]!
      const score = scoreOf(seat)
      if (score > bestScore) {
        best = seat
        bestScore = score
      }
    }
    return best
  }

  #prefixScore(seats: readonly Seat[], { prompt }: PlaceAsk): (seat: Seat) => number {
    const waiting = ({ pool, replica }: Seat) => pool.load(replica).waiting ?? 0
    const queues = seats.map(waiting)
    const most = Math.max(...queues)
    const least = Math.min(...queues)
    const blocks = prompt.hashes.length
    return seat => {
      const queue = most > least ? (most - waiting(seat)) / (most - least) : 1
      const kv = 1 - (seat.pool.load(seat.replica).kvUse ?? 0)
      const prefix = blocks > 0 ? seat.prefixes.matched(prompt) / blocks : 0
      return QUEUE_WEIGHT * queue + KV_WEIGHT * kv + PREFIX_WEIGHT * prefix
    }
  }
}
