/** Names that were judged before are kept, those of the usual clients fit many times. */
const MAX_NAMES_KEPT = 2_048
/** Longer names than any in use are judged anew each time. */
const MAX_KEPT_NAME = 64

const KEEP = 0
const DROP = 1
const CONNECTION = 2
type Fate = typeof KEEP | typeof DROP | typeof CONNECTION

/** Headers that mean one connection only (RFC 9110, section 7.6.1). `connection` is told apart, since it names more. */
const HOP_BY_HOP = ['keep-alive', 'te', 'trailer', 'transfer-encoding', 'upgrade', 'http2-settings']

/** What a filter of headers drops, names in lower case. */
export interface HeaderFilterRules {
  readonly names: readonly string[]
  readonly prefixes: readonly string[]
}

/**
 * Makes a filter of raw headers, which are names and values in turn. Every name is judged once and its fate kept, so
 * that a call costs one look into a map per header. What passes keeps its spelling, value and order; headers of one
 * connection, and those that `connection` names, never pass.
 */
export function headerFilter(rules: HeaderFilterRules): (raw: readonly string[]) => string[] {
  const dropped = new Set([...HOP_BY_HOP, ...rules.names])
  const fates = new Map<string, Fate>()
  const judge = (name: string): Fate => {
    const lower = name.toLowerCase()
    const isDropped = dropped.has(lower) || rules.prefixes.some(prefix => lower.startsWith(prefix))
    const fate = lower === 'connection' ? CONNECTION : isDropped ? DROP : KEEP
    if (name.length > MAX_KEPT_NAME) return fate
    if (fates.size >= MAX_NAMES_KEPT) fates.clear()
    fates.set(name, fate)
    return fate
  }
  return raw => {
    const kept: string[] = []
    let named: Set<string> | null = null
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i]!
      const fate = fates.get(name) ?? judge(name)
      if (fate === KEEP) kept.push(name, raw[i + 1]!)
      else if (fate === CONNECTION) named = namedBy(raw[i + 1]!, named)
    }
    return named === null ? kept : without(kept, named)
  }
}

/** The headers that a `connection` names besides its two usual words; null when there are none. */
function namedBy(value: string, before: Set<string> | null): Set<string> | null {
  if (value === 'keep-alive' || value === 'close') return before
  const named = before ?? new Set()
  for (const token of value.split(',')) named.add(token.trim().toLowerCase())
  return named
}

function without(headers: readonly string[], named: ReadonlySet<string>): string[] {
  const kept: string[] = []
  for (let i = 0; i < headers.length; i += 2) {
    if (!named.has(headers[i]!.toLowerCase())) kept.push(headers[i]!, headers[i + 1]!)
  }
  return kept
}
