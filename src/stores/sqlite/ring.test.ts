import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RingProducer } from './producer.ts'
import { CONTROL, createRing, ENTRY } from './ring.ts'

const WORDS = 64

/** Takes everything that was published, as the writer does, and frees it. */
function take(ring: RingProducer): readonly number[] {
  const { control, halves, numbers } = ring.views
  const values: number[] = []
  let position = Atomics.load(control, CONTROL.head)
  while (position !== Atomics.load(control, CONTROL.tail)) {
    const at = position & (WORDS - 1)
    const words = halves[2 * at + 1]!
    if (halves[2 * at] === ENTRY.call) {
      values.push(numbers[at + 1]!)
      // The last word is part of the entry too: an overlap with another would show here.
      expect(numbers[at + words - 1]).toBe(numbers[at + 1])
    }
    position = (position + words) | 0
  }
  Atomics.store(control, CONTROL.head, position)
  return values
}

function put(ring: RingProducer, words: number, value: number): boolean {
  const at = ring.reserve(words)
  if (at < 0) return false
  ring.views.numbers.fill(value, at + 1, at + words)
  ring.seal(at, ENTRY.call, words)
  return true
}

describe('the ring', () => {
  it('gives every entry to the writer once, whole and in order, whatever their lengths and however often it wraps', () => {
    const step = fc.oneof(fc.record({ words: fc.integer({ min: 2, max: 16 }) }), fc.constant('take' as const))
    const wraps = { seen: 0 }
    fc.assert(
      fc.property(fc.array(step, { minLength: 30, maxLength: 200 }), steps => {
        const ring = new RingProducer(createRing(WORDS))
        const sent: number[] = []
        const received: number[] = []
        for (const [value, next] of steps.entries()) {
          if (next === 'take') {
            ring.publish()
            received.push(...take(ring))
          } else if (put(ring, next.words, value)) {
            sent.push(value)
          } else {
            wraps.seen++
          }
        }
        ring.publish()
        received.push(...take(ring))
        expect(received).toEqual(sent)
      }),
    )
    expect(wraps.seen).toBeGreaterThan(0)
  })

  it('refuses an entry while it is full, and takes it once the writer has freed the room', () => {
    const ring = new RingProducer(createRing(WORDS))
    while (put(ring, 16, 1));
    expect(ring.reserve(16)).toBe(-1)
    ring.publish()
    expect(take(ring)).toHaveLength(4)
    expect(put(ring, 16, 2)).toBe(true)
  })

  it('shows the writer nothing before it is published', () => {
    const ring = new RingProducer(createRing(WORDS))
    put(ring, 4, 1)
    expect(take(ring)).toEqual([])
    ring.publish()
    expect(take(ring)).toEqual([1])
  })
})
