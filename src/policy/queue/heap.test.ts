import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Heap, type HeapNode } from './heap.ts'

interface Item {
  key: number
}

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ is: fc.constant('add' as const), key: fc.nat(1_000), which: fc.constant(0) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('remove' as const), key: fc.constant(0), which: fc.nat(40) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant('move' as const), key: fc.nat(1_000), which: fc.nat(40) }) },
  {
    weight: 1,
    arbitrary: fc.record({ is: fc.constant('reverse' as const), key: fc.constant(0), which: fc.constant(0) }),
  },
)

describe('a heap', () => {
  it('is in order after any adding, removing, moving and rebuilding', () => {
    fc.assert(
      fc.property(fc.array(step, { minLength: 40, maxLength: 120 }), fc.nat(1_000), (steps, limit) => {
        const heap = new Heap<Item>((a, b) => a.key < b.key)
        const nodes: HeapNode<Item>[] = []
        for (const { is, key, which } of steps) {
          const node = nodes[which]
          if (is === 'add') nodes.push(heap.add({ key }))
          if (is === 'remove' && node !== undefined) {
            expect([heap.remove(node), heap.remove(node)]).toEqual([true, false])
            nodes.splice(which, 1)
          }
          if (is === 'move' && node !== undefined) {
            node.value.key = key
            heap.moved(node)
          }
          if (is === 'reverse') {
            for (const { value } of nodes) value.key = 1_000 - value.key
            heap.rebuild()
          }
          const keys = nodes.map(({ value }) => value.key).sort((a, b) => a - b)
          expect([...heap.ascending()].map(item => item.key)).toEqual(keys)
          expect([heap.size, heap.first()?.key]).toEqual([keys.length, keys[0]])
          expect([...heap.sample(100)].map(item => item.key).sort((a, b) => a - b)).toEqual(keys)
          expect(new Set(heap.sample(7)).size).toBe(Math.min(7, keys.length))
          const low = [...heap.whileTrue(item => item.key <= limit)].map(item => item.key).sort((a, b) => a - b)
          expect(low).toEqual(keys.filter(key => key <= limit))
        }
        heap.clear()
        expect([heap.size, heap.first(), nodes.some(node => heap.remove(node))]).toEqual([0, null, false])
      }),
    )
  })
})
