import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'

/**
 * Uses of a sliding window that have a moment of their own. Up to so many in one window the window is exact; beyond,
 * neighbours are taken together at the moment of the later one, so that they count a little longer, never shorter.
 */
export const EXACT_USES = 40
/** Into so many parts a crowded window is cut; use counts at most one part longer than the window. */
export const CROWDED_PARTS = 20

/** Moment, used and held of each use follow one another: one array of doubles a member. */
const FIELDS = 3

/** Uses of one sliding window, oldest first. */
export type SlidingLog = number[]

/** What left a window or was found in it. */
export interface Taken {
  used: Quantity
  held: Quantity
}

export function hold(log: SlidingLog, now: EpochMs, amount: Quantity, lengthMs: DurationMs): void {
  const length = log.length
  if (length > 0 && log[length - FIELDS] === now) {
    log[length - 1]! += amount
    return
  }
  if (length >= EXACT_USES * FIELDS) joinNeighbours(log, lengthMs)
  log.push(now, 0, amount)
}

/** Makes room in the log for a use at a moment that may lie before others. */
export function insert(log: SlidingLog, at: EpochMs): void {
  let i = log.length
  while (i > 0 && log[i - FIELDS]! >= at) i -= FIELDS
  if (log[i] !== at) log.splice(i, 0, at, 0, 0)
}

/** Moves what was held at one moment to a later one, which may lie before others. */
export function moveHeld(
  log: SlidingLog,
  move: { readonly from: EpochMs; readonly to: EpochMs; readonly amount: Quantity },
  lengthMs: DurationMs,
): void {
  const { from, to, amount } = move
  settle(log, from, amount, 0)
  if (log.length >= EXACT_USES * FIELDS) joinNeighbours(log, lengthMs)
  insert(log, to)
  settle(log, to, -amount, 0)
}

/** Takes uses of the same part of time together. Parts are cut by the clock, so that doing it again joins no further. */
function joinNeighbours(log: SlidingLog, lengthMs: DurationMs): void {
  const partMs = Math.ceil(lengthMs / CROWDED_PARTS)
  let last = 0
  for (let i = FIELDS; i < log.length; i += FIELDS) {
    if (Math.floor(log[i]! / partMs) === Math.floor(log[last]! / partMs)) {
      log[last] = log[i]!
      log[last + 1]! += log[i + 1]!
      log[last + 2]! += log[i + 2]!
      continue
    }
    last += FIELDS
    log[last] = log[i]!
    log[last + 1] = log[i + 1]!
    log[last + 2] = log[i + 2]!
  }
  log.length = last + FIELDS
}

/** Turns what was held at a moment into what was used; that moment must still be in the window. */
export function settle(log: SlidingLog, at: EpochMs, held: Quantity, used: Quantity): void {
  let i = log.length - FIELDS
  while (i >= FIELDS && log[i - FIELDS]! >= at) i -= FIELDS
  log[i + 1]! += used
  log[i + 2]! -= held
}

/**
 * Takes what is over out of the window.
 *
 * @param gone is added to
 * @returns the moment from which on use still counts
 */
export function forget(log: SlidingLog, now: EpochMs, lengthMs: DurationMs, gone: Taken): EpochMs {
  let over = 0
  while (over < log.length && log[over]! + lengthMs <= now) {
    gone.used += log[over + 1]!
    gone.held += log[over + 2]!
    over += FIELDS
  }
  if (over === 0) return Number.NEGATIVE_INFINITY
  const from = log[over - FIELDS]! + 1
  log.copyWithin(0, over)
  log.length -= over
  return from
}

/** When so much will have left the window, if everything held is used; null if there is not so much in it. */
export function leavesAt(log: SlidingLog, amount: Quantity, lengthMs: DurationMs): EpochMs | null {
  let sum = 0
  for (let i = 0; i < log.length; i += FIELDS) {
    sum += log[i + 1]! + log[i + 2]!
    if (sum >= amount) return log[i]! + lengthMs
  }
  return null
}

/** Moments and what was used then, without what is held. */
export function usesOf(log: SlidingLog): readonly number[] {
  const uses: number[] = []
  for (let i = 0; i < log.length; i += FIELDS) if (log[i + 1]! > 0) uses.push(log[i]!, log[i + 1]!)
  return uses
}

export function logOf(uses: readonly number[]): SlidingLog {
  const log: SlidingLog = []
  for (let i = 0; i + 1 < uses.length; i += 2) log.push(uses[i]!, uses[i + 1]!, 0)
  return log
}
