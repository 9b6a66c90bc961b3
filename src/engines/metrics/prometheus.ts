/** One sample of a metric. */
export interface Series {
  readonly labels: ReadonlyMap<string, string>
  /** May be infinite or not a number, as the format allows. */
  readonly value: number
}

/** Samples by the name of their metric, in the order of the text. */
export type Metrics = ReadonlyMap<string, readonly Series[]>

/** Longer texts are read as empty: no engine says that much. */
export const MAX_METRICS_CHARACTERS = 4_000_000

/** Longer lines are left out. */
const MAX_LINE_CHARACTERS = 65_536

const NUMBER = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i
const INFINITE = /^([+-]?)inf(?:inity)?$/i
/** One label and what parts it from the next; sticky, since labels may hold any character. */
const LABEL = /\s*([A-Za-z_][A-Za-z0-9_]*)\s*=\s*"((?:[^"\\]|\\.)*)"\s*(,|(?=\}))/y
/** What stands behind name and labels: the value, perhaps a time, perhaps an exemplar. */
const TAIL = /^\s*(\S+)(?:\s+[+-]?[\d.]+(?:e[+-]?\d+)?)?\s*(?:#.*)?$/i

/** Finds the lines of some metrics. */
export type Wanted = RegExp

/**
 * What finds the lines of some metrics. Most lines are of others, and one expression passes over them faster than anything
 * that looks at each.
 *
 * @param names with `_` throughout; what stands before the first may as well be parted by `:`, as engines write it
 */
export function wantedOf(names: Iterable<string>): Wanted {
  const spelled = [...names].map(name => name.replace('_', '[:_]'))
  return new RegExp(`^[ \\t]*(${spelled.join('|')})(?=[ \\t{])`, 'gm')
}

/**
 * Reads the samples of some metrics out of Prometheus' text format (version 0.0.4, and what OpenMetrics adds to lines of samples):
 * https://prometheus.io/docs/instrumenting/exposition_formats/. A line that is none is left out; nothing throws.
 *
 * @returns by names with `_` throughout
 */
export function readMetrics(text: string, wanted: Wanted): Metrics {
  const found = new Map<string, Series[]>()
  if (text.length > MAX_METRICS_CHARACTERS) return found
  for (const match of text.matchAll(wanted)) {
    // The expression takes more characters for ends of lines than the format does.
    if (match.index > 0 && text[match.index - 1] !== '\n') continue
    const start = match.index + match[0].length
    const nextLine = text.indexOf('\n', start)
    const end = nextLine < 0 ? text.length : nextLine
    const series = end - start > MAX_LINE_CHARACTERS ? null : readSeries(text.slice(start, end).trimEnd())
    if (series === null) continue
    const name = match[1]!.replaceAll(':', '_')
    const others = found.get(name)
    if (others === undefined) found.set(name, [series])
    else others.push(series)
  }
  return found
}

/** @param rest of the line behind its name */
function readSeries(rest: string): Series | null {
  const trimmed = rest.trimStart()
  const labels = new Map<string, string>()
  let at = 0
  if (trimmed.startsWith('{')) {
    at = readLabels(trimmed, labels)
    if (at < 0) return null
  } else if (trimmed.length === rest.length) {
    return null
  }
  const told = TAIL.exec(trimmed.slice(at))?.[1]
  const value = told === undefined ? null : numberOf(told)
  return value === null ? null : { labels, value }
}

/** @returns where the text goes on behind the closing brace, -1 where these are no labels */
function readLabels(text: string, labels: Map<string, string>): number {
  let at = 1
  for (;;) {
    while (text[at] === ' ' || text[at] === '\t') at++
    if (text[at] === '}') return at + 1
    LABEL.lastIndex = at
    const label = LABEL.exec(text)
    if (label === null) return -1
    labels.set(label[1]!, unescaped(label[2]!))
    at = LABEL.lastIndex
  }
}

const unescaped = (value: string): string =>
  value.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character))

/** @returns null where the text is no number of the format */
function numberOf(text: string): number | null {
  if (NUMBER.test(text)) return Number(text)
  if (/^[+-]?nan$/i.test(text)) return Number.NaN
  const infinite = INFINITE.exec(text)
  if (infinite === null) return null
  return infinite[1] === '-' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}
