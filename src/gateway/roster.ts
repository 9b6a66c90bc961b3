/** Something that a roster can hold. */
export interface Seated {
  /** Its place, the roster's to set; below zero when it has none. */
  seat: number
}

/** What is under way, to be gone through when the gateway stops: added and taken out at each call, without hashing. */
export class Roster<T extends Seated> {
  readonly #seats: T[] = []

  get size(): number {
    return this.#seats.length
  }

  add(item: T): void {
    item.seat = this.#seats.length
    this.#seats.push(item)
  }

  /** Harmless when it is not there any more. */
  delete(item: T): void {
    if (item.seat < 0) return
    const last = this.#seats.pop()!
    if (last !== item) {
      this.#seats[item.seat] = last
      last.seat = item.seat
    }
    item.seat = -1
  }

  /** Everything that is there now. */
  all(): readonly T[] {
    return [...this.#seats]
  }
}
