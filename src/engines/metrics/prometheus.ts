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

/**
 * Reads the samples of some metrics out of Prometheus' text format (version 0.0.4, and what OpenMetrics adds to lines of samples):
 * https://prometheus.io/docs/instrumenting/exposition_formats/. A line that is none is left out; nothing throws.
 *
 * @param wanted names with `_` where engines write `:`; either is found under the name with `_`
 */
export function readMetrics(text: string, wanted: ReadonlySet<string>): Metrics {
  const found = new Map<string, Series[]>()
  if (text.length > MAX_METRICS_CHARACTERS) return found
  for (let start = 0; start < text.length; ) {
    let end = text.indexOf('\n', start)
    if (end < 0) end = text.length
    // Most lines are of other metrics, so that a line is looked into only where its name is wanted.
    const name = nameAt(text, start, end)
    if (name !== null && wanted.has(name) && end - start <= MAX_LINE_CHARACTERS) {
      const series = readSeries(text.slice(start, end).trim().slice(name.length))
      const others = found.get(name)
      if (series !== null && others !== undefined) others.push(series)
      else if (series !== null) found.set(name, [series])
    }
    start = end + 1
  }
  return found
}

const NAME = /[ \t]*([A-Za-z_:][A-Za-z0-9_:]*)/y

/** The name that a line begins with, with `_` for `:`; null where it is a comment, empty, or none. */
function nameAt(text: string, start: number, end: number): string | null {
  NAME.lastIndex = start
  const name = NAME.exec(text)?.[1]
  return name === undefined || NAME.lastIndex > end ? null : name.replaceAll(':', '_')
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
