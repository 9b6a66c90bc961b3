/**
 * Solves a symmetric, positive definite system by Gaussian elimination, with its diagonal lengthened by a factor
 * (Levenberg and Marquardt's damping).
 */
export function solveDamped(matrix: readonly Float64Array[], right: Float64Array, damping: number): Float64Array {
  const size = right.length
  const rows = matrix.map((row, i) => {
    const copy = Float64Array.from(row)
    copy[i]! *= 1 + damping
    return copy
  })
  const solution = Float64Array.from(right)
  for (let j = 0; j < size; j++) {
    const pivot = rows[j]!
    for (let i = j + 1; i < size; i++) {
      const row = rows[i]!
      const factor = row[j]! / pivot[j]!
      if (factor === 0) continue
      for (let k = j; k < size; k++) row[k]! -= factor * pivot[k]!
      solution[i]! -= factor * solution[j]!
    }
  }
  for (let i = size - 1; i >= 0; i--) {
    let sum = solution[i]!
    for (let k = i + 1; k < size; k++) sum -= rows[i]![k]! * solution[k]!
    solution[i] = sum / rows[i]![i]!
  }
  return solution
}
