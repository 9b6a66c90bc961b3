/** What a heap keeps of a value, so that it can be taken out or moved from wherever it is. */
export interface HeapNode<T> {
  readonly value: T
  /** Kept by the heap; -1 when it is not in it. */
  index: number
}

/** A binary heap whose values can be removed and moved: all in O(log n). */
export class Heap<T> {
  readonly #isBefore: (a: T, b: T) => boolean
  #nodes: HeapNode<T>[] = []

  /** @param isBefore a strict order; of values that are equal in it, any may come first */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#nodes.length
  }

  first(): T | null {
    return this.#nodes[0]?.value ?? null
  }

  add(value: T): HeapNode<T> {
    const node = { value, index: this.#nodes.length }
    this.#nodes.push(node)
    this.#rise(node)
    return node
  }

  /** @returns false when it was not in it any more */
  remove(node: HeapNode<T>): boolean {
    if (node.index < 0) return false
    const last = this.#nodes.pop()!
    if (last !== node) {
      this.#put(last, node.index)
      this.moved(last)
    }
    node.index = -1
    return true
  }

  /** To be called when a value's place in the order has changed. */
  moved(node: HeapNode<T>): void {
    this.#rise(node)
    this.#sink(node)
  }

  /** To be called when the order of many has changed. O(n). */
  rebuild(): void {
    for (let index = this.#nodes.length >> 1; index >= 0; index--) {
      const node = this.#nodes[index]
      if (node !== undefined) this.#sink(node)
    }
  }

  clear(): void {
    for (const node of this.#nodes) node.index = -1
    this.#nodes = []
  }

  /** So many values at most, from all over the heap, in no order; all of them where they are no more. */
  *sample(most: number): Generator<T, void, void> {
    const count = Math.min(most, this.#nodes.length)
    for (let i = 0; i < count; i++) yield this.#nodes[Math.floor((i * this.#nodes.length) / count)]!.value
  }

  /** Values in order, without taking them out: k of them in O(k log k), whatever the size. */
  *ascending(): Generator<T, void, void> {
    if (this.#nodes.length === 0) return
    yield this.#nodes[0]!.value
    const open = new Heap<number>((a, b) => this.#precedes(a, b))
    for (let index: number | null = 0; index !== null; index = open.first()) {
      if (index > 0) {
        yield this.#nodes[index]!.value
        open.remove(open.#nodes[0]!)
      }
      for (const child of [2 * index + 1, 2 * index + 2]) if (child < this.#nodes.length) open.add(child)
    }
  }

  /** The values at the top for which something holds that, where it holds for one, holds for all before it. */
  *whileTrue(holds: (value: T) => boolean): Generator<T, void, void> {
    const open = [0]
    while (open.length > 0) {
      const index = open.pop()!
      const node = this.#nodes[index]
      if (node === undefined || !holds(node.value)) continue
      yield node.value
      open.push(2 * index + 1, 2 * index + 2)
    }
  }

  #precedes(a: number, b: number): boolean {
    return this.#isBefore(this.#nodes[a]!.value, this.#nodes[b]!.value)
  }

  #put(node: HeapNode<T>, index: number): void {
    this.#nodes[index] = node
    node.index = index
  }

  #rise(node: HeapNode<T>): void {
    let index = node.index
    while (index > 0) {
      const parent = this.#nodes[(index - 1) >> 1]!
      if (!this.#isBefore(node.value, parent.value)) break
      const above = parent.index
      this.#put(parent, index)
      index = above
    }
    this.#put(node, index)
  }

  #sink(node: HeapNode<T>): void {
    let index = node.index
    for (;;) {
      let child = 2 * index + 1
      if (child >= this.#nodes.length) break
      if (child + 1 < this.#nodes.length && this.#precedes(child + 1, child)) child++
      const below = this.#nodes[child]!
      if (!this.#isBefore(below.value, node.value)) break
      this.#put(below, index)
      index = child
    }
    this.#put(node, index)
  }
}
