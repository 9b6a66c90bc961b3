import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Quantity } from '../../vocabulary/limit.ts'
import type { Binding, Hold } from './hold.ts'
import { type MemberState, NOBODY } from './state.ts'

/*
 * How threads and replicas admit calls without asking for each of them.
 *
 * The book's owner holds several calls' worth at once for a lessee: a slice of every limit that binds a caller, one amount
 * a unit, since all calls of that caller and model are bound by the same limits. The lessee admits calls as long as they
 * fit into what is left of its slice, and tells the owner of each behind it; the owner then carves the call's own hold out
 * of the slice. So everything that is held or used has been held by the owner before, and no limit is ever passed.
 *
 * Slices shrink with the room: all lessees together may hold half of what is left, and where that is but a few calls, none
 * gets a slice and the owner decides over each call. When a call has no room, slices are called in before it is refused:
 * it is refused only where a single owner would have refused it too.
 */

/** Calls that a slice is for, at most. */
const MOST_CALLS = 64
/** A slice for fewer is not worth its messages. */
const FEWEST_CALLS = 4
/** How long a slice may be spent: what lies in it is lost to all others. */
export const LEASE_MS: DurationMs = 2_000

/** How much of each unit a lessee may be given, and until when; null where room is scarce. */
export function sizeSlice(
  { members }: Binding,
  needs: readonly Quantity[],
  { lessees, now }: { readonly lessees: number; readonly now: EpochMs },
): { readonly amounts: readonly Quantity[]; readonly until: EpochMs } | null {
  let calls = MOST_CALLS
  let until = now + LEASE_MS
  for (const member of members) {
    // What is burnt at rates of its own, a lessee could not reckon.
    const need = needs[member.unit] ?? Number.NaN
    if (member.firstWaiting !== NOBODY || !Number.isFinite(need)) return null
    if (now >= member.endsAt) member.roll(now)
    if (need > 0)
      calls = Math.min(calls, Math.floor((member.amount - member.used - member.held) / (2 * lessees * need)))
    if (calls < FEWEST_CALLS) return null
    until = Math.min(until, spendableUntil(member, now))
  }
  return until > now ? { amounts: needs.map(need => (Number.isFinite(need) ? need * calls : 0)), until } : null
}

/** What a slice holds of a sliding window leaves it a window's length later: by then it must long be spent or returned. */
function spendableUntil({ rule, endsAt }: MemberState, now: EpochMs): EpochMs {
  return rule.clock.passing === 'sliding' ? now + rule.clock.lengthMs / 2 : endsAt
}

/** What is held for a lessee; given back by `void`. */
export interface LeasedSlice {
  readonly hold: Hold
  /** What is left of it, by unit: the amounts of its hold. */
  readonly rest: Quantity[]
  readonly until: EpochMs
}

/** A lessee's slice: what is left of it. */
export class Slice {
  readonly #rest: Quantity[]
  readonly #until: EpochMs

  constructor(amounts: readonly Quantity[], until: EpochMs) {
    this.#rest = [...amounts]
    this.#until = until
  }

  /** Takes a call out of it, in every unit or in none. */
  take(needs: readonly Quantity[], now: EpochMs): boolean {
    if (now >= this.#until) return false
    for (let unit = 0; unit < needs.length; unit++) if (needs[unit]! > this.#rest[unit]!) return false
    for (let unit = 0; unit < needs.length; unit++) this.#rest[unit]! -= needs[unit]!
    return true
  }

  left(unit: number): Quantity {
    return this.#rest[unit]!
  }

  isOver(now: EpochMs): boolean {
    return now >= this.#until
  }
}
