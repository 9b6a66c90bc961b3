import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { Tokens } from '../../units/tokens.ts'

/** Places of a replica of which nothing is known yet: what it really has is found by doubling. */
const FIRST_PLACES = 32
/** Places of a replica that has had time to tell and told nothing, so that only its own queue bounds it. */
const UNTOLD_PLACES = 256
const TELLING_MS: DurationMs = 5_000
/** More than any engine runs at once. */
const MOST_PLACES = 4_096
/** Metrics that are read once a second are as good as new for so long; then what they said fades by half each second. */
const FRESH_MS: DurationMs = 1_000
const FADING_HALF_LIFE_MS: DurationMs = 1_000
/** Over how long calls count as placed lately. */
export const LATELY_MS: DurationMs = 250
/** A call that waits for longer inside an engine than this waits for a place, not for the next step to begin. */
const LONG_WAIT_MS: DurationMs = 500
const SHORT_WAIT_MS: DurationMs = 60

/** What is known of how many calls a replica can run at once. */
export interface Capacity {
  readonly since: MonotonicMs
  /** When it was asked for what it last told of its load; null before. */
  heardAt: MonotonicMs | null
  /** Places by its own word; null where it does not say. */
  told: number | null
  /** Places as its metrics let us guess. */
  learnt: number
  /** By how much the next clean reading raises `learnt`; 0 while it still doubles. */
  raise: number
  /** Calls of others that it had, by the last reading and by the one before. */
  foreign: number
  foreignBefore: number
  /** Tokens that its KV cache holds, by its own word; null where it does not say. */
  kvTokens: Tokens | null
}

export function newCapacity(now: MonotonicMs): Capacity {
  return {
    since: now,
    heardAt: null,
    told: null,
    learnt: FIRST_PLACES,
    raise: 0,
    foreign: 0,
    foreignBefore: 0,
    kvTokens: null,
  }
}

/** What an engine says of itself; `EngineLoad` is one. */
export interface ToldLoad {
  readonly running: number | null
  readonly waiting: number | null
  readonly kvTokens: Tokens | null
  readonly maxRunning: number | null
}

/** What was under way there when its load was read. */
export interface OwnLoad {
  /** Own calls when it was asked or when it had answered, whichever are more. */
  readonly inFlight: number
  /** The most own calls at once since the reading before. */
  readonly peak: number
  /** Own calls that were placed in the last `LATELY_MS`. */
  readonly placedLately: number
  readonly askedAt: MonotonicMs
}

/**
 * Learns from what an engine says of its load. Places are cut to what runs when calls have to wait for them, and raised
 * while all are taken and none waits: by doubling until the first cut, then by 1, 2, 4 and so on from each cut. How
 * long calls wait inside the engine is how many wait over how many a second come (Little's law): a few that have just
 * come wait for the next step only, and mean nothing.
 */
export function heardLoad(capacity: Capacity, load: ToldLoad, own: OwnLoad): void {
  if (load.maxRunning !== null && load.maxRunning >= 1) capacity.told = Math.floor(load.maxRunning)
  if (load.kvTokens !== null && load.kvTokens > 0) capacity.kvTokens = load.kvTokens
  if (load.running === null) return
  const waiting = load.waiting ?? 0
  capacity.heardAt = own.askedAt
  capacity.foreignBefore = capacity.foreign
  capacity.foreign = Math.max(0, load.running + waiting - own.inFlight)
  const comePerMs = own.placedLately / LATELY_MS
  if (waiting > comePerMs * LONG_WAIT_MS) {
    capacity.learnt = Math.max(1, Math.min(capacity.learnt, load.running))
    capacity.raise = 1
    return
  }
  if (waiting > comePerMs * SHORT_WAIT_MS) return
  const reached = Math.max(own.peak + foreignIn(capacity), load.running)
  if (reached < capacity.learnt) return
  const raised = capacity.raise === 0 ? 2 * capacity.learnt : capacity.learnt + capacity.raise
  capacity.learnt = Math.min(MOST_PLACES, Math.max(raised, load.running))
  capacity.raise = Math.min(2 * capacity.raise, MOST_PLACES)
}

/** One reading may have seen a call that came or went while it was made, so the fewer of two count. */
function foreignIn(capacity: Capacity): number {
  return Math.min(capacity.foreign, capacity.foreignBefore)
}

/** Calls of others that are probably there; what was read longer ago counts less. */
export function foreignCalls(capacity: Capacity, now: MonotonicMs): number {
  const read = foreignIn(capacity)
  if (read === 0 || capacity.heardAt === null) return 0
  const oldMs = now - capacity.heardAt - FRESH_MS
  return Math.round(oldMs <= 0 ? read : read * 2 ** (-oldMs / FADING_HALF_LIFE_MS))
}

/**
 * How many calls a replica may run at once, those of others included: as configured, else by its own word, else as learnt.
 *
 * @param maxRunning as configured; null where it is to be learnt
 */
export function placesOf(capacity: Capacity, maxRunning: number | null, now: MonotonicMs): number {
  if (maxRunning !== null) return maxRunning
  if (capacity.told !== null) return capacity.told
  const isUntold = capacity.heardAt === null && now - capacity.since >= TELLING_MS
  return isUntold ? UNTOLD_PLACES : capacity.learnt
}

/**
 * How many more calls may be sent to a replica now. Where no own call is under way it is at least one: what others do
 * there, or old metrics, never block it, since nothing else would tell that it is free again.
 *
 * @param maxRunning as configured; null where it is to be learnt
 */
export function freePlaces(
  capacity: Capacity,
  {
    inFlight,
    maxRunning,
    now,
  }: { readonly inFlight: number; readonly maxRunning: number | null; readonly now: MonotonicMs },
): number {
  const free = placesOf(capacity, maxRunning, now) - inFlight - foreignCalls(capacity, now)
  return Math.max(free, inFlight === 0 ? 1 : 0)
}
