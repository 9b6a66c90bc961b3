import type { Policy } from '../twin/twin.ts'

export const FORMATS = ['table', 'json', 'csv', 'html'] as const

/** What the command was given. */
export interface ForeseeOptions {
  readonly fleet: string
  readonly seed: number
  readonly policy: readonly Policy[]
  readonly sweep: Sweep | null
  readonly speed: number
  readonly requests?: number
  readonly duration?: number
  readonly from?: number
  readonly sessionsPerHour?: number
  readonly lengths?: string
  readonly model?: string
  readonly tiers?: Draw
  readonly tenants?: Draw
  readonly format: (typeof FORMATS)[number]
  readonly output?: string
  readonly progress?: boolean
}

/** What changes from one row of a report to the next. */
export interface Sweep {
  /** `replicas` of an upstream, or `speed`. */
  readonly of: 'replicas' | 'speed'
  /** Null where the fleet's only upstream is meant. */
  readonly upstream: string | null
  readonly values: readonly number[]
}

/** Names of which one is drawn, each as often as its share says. */
export type Draw = readonly { readonly name: string; readonly share: number }[]

const MOST_ROWS = 256
const MOST_REPLICAS = 1_024
const SWEEP = /^(?:(?<upstream>[A-Za-z0-9][A-Za-z0-9._-]{0,63})\.)?(?<of>replicas|speed)=(?<values>.+)$/
const SWEEP_FORM = 'expected UPSTREAM.replicas=2..16, replicas=1,2,4 or speed=1,2.5'

/** @returns a sentence when the text is no sweep */
export function parseSweep(text: string): Sweep | string {
  const found = SWEEP.exec(text.trim())?.groups
  if (found === undefined) return SWEEP_FORM
  const of = found.of as Sweep['of']
  const values = valuesOf(found.values!)
  if (values === null || values.length === 0) return SWEEP_FORM
  if (values.length > MOST_ROWS) return `expected at most ${MOST_ROWS} rows, found ${values.length}`
  const sound = (value: number) =>
    of === 'speed' ? value > 0 && value <= 1e6 : Number.isInteger(value) && value >= 1 && value <= MOST_REPLICAS
  if (!values.every(sound)) {
    return of === 'speed' ? 'expected speeds above 0' : `expected whole numbers of replicas from 1 to ${MOST_REPLICAS}`
  }
  if (of === 'speed' && found.upstream !== undefined) return 'expected speed=1,2,4: it is that of the whole trace'
  return { of, upstream: found.upstream ?? null, values: [...new Set(values)] }
}

function valuesOf(text: string): readonly number[] | null {
  const values: number[] = []
  for (const part of text.split(',')) {
    const range = /^\s*(\d{1,6})\s*\.\.\s*(\d{1,6})\s*$/.exec(part)
    if (range === null) {
      if (!/^\s*\d{1,9}(?:\.\d{1,6})?\s*$/.test(part)) return null
      values.push(Number(part))
      continue
    }
    const [first, last] = [Number(range[1]), Number(range[2])]
    if (last < first) return null
    for (let value = first; value <= last && values.length <= MOST_ROWS; value++) values.push(value)
  }
  return values
}

/** @returns a sentence when the text names no shares */
export function parseDraw(text: string): Draw | string {
  const draw: { name: string; share: number }[] = []
  for (const part of text.split(',')) {
    const found = /^\s*([^=,\s][^=,]*?)\s*(?:=\s*(\d{1,9}(?:\.\d{1,9})?)\s*)?$/.exec(part)
    const share = Number(found?.[2] ?? 1)
    if (found === null || !(share > 0)) return 'expected names with shares above 0, such as interactive=3,batch=1'
    draw.push({ name: found[1]!, share })
  }
  const twice = draw.find(({ name }, i) => draw.findIndex(other => other.name === name) < i)
  return twice === undefined ? draw : `${JSON.stringify(twice.name)} stands there twice`
}
