import type { Coefficients } from '../../src/simulation/coefficients.ts'
import { closedLoop } from '../../src/simulation/serving/closed-loop.ts'
import { coefficientsOf, matters, type Parameter, parametersOf, priorPrecision } from './parameters.ts'
import type { Measured } from './rows.ts'
import { solveDamped } from './solve.ts'

/** Relative errors that count as one unit: predictions can't be better than this, measurements repeat no better. */
const OUTPUT_TOKEN_UNIT = 0.1
const FIRST_TOKEN_UNIT = 0.3
/** Units from which on an error counts ever less: set-ups that no column tells of (caches, speculation) are not fitted. */
const TOLERATED_UNITS = 2
const ITERATIONS = 25
const DIFFERENCE = 1e-4
const LONGEST_STEP = 0.5
const ENOUGH = 1e-4

/**
 * Fits the coefficients: the most probable ones after their prior and the rows, by damped least squares of the
 * logarithms with a loss that lets go of outliers (Geman and McClure's).
 */
export function fitCoefficients(rows: readonly Measured[]): Coefficients {
  const parameters = parametersOf(rows)
  const state = new State(rows, parameters)
  let damping = 1e-2
  for (let iteration = 0; iteration < ITERATIONS; iteration++) {
    const { matrix, right } = state.normalEquations()
    const before = state.cost
    for (let attempt = 0; attempt < 8 && state.cost === before; attempt++) {
      damping *= state.tryStep(solveDamped(matrix, right, damping)) ? 0.25 : 5
    }
    if (before - state.cost < ENOUGH * before) break
  }
  return coefficientsOf(parameters, state.values)
}

class State {
  values: Float64Array
  cost: number
  readonly #rows: readonly Measured[]
  readonly #parameters: readonly Parameter[]
  /** Rows that depend on each parameter. */
  readonly #touched: readonly (readonly number[])[]
  readonly #precision: readonly Float64Array[]
  #errors: Float64Array

  constructor(rows: readonly Measured[], parameters: readonly Parameter[]) {
    this.#rows = rows
    this.#parameters = parameters
    this.#touched = parameters.map(each => [...rows.keys()].filter(i => matters(each, rows[i]!)))
    this.#precision = priorPrecision(parameters)
    this.values = Float64Array.from(parameters, ({ prior }) => prior)
    this.#errors = this.#errorsOf(this.values)
    this.cost = this.#costOf(this.values, this.#errors)
  }

  /** @returns whether it made things better, and was taken */
  tryStep(step: Float64Array): boolean {
    const values = this.values.map((value, i) => value - Math.max(-LONGEST_STEP, Math.min(LONGEST_STEP, step[i]!)))
    const errors = this.#errorsOf(values)
    const cost = this.#costOf(values, errors)
    if (!(cost < this.cost)) return false
    Object.assign(this, { values, cost })
    this.#errors = errors
    return true
  }

  normalEquations(): { readonly matrix: readonly Float64Array[]; readonly right: Float64Array } {
    const slopes = this.#parameters.map((_, j) => this.#slopes(j))
    const weights = this.#errors.map(
      (error, i) => this.#rows[i >> 1]!.weight / (1 + (error / TOLERATED_UNITS) ** 2) ** 2,
    )
    const right = new Float64Array(slopes.length)
    const matrix = slopes.map(() => new Float64Array(slopes.length))
    const pull = this.#pull(this.values)
    for (const [j, own] of slopes.entries()) {
      const touched = this.#touched[j]!
      const weighted = own.map((slope, i) => slope * weights[i]!)
      right[j] = dot(weighted, this.#errors, touched) + pull[j]!
      for (let k = j; k < slopes.length; k++) {
        matrix[k]![j] = matrix[j]![k] = dot(weighted, slopes[k]!, touched) + this.#precision[j]![k]!
      }
    }
    return { matrix, right }
  }

  /** Towards the prior: the slope of half of what deviations from it cost. */
  #pull(values: Float64Array): Float64Array {
    const away = values.map((value, j) => value - this.#parameters[j]!.prior)
    return Float64Array.from(this.#precision, row => row.reduce((sum, each, k) => sum + each * away[k]!, 0))
  }

  #slopes(j: number): Float64Array {
    const values = Float64Array.from(this.values)
    values[j]! += DIFFERENCE
    const moved = this.#errorsOf(values, this.#touched[j])
    return moved.map((error, i) => (error - this.#errors[i]!) / DIFFERENCE)
  }

  /** In units, of the time per output token and of the time to first token in turn. */
  #errorsOf(values: Float64Array, only?: readonly number[]): Float64Array {
    const coefficients = coefficientsOf(this.#parameters, values)
    const errors = only === undefined ? new Float64Array(2 * this.#rows.length) : Float64Array.from(this.#errors)
    for (const i of only ?? this.#rows.keys()) {
      const row = this.#rows[i]!
      const predicted = closedLoop(row.point, coefficients)
      if (predicted === null) continue
      errors[2 * i] = Math.log(predicted.timePerOutputTokenMs / row.timePerOutputTokenMs) / OUTPUT_TOKEN_UNIT
      errors[2 * i + 1] = Math.log(predicted.timeToFirstTokenMs / row.timeToFirstTokenMs) / FIRST_TOKEN_UNIT
    }
    return errors
  }

  #costOf(values: Float64Array, errors: Float64Array): number {
    let cost = 0
    for (const [i, error] of errors.entries()) {
      cost += (this.#rows[i >> 1]!.weight * error ** 2) / (1 + (error / TOLERATED_UNITS) ** 2)
    }
    const pull = this.#pull(values)
    for (const [j, { prior }] of this.#parameters.entries()) cost += (values[j]! - prior) * pull[j]!
    return cost
  }
}

/** Over the two errors of each of some rows. */
function dot(a: Float64Array, b: Float64Array, rows: readonly number[]): number {
  let sum = 0
  for (const i of rows) sum += a[2 * i]! * b[2 * i]! + a[2 * i + 1]! * b[2 * i + 1]!
  return sum
}
