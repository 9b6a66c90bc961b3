import type { EpochMs } from '../../units/time.ts'
import { type MemberState, NOBODY } from './state.ts'
import type { Ticket } from './ticket.ts'

/** Calls that may wait at once, over all limits. One more is refused. */
export const MAX_WAITING = 10_000

/** Calls that wait for room, each at one limit that has none, in order of arrival. */
export class WaitingCalls {
  readonly #lines = new Map<MemberState, Ticket[]>()
  #size = 0
  #arrivals = 0
  /** Nobody's wait is over before, so that thousands who wait need not be looked through whenever a call ends. */
  #soonest: EpochMs = Number.POSITIVE_INFINITY

  get size(): number {
    return this.#size
  }

  get isFull(): boolean {
    return this.#size >= MAX_WAITING
  }

  nextArrival(): number {
    return this.#arrivals++
  }

  /** Members at which calls wait. */
  members(): readonly MemberState[] {
    return [...this.#lines.keys()]
  }

  first(member: MemberState): Ticket | null {
    return this.#lines.get(member)?.[0] ?? null
  }

  /** Places a call behind those that arrived before it. */
  add(ticket: Ticket, member: MemberState): void {
    const line = this.#lines.get(member) ?? []
    let place = line.length
    while (place > 0 && line[place - 1]!.arrival > ticket.arrival) place--
    line.splice(place, 0, ticket)
    this.#lines.set(member, line)
    member.firstWaiting = line[0]!.arrival
    ticket.member = member
    this.#soonest = Math.min(this.#soonest, ticket.deadline)
    this.#size++
  }

  /** @returns false when it waits no more */
  remove(ticket: Ticket): boolean {
    const { member } = ticket
    if (member === null) return false
    const line = this.#lines.get(member)!
    line.splice(line.indexOf(ticket), 1)
    if (line.length === 0) this.#lines.delete(member)
    member.firstWaiting = line[0]?.arrival ?? NOBODY
    ticket.member = null
    this.#size--
    return true
  }

  /** Calls that have waited long enough. */
  overdue(now: EpochMs): readonly Ticket[] {
    const found: Ticket[] = []
    if (now < this.#soonest) return found
    this.#soonest = Number.POSITIVE_INFINITY
    for (const line of this.#lines.values()) {
      for (const ticket of line) {
        if (ticket.deadline <= now) found.push(ticket)
        else this.#soonest = Math.min(this.#soonest, ticket.deadline)
      }
    }
    return found.sort((a, b) => a.arrival - b.arrival)
  }

  /** No later than time alone may let one of them go on, or has made it wait long enough; null when none waits. */
  nextAt(): EpochMs | null {
    if (this.#size === 0) return null
    let next = this.#soonest
    for (const [member, line] of this.#lines) {
      const first = line[0]!
      next = Math.min(next, member.fitsAt(first.need[member.unit]!) ?? next)
    }
    return next === Number.POSITIVE_INFINITY ? null : next
  }
}
