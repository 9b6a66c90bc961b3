/** Joins ids that follow each other into ranges, first and last in turn. */
export function rangesOf(ids: readonly number[]): number[] {
  const ranges: number[] = []
  for (const id of ids) {
    if (ranges.length && ranges[ranges.length - 1] === id - 1) ranges[ranges.length - 1] = id
    else ranges.push(id, id)
  }
  return ranges
}

/** How many blocks the ranges hold. */
export function blocksIn(ranges: readonly number[]): number {
  let blocks = 0
  for (let i = 0; i < ranges.length; i += 2) blocks += ranges[i + 1]! - ranges[i]! + 1
  return blocks
}

/**
 * Moves ids that mean something only inside one session to their own place among all ids, and the first `shared` blocks
 * of the prompt to where every prompt of its model begins.
 *
 * @param local ranges of ids inside the session
 * @param base the place of the session's id 0
 * @param shared blocks, at most as many as there are
 * @param prefix the place of the model's first shared block
 */
export function placeBlocks(local: readonly number[], base: number, shared: number, prefix: number): readonly number[] {
  const ranges = shared > 0 ? [prefix, prefix + shared - 1] : []
  let skip = shared
  for (let i = 0; i < local.length; i += 2) {
    const skipped = Math.min(skip, local[i + 1]! - local[i]! + 1)
    const first = local[i]! + skipped
    skip -= skipped
    if (first <= local[i + 1]!) ranges.push(base + first, base + local[i + 1]!)
  }
  return ranges
}
