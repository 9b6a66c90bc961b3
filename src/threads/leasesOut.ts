import type { DeskLease } from '../lifecycle/limits/desk.ts'

interface Out<Holder> {
  readonly holder: Holder
  /** Null where nothing binds the calls that it is for. */
  readonly lease: DeskLease | null
}

const NONE: ReadonlySet<number> = new Set()

/** Leases that are out, by their numbers: who has them, and of which limits they hold something. */
export class LeasesOut<Holder> {
  readonly #all = new Map<number, Out<Holder>>()
  readonly #bound = new Set<number>()
  readonly #byMember = new Map<object, Set<number>>()

  add(n: number, holder: Holder, lease: DeskLease | null): void {
    this.#all.set(n, { holder, lease })
    if (lease === null) return
    this.#bound.add(n)
    for (const member of lease.members) {
      const there = this.#byMember.get(member)
      if (there === undefined) this.#byMember.set(member, new Set([n]))
      else there.add(n)
    }
  }

  /** @returns the lease, which is out no more; null for one that holds nothing or is not out */
  take(n: number): DeskLease | null {
    const lease = this.#all.get(n)?.lease ?? null
    this.#all.delete(n)
    if (lease === null) return null
    this.#bound.delete(n)
    for (const member of lease.members) {
      const there = this.#byMember.get(member)!
      there.delete(n)
      if (there.size === 0) this.#byMember.delete(member)
    }
    return lease
  }

  lease(n: number): DeskLease | null {
    return this.#all.get(n)?.lease ?? null
  }

  holder(n: number): Holder {
    return this.#all.get(n)!.holder
  }

  of(holder: Holder): readonly number[] {
    return [...this.#all].filter(([, out]) => out.holder === holder).map(([n]) => n)
  }

  all(): Iterable<number> {
    return this.#all.keys()
  }

  /** Those that hold something; the others only say that nothing binds. */
  bound(): ReadonlySet<number> {
    return this.#bound
  }

  /** Those that hold something of one of these. */
  at(members: readonly object[]): ReadonlySet<number> {
    const found = members.map(member => this.#byMember.get(member) ?? NONE)
    return found.length === 1 ? found[0]! : new Set(found.flatMap(numbers => [...numbers]))
  }
}
