import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { LEASE_MS, Lessee, Lessor, type LocalHold } from './lease.ts'

const UNTIL = Number.POSITIVE_INFINITY

/** How often each thing happened, over all histories. */
const reached = new Map<string, number>()
function count(what: string): void {
  reached.set(what, (reached.get(what) ?? 0) + 1)
}

interface Running {
  readonly at: number
  readonly hold: LocalHold
}

/** An owner and its lessees, who hear each other at once but may fall silent or die. */
class Fleet {
  readonly amount: number
  readonly owner: Lessor
  lessees: Lessee[]
  silent = new Set<number>()
  running: Running[] = []
  now = 1_000_000
  messages = 0
  used = 0
  /** Used without room for it: beyond a hold, or after a lease was lost. */
  beyond = 0

  constructor(amount: number, lessees: number) {
    this.amount = amount
    this.owner = new Lessor(amount)
    this.lessees = Array.from({ length: lessees }, (_, i) => new Lessee(i))
  }

  /** @returns whether the call was admitted */
  call(at: number, need: number): boolean {
    const lessee = this.lessees[at]!
    for (;;) {
      const hold = lessee.hold(need, this.now)
      if (hold !== null) {
        this.running.push({ at, hold })
        return true
      }
      if (this.silent.has(at)) return false
      this.report(at)
      this.messages++
      const lacking = lessee.lacks(need, this.now)
      const grant = this.owner.grant(at, lacking, { lessees: this.lessees.length, now: this.now, until: UNTIL })
      if (grant.kind === 'refused') return false
      if (grant.kind === 'granted') lessee.take(grant.slice)
      else if (!this.#callIn(grant.lessees)) return false
    }
  }

  /** @returns whether all of them answered */
  #callIn(lessees: readonly number[]): boolean {
    count('called in')
    for (const at of lessees) {
      if (this.silent.has(at)) return false
      this.messages++
      const lessee = this.lessees[at]!
      this.#send(lessee, lessee.callIn())
    }
    return true
  }

  report(at: number): void {
    const lessee = this.lessees[at]!
    this.messages++
    this.#send(lessee, lessee.report())
  }

  #send(lessee: Lessee, report: ReturnType<Lessee['report']>): void {
    this.beyond += report.overrun
    const endsAt = this.owner.report(report, { now: this.now, until: UNTIL })
    if (endsAt === null && report.term > 0) {
      count('lease lost')
      this.beyond += report.used - report.overrun
    }
    lessee.renew(endsAt)
  }

  post(which: number, share: number): void {
    const [running] = this.running.splice(which % this.running.length, 1)
    if (running === undefined) return
    const { at, hold } = running
    const used = Math.floor(hold.amount * share)
    if (share > 1) count('used beyond its hold')
    this.used += used
    this.lessees[at]!.post(hold, used)
    if (this.lessees[at]!.isCalledIn && !this.silent.has(at)) this.report(at)
  }

  die(at: number): void {
    count('died')
    this.silent.delete(at)
    // What its calls use is told to nobody: the upstream's bill is all that knows of it.
    this.running = this.running.filter(each => each.at !== at)
    this.used -= this.lessees[at]!.report().used
    this.lessees[at] = new Lessee(at)
  }

  get heldByCalls(): number {
    return this.running.reduce((sum, { hold }) => sum + hold.amount, 0)
  }
}

type Step = readonly [kind: number, which: number, amount: number]
const steps = fc.array(fc.tuple(fc.nat(19), fc.nat(3), fc.nat(40)) as fc.Arbitrary<Step>, { maxLength: 200 })

function play(fleet: Fleet, [kind, which, amount]: Step, mayFail: boolean): void {
  if (kind < 9) {
    const taken = fleet.used + fleet.heldByCalls
    const isAdmitted = fleet.call(which, amount)
    count(isAdmitted ? 'admitted' : 'refused')
    // Where everybody answers, nobody is refused whom a single owner would have admitted.
    if (!mayFail && !isAdmitted) expect(taken + amount).toBeGreaterThan(fleet.amount)
  } else if (kind < 15) fleet.post(amount, mayFail && kind === 14 ? 2 : (amount % 11) / 10)
  else if (!mayFail || kind === 15) {
    fleet.now += 300
    for (const at of fleet.lessees.keys()) if (!fleet.silent.has(at)) fleet.report(at)
  } else if (kind === 16) fleet.silent.add(which)
  else if (kind === 17) fleet.silent.delete(which)
  else if (kind === 18) fleet.die(which)
  else fleet.now += LEASE_MS
}

describe('slices of a limit', () => {
  it('never pass its amount together, whoever falls silent or dies, but by what was used without room', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 300 }), (all, amount) => {
        const fleet = new Fleet(amount, 4)
        for (const step of all) {
          play(fleet, step, true)
          expect(fleet.owner.used + fleet.owner.outstanding).toBeLessThanOrEqual(amount + fleet.beyond)
          expect(fleet.owner.outstanding).toBeGreaterThanOrEqual(0)
        }
        fleet.silent.clear()
        while (fleet.running.length > 0) fleet.post(0, 1)
        for (const at of fleet.lessees.keys()) fleet.report(at)
        expect(fleet.owner.used).toBe(fleet.used)
        fleet.owner.expire(fleet.now + LEASE_MS)
        expect(fleet.owner.outstanding).toBe(0)
      }),
      { numRuns: 500, seed: 7 },
    )
  })

  it('refuse nobody whom a single owner would have admitted, as long as all answer', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 0, max: 300 }), (all, amount) => {
        const fleet = new Fleet(amount, 4)
        for (const step of all) play(fleet, step, false)
      }),
      { numRuns: 500 },
    )
  })

  it('let the last unit be spent, whoever asks', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(3), { minLength: 60, maxLength: 60 }), askers => {
        const fleet = new Fleet(50, 4)
        expect(askers.filter(at => fleet.call(at, 1)).length).toBe(50)
      }),
    )
  })

  it('spare their lessees from asking: a hundred thousand calls with plenty of room take few messages', () => {
    const fleet = new Fleet(10_000_000, 4)
    for (let i = 0; i < 100_000; i++) {
      expect(fleet.call(i % 4, 60)).toBe(true)
      fleet.post(0, 0.5)
    }
    expect(fleet.messages).toBeLessThan(100)
  })

  it('of the dead come back at once when the death is known, else when the lease ends', () => {
    for (const isKnown of [true, false]) {
      const fleet = new Fleet(100, 2)
      expect(fleet.call(0, 70)).toBe(true)
      fleet.die(0)
      expect(fleet.call(1, 70)).toBe(false)
      if (isKnown) fleet.owner.giveUp(0)
      else fleet.now += LEASE_MS
      expect(fleet.call(1, 70)).toBe(true)
    }
  })

  it('end with the window that they are of', () => {
    const owner = new Lessor(100)
    const lessee = new Lessee(0)
    const grant = owner.grant(0, 10, { lessees: 1, now: 0, until: 2_000 })
    if (grant.kind !== 'granted') throw new Error(grant.kind)
    lessee.take(grant.slice)
    expect(lessee.hold(10, 999)).not.toBeNull()
    expect(lessee.hold(10, 1_000)).toBeNull()
    owner.expire(2_000)
    expect(owner.left).toBe(100)
  })

  it.each(['admitted', 'refused', 'called in', 'lease lost', 'used beyond its hold', 'died'])('reached: %s', what =>
    expect(reached.get(what) ?? 0).toBeGreaterThan(20),
  )
})
