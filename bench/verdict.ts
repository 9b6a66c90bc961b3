import { figure } from './ratios.ts'
import type { MeasureName, Result } from './result.ts'

/** A figure that Penstock is held to. */
export interface Verdict {
  readonly what: string
  readonly target: string
  readonly measured: string
  /** Null when this run did not measure it. */
  readonly met: boolean | null
  /** Others used the machine while it was measured, so that neither answer means much. */
  readonly doubtful: boolean
}

/** Above this many cores used by others a comparison of rates is in doubt. */
const QUIET_OTHERS_CORES = 0.1

export function isBusy(result: Result, measure: MeasureName, subjects: readonly string[]): boolean {
  return subjects.some(subject => (figure(result, measure, subject, 'othersCores') ?? 0) > QUIET_OTHERS_CORES)
}

export function atLeast(what: string, target: number, measured: number | null, doubtful: boolean): Verdict {
  const met = measured === null ? null : measured >= target
  return { what, target: `≥ ${target}`, measured: shown(measured, ''), met, doubtful }
}

export function atMost(
  what: string,
  target: number,
  measured: number | null,
  unit: string,
  doubtful: boolean,
): Verdict {
  const met = measured === null ? null : measured <= target
  return { what, target: `≤ ${target}${unit}`, measured: shown(measured, unit), met, doubtful }
}

function shown(measured: number | null, unit: string): string {
  if (measured === null) return 'not measured'
  return `${measured >= 100 ? measured.toFixed(0) : measured.toFixed(3)}${unit}`
}
