/** One thing that is wrong with a configuration. */
export interface Fault {
  readonly file: string
  /** Counted from 1; 0 when the fault is that of the whole file. */
  readonly line: number
  /** Counted from 1. */
  readonly column?: number
  /** Where it stands: `upstreams.mock.apiKye`, `keys[1].name`; empty for the whole file. */
  readonly path: string
  /** What is wrong, as the end of a sentence that begins with the path. Never carries a secret. */
  readonly problem: string
  /** What was expected; empty when the problem says it. */
  readonly expected: string
}

export type Path = readonly (string | number)[]

/** Writes a path as people write it: `models.fast.deployments[0].upstream`. */
export function formatPath(path: Path): string {
  let text = ''
  for (const step of path) {
    if (typeof step === 'number') text += `[${step}]`
    else if (/^[\w-]+$/.test(step)) text += text ? `.${step}` : step
    else text += `[${JSON.stringify(step)}]`
  }
  return text
}

/** A fault of a variable of the environment. Its value is not shown: it may be a secret. */
export function environmentFault(
  variable: string,
  said: { readonly problem: string; readonly expected: string },
): Fault {
  return { file: 'environment', line: 0, path: variable, ...said }
}

function formatFault({ file, line, column, path, problem, expected }: Fault): string {
  const place = line > 0 ? `${file}:${line}${column ? `:${column}` : ''}` : file
  return `${place}: ${path ? `${path} ` : ''}${problem}${expected ? `; expected ${expected}` : ''}`
}

/** One line for each fault: file, line and column, path, what is wrong and what was expected. */
export function formatFaults(faults: readonly Fault[]): string {
  return faults.map(formatFault).join('\n')
}

/** By file position, so that a report reads like the file. */
export function inOrder(faults: readonly Fault[]): Fault[] {
  return [...faults].sort((a, b) => a.line - b.line || (a.column ?? 0) - (b.column ?? 0))
}

/** How many single-letter changes, swaps of neighbours included, lead from one word to the other. */
function distance(from: string, to: string): number {
  let beforeLast: number[] = []
  let last = Array.from({ length: to.length + 1 }, (_, i) => i)
  for (let i = 1; i <= from.length; i++) {
    const row = [i]
    for (let j = 1; j <= to.length; j++) {
      const same = from[i - 1] === to[j - 1]
      let least = Math.min(row[j - 1]! + 1, last[j]! + 1, last[j - 1]! + (same ? 0 : 1))
      const swapped = i > 1 && j > 1 && from[i - 1] === to[j - 2] && from[i - 2] === to[j - 1]
      if (swapped) least = Math.min(least, beforeLast[j - 2]! + 1)
      row.push(least)
    }
    beforeLast = last
    last = row
  }
  return last[to.length]!
}

const LONGEST_WORD = 64

/** The known name that somebody probably meant; null when none is near. */
export function nearest(word: string, known: readonly string[]): string | null {
  if (word.length > LONGEST_WORD) return null
  const lower = word.toLowerCase()
  let best: string | null = null
  let bestDistance = Math.max(1, Math.floor(word.length / 3)) + 1
  for (const name of known) {
    if (name.length > LONGEST_WORD) continue
    const steps = distance(lower, name.toLowerCase())
    if (steps < bestDistance) {
      best = name
      bestDistance = steps
    }
  }
  return best
}

const LISTED_NAMES = 12

/** Says which names were expected, the probable one first. */
export function expectedNames(word: string, known: readonly string[]): string {
  if (known.length === 0) return ''
  const listed = known.slice(0, LISTED_NAMES).join(', ')
  const list = known.length > LISTED_NAMES ? `${listed} and ${known.length - LISTED_NAMES} more` : listed
  const meant = nearest(word, known)
  const oneOf = known.length === 1 ? list : `one of ${list}`
  return meant === null ? oneOf : `${oneOf} (did you mean ${meant}?)`
}
