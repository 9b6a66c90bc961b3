import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VirtualClock } from './clock.ts'

const START = 1_800_000_000_000

/** What to set before and during a run: after so long, and which of those set so far to cancel when it comes. */
const plan = fc.array(
  fc.record({
    delay: fc.oneof(fc.nat(3), fc.nat(5_000), fc.double({ min: 0, max: 9e6, noNaN: true })),
    cancels: fc.option(fc.nat(50)),
  }),
  { maxLength: 60 },
)

describe('a virtual clock', () => {
  it('calls in order of time, those of one moment in the order in which they were set, and none that was cancelled', () => {
    fc.assert(
      fc.property(plan, plan, (first, later) => {
        const clock = new VirtualClock(START)
        const set: { at: number; cancel: () => void; isCancelled: boolean; isCalled: boolean }[] = []
        const called: number[] = []
        const cancel = (place: number | null) => {
          const other = place === null ? undefined : set[place]
          if (other === undefined) return
          other.cancel()
          if (!other.isCalled) other.isCancelled = true
        }
        const put = (delay: number, cancels: number | null) => {
          const place = set.length
          const at = clock.monotonic() + delay
          const timer = { at, isCancelled: false, isCalled: false, cancel: () => {} }
          set.push(timer)
          timer.cancel = clock.after(delay, () => {
            timer.isCalled = true
            called.push(place)
            expect(clock.monotonic()).toBe(at)
            cancel(cancels)
            const next = later[called.length - 1]
            if (next !== undefined) put(next.delay, next.cancels)
          })
        }
        for (const { delay, cancels } of first) put(delay, cancels)
        expect(clock.run()).toBe(true)
        const times = called.map(place => set[place]!.at)
        expect(times).toEqual([...times].sort((one, other) => one - other))
        for (const [i, place] of called.entries()) {
          const before = called[i - 1]
          if (before !== undefined && set[before]!.at === set[place]!.at) expect(before).toBeLessThan(place)
        }
        expect(set.every(({ isCancelled, isCalled }) => isCancelled !== isCalled)).toBe(true)
      }),
    )
  })

  it('calls nobody within the call that sets it, be it due at once', () => {
    const clock = new VirtualClock(START)
    const said: string[] = []
    clock.after(0, () => said.push('later'))
    clock.soon(() => said.push('soon'))
    expect(said).toEqual([])
    clock.run()
    expect(said).toEqual(['soon', 'later'])
  })

  it('tells whole milliseconds of the calendar, and fractions of its own', () => {
    const clock = new VirtualClock(START)
    clock.after(2.75, () => {})
    clock.run()
    expect([clock.now(), clock.monotonic()]).toEqual([START + 2, 2.75])
  })

  it('stops after as many as it was told, and goes on from there', () => {
    const clock = new VirtualClock(START)
    let called = 0
    for (let i = 0; i < 5; i++) clock.after(i * 10_000, () => called++)
    expect([clock.run(3), called, clock.monotonic()]).toEqual([false, 3, 20_000])
    expect([clock.run(), called]).toEqual([true, 5])
  })
})
