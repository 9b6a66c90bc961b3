/** Values counted by upper bounds, as Prometheus keeps a histogram; a counting costs some ten nanoseconds. */
export class Tally {
  /** Ascending; a value counts for the first bound that it does not exceed. */
  readonly bounds: readonly number[]
  /** One for each bound and one for what is above them all. */
  readonly counts: number[]
  sum = 0

  constructor(bounds: readonly number[]) {
    this.bounds = bounds
    this.counts = new Array<number>(bounds.length + 1).fill(0)
  }

  observe(value: number): void {
    const { bounds } = this
    let at = 0
    while (at < bounds.length && value > bounds[at]!) at++
    this.counts[at]! += 1
    this.sum += value
  }

  get count(): number {
    return this.counts.reduce((sum, count) => sum + count, 0)
  }

  /** Takes in what another tally of the same bounds has counted. */
  add(other: Tally): void {
    for (let at = 0; at < this.counts.length; at++) this.counts[at]! += other.counts[at]!
    this.sum += other.sum
  }
}
