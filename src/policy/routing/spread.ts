import type { Candidate, Ranked } from './candidate.ts'

/** A draw that was used to decide something, and what is left of it: again from 0 to below 1. */
export interface Decided {
  readonly hit: boolean
  readonly draw: number
}

/** Decides with a chance, so that one draw serves for several decisions that don't depend on each other. */
export function decide(draw: number, chance: number): Decided {
  return draw < chance ? { hit: true, draw: draw / chance } : { hit: false, draw: (draw - chance) / (1 - chance) }
}

/** One of several, each with the same chance. */
export function pick<T>(among: readonly T[], draw: number): T {
  return among[Math.min(among.length - 1, Math.floor(draw * among.length))]!
}

/**
 * Puts those that are equally good in order: fewest attempts under way first, and evenly by draw among those with the
 * fewest. Everybody sees the same counts as they are, so the fewest of all is no worse than the fewer of two.
 */
export function spread(equals: readonly Ranked[], draw: number): readonly Ranked[] {
  if (equals.length < 2) return equals
  const sorted = [...equals].sort((a, b) => outstanding(a) - outstanding(b))
  const fewest = outstanding(sorted[0]!)
  let ties = 1
  while (ties < sorted.length && outstanding(sorted[ties]!) === fewest) ties++
  const first = Math.min(ties - 1, Math.floor(draw * ties))
  return [...sorted.slice(first, ties), ...sorted.slice(0, first), ...sorted.slice(ties)]
}

function outstanding({ candidate }: Ranked): number {
  return candidate.option.outstanding
}

/**
 * Puts the least score first; those with the same are spread, and those without one come last in the configured order,
 * which is all that is known of them.
 */
export function ascending(
  candidates: readonly Candidate[],
  scoreOf: (candidate: Candidate) => number | null,
  draw: number,
): readonly Ranked[] {
  const known: Ranked[] = []
  const unknown: Ranked[] = []
  for (const candidate of candidates) {
    const score = scoreOf(candidate)
    if (score === null) unknown.push({ candidate, score })
    else known.push({ candidate, score })
  }
  known.sort((a, b) => a.score! - b.score!)
  let ties = 1
  while (ties < known.length && known[ties]!.score === known[0]!.score) ties++
  return [...spread(known.slice(0, ties), draw), ...known.slice(ties), ...unknown]
}

/** Puts one of them first and leaves the order of the others. */
export function lead(ranked: readonly Ranked[], first: Ranked): readonly Ranked[] {
  return ranked[0] === first ? ranked : [first, ...ranked.filter(each => each !== first)]
}
