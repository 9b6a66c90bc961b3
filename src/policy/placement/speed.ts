import type { DurationMs, MonotonicMs } from '../../units/time.ts'

/** After so long without answers, what a replica is said to differ by is half of what it was. */
const HALF_LIFE_MS: DurationMs = 10_000
/** Of what an answer that came late would move what is usual, so much is taken over. */
const SLOW_PART = 0.3
/** How much of what is newly seen is taken over, once enough was seen. */
const GAIN = 0.2
/** One answer moves the logarithm by this before the gain, so that a single odd one can not move it far. */
const MOST_SURPRISE = Math.log(2)
/** No replica counts as slower or faster than this; beyond, its breaker has to see to it. */
const MOST_FACTOR = 16
const MOST = Math.log(MOST_FACTOR)
/** Replicas that differ by less are taken to be alike. */
const NOISE = Math.log(1.25)
/** A difference counts from so many standard errors on; fewer answers than this tell none. */
const SURE = 2
const ENOUGH = 3
/** Answers that a mean with that gain is worth, at most. */
const MOST_WORTH = 2 / GAIN - 1
/** How far the modelled times of a pool may be off. */
const LEAST_SCALE = 0.5
const MOST_SCALE = 4

/** How much longer things take than the model says, as a logarithm that moves like a median. */
export interface Pace {
  log: number
  samples: number
}

/** What is usual in a pool, so that a replica is compared with its peers and not with the model. */
export interface PoolSpeed {
  /** Of first tokens of streams. */
  readonly first: Pace
  /** Of whole plain answers. */
  readonly whole: Pace
}

/** How a replica differs from what is usual in its pool. */
export interface ReplicaSpeed extends Pace {
  /** How far single answers lie from it, as a mean. */
  spread: number
  heardAt: MonotonicMs
}

/** An answer that came. */
export interface Timing {
  /** By the model, without what was learnt. */
  readonly modelledMs: DurationMs
  readonly observedMs: DurationMs
  /** Whether it was the first token of a stream or a whole answer. */
  readonly kind: 'first' | 'whole'
}

export const newPoolSpeed = (): PoolSpeed => ({ first: { log: 0, samples: 0 }, whole: { log: 0, samples: 0 } })

export const newReplicaSpeed = (now: MonotonicMs): ReplicaSpeed => ({ log: 0, samples: 0, spread: 0, heardAt: now })

/** Learns from an answer, of the pool and of the replica. */
export function heardAnswer(pool: PoolSpeed, replica: ReplicaSpeed, timing: Timing, now: MonotonicMs): void {
  if (!(timing.modelledMs > 0 && timing.observedMs >= 0)) return
  const ratio = clamped(Math.log(Math.max(timing.observedMs, 1e-3) / timing.modelledMs), -MOST, MOST)
  const usual = pool[timing.kind]
  // What is usual is what the quicker ones take: slow ones don't make it so.
  const before = usual.log
  learn(usual, ratio)
  if (usual.log > before) usual.log = before + (usual.log - before) * (usual.samples > 1 ? SLOW_PART : 1)
  replica.log *= fading(replica, now)
  const difference = ratio - usual.log
  if (replica.samples > 0) {
    const gain = Math.max(GAIN, 1 / replica.samples)
    replica.spread += gain * (Math.abs(difference - replica.log) - replica.spread)
  }
  learn(replica, difference)
  replica.heardAt = now
}

/** The first ones are averaged, since there is nothing yet that they could be odd against. */
function learn(pace: Pace, log: number): void {
  pace.samples++
  const gain = Math.max(GAIN, 1 / pace.samples)
  const surprise = log - pace.log
  pace.log += gain * (gain > GAIN ? surprise : clamped(surprise, -MOST_SURPRISE, MOST_SURPRISE))
}

/**
 * How many times longer a replica takes than is usual in its pool; 1 where it does not, or where nothing was heard of it for
 * long, so that a slow one gets its chance again. None counts as quicker than usual: when all get quicker, the one that is
 * asked shows it first, and would be asked alone from then on.
 */
export function slownessOf(replica: ReplicaSpeed, now: MonotonicMs): number {
  const noise = noiseOf(replica)
  if (replica.log < noise) return 1
  const log = replica.log * fading(replica, now)
  return log < noise ? 1 : Math.exp(Math.min(log, MOST))
}

/** How many times longer whole plain answers take in this pool than the model says; as first tokens where nothing is known. */
export function wholeScaleOf(pool: PoolSpeed): number {
  return pool.whole.samples === 0 ? scaleOf(pool) : clamped(Math.exp(pool.whole.log), 1 / MOST_FACTOR, MOST_SCALE)
}

/** How many times longer first tokens take in this pool than the model says. */
export function scaleOf(pool: PoolSpeed): number {
  return clamped(Math.exp(pool.first.log), LEAST_SCALE, MOST_SCALE)
}

/** Differences below this mean nothing: what few answers, or scattered ones, would show of a replica that is like its peers. */
function noiseOf({ samples, spread }: ReplicaSpeed): number {
  if (samples < ENOUGH) return Number.POSITIVE_INFINITY
  return Math.max(NOISE, (SURE * spread) / Math.sqrt(Math.min(samples, MOST_WORTH)))
}

function fading(replica: ReplicaSpeed, now: MonotonicMs): number {
  return 2 ** (-Math.max(0, now - replica.heardAt) / HALF_LIFE_MS)
}

function clamped(value: number, least: number, most: number): number {
  return Math.min(most, Math.max(least, value))
}
