import type { Measurement, MeasureName, Result } from './result.ts'
import { median } from './statistics.ts'

type Measured = Pick<Result, 'measurements'>

/** The median over rounds of one figure; null when it was not measured. */
export function figure({ measurements }: Measured, measure: MeasureName, subject: string, name: string): number | null {
  return median(of(measurements, measure, subject).flatMap(({ figures }) => figures[name] ?? []))
}

/**
 * The median over rounds of one figure's ratio to another subject's figure in the same round, so that what else the
 * machine did in a round counts for both.
 */
export function ratio(
  { measurements }: Measured,
  what: { measure: MeasureName; subject: string; to: string; name: string },
): number | null {
  const ratios = of(measurements, what.measure, what.subject).flatMap(({ round, figures }) => {
    const base = of(measurements, what.measure, what.to).find(other => other.round === round)?.figures[what.name]
    const own = figures[what.name]
    return own !== undefined && base ? [own / base] : []
  })
  return median(ratios)
}

/**
 * The median over rounds of what a subject adds to the mock upstream's own latency in the same round.
 *
 * @param own the subject's figure, when it is not the one of the mock upstream
 */
export function added(
  { measurements }: Measured,
  subject: string,
  name: 'p50Ms' | 'p99Ms',
  own: string = name,
): number | null {
  const differences = of(measurements, 'latency', subject).flatMap(({ round, figures }) => {
    const direct = of(measurements, 'latency', DIRECT).find(other => other.round === round)?.figures[name]
    const measured = figures[own]
    return measured !== undefined && direct !== undefined ? [measured - direct] : []
  })
  return median(differences)
}

/** A number that a micro-benchmark printed, by the name that stands before it; null when it printed no such line. */
export function printed({ micro }: Pick<Result, 'micro'>, file: string, name: string): number | null {
  const lines = micro.filter(one => one.file === `bench/micro/${file}`).flatMap(({ output }) => output.split('\n'))
  const line = lines.find(one => one.startsWith(`${name}  `))
  const value = line === undefined ? Number.NaN : Number.parseFloat(line.slice(name.length).trim())
  return Number.isNaN(value) ? null : value
}

/** The mock upstream asked directly. */
export const DIRECT = 'direct'

function of(measurements: readonly Measurement[], measure: MeasureName, subject: string): Measurement[] {
  return measurements.filter(one => one.measure === measure && one.subject === subject)
}
