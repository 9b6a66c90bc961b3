import type { Route } from '../../vocabulary/route.ts'
import type { Candidate, Ranked } from './candidate.ts'
import { ascending, decide, lead, pick, spread } from './spread.ts'
import { isAsFast, leavingCosts, NANO_DOLLARS_PER_GRAM, NANO_DOLLARS_PER_MS, worthOver } from './worth.ts'

const NANO = 1e9

/** An idle deployment of unknown speed gets this share of the calls, so that it is known soon but not all at once go there. */
const EXPLORED_SHARE = 0.25
/** This share of the calls tries a slower deployment again, so that one that has become quick is noticed. */
const RETRIED_SHARE = 0.02
/** Balanced scores this close together are equally good. */
const CLOSE_PART = 0.05

type Ranking = (candidates: readonly Candidate[], draw: number) => readonly Ranked[]

/** How each route puts candidates in order. What is equally good is spread. */
export const RANKINGS: Readonly<Record<Route, Ranking>> = {
  inOrder: candidates => candidates.map(candidate => ({ candidate, score: candidate.place })),
  cheapest: (candidates, draw) => ascending(candidates, dollarsOf, draw),
  fastest: (candidates, draw) => staying(fastest(candidates, draw)),
  greenest: (candidates, draw) => staying(ascending(candidates, ({ grams }) => grams, draw)),
  balanced: (candidates, draw) => staying(balanced(candidates, draw)),
}

function dollarsOf({ dollars }: Candidate): number | null {
  return dollars === null ? null : Number(dollars) / NANO
}

/**
 * The shortest learnt time first. A deployment of unknown speed comes after those that are known, except that an idle one
 * is tried by a share of the calls: one at a time, so that a slow one delays few.
 */
function fastest(candidates: readonly Candidate[], draw: number): readonly Ranked[] {
  const timed = candidates.map(candidate => ({ candidate, score: candidate.option.timeToFirstTokenMs }))
  const known = timed.filter(({ score }) => score !== null).sort((a, b) => a.score! - b.score!)
  const unknown = timed.filter(({ score }) => score === null)
  if (known.length === 0) return spread(unknown, draw)
  const quick = known.filter(({ score }) => isAsFast(score!, known[0]!.score!))
  const slower = known.slice(quick.length)
  const idle = unknown.filter(({ candidate }) => candidate.option.outstanding === 0)
  const explored = decide(draw, idle.length > 0 ? EXPLORED_SHARE : 0)
  const retried = decide(explored.draw, slower.length > 0 ? RETRIED_SHARE : 0)
  const order = [...spread(quick, retried.draw), ...slower, ...unknown]
  if (explored.hit) return lead(order, pick(idle, explored.draw))
  return retried.hit ? lead(order, pick(slower, retried.draw)) : order
}

/**
 * Dollars, seconds and grams added up in dollars. What is not known of one is reckoned so that it neither attracts nor
 * repels for ever: an unknown price or footprint as the mean of the others', since calls never make them known; an
 * unknown speed as the best of the others', since a few calls do.
 */
function balanced(candidates: readonly Candidate[], draw: number): readonly Ranked[] {
  const times = candidates.map(({ option }) => option.timeToFirstTokenMs).filter(ms => ms !== null)
  const bestMs = times.length === 0 ? 0 : Math.min(...times)
  const dollars = meanOf(candidates.map(dollarsOf))
  const grams = meanOf(candidates.map(each => each.grams))
  const scored = candidates.map(candidate => {
    const ms = candidate.option.timeToFirstTokenMs ?? bestMs
    // Times that differ by noise alone are the same, so that chance in what was learnt does not draw everybody.
    const waiting = ((isAsFast(ms, bestMs) ? bestMs : ms) * NANO_DOLLARS_PER_MS) / NANO
    const warming = ((candidate.grams ?? grams) * NANO_DOLLARS_PER_GRAM) / NANO
    const isKnown =
      candidate.dollars !== null || candidate.grams !== null || candidate.option.timeToFirstTokenMs !== null
    const others = (dollarsOf(candidate) ?? dollars) + warming
    return { candidate, others, total: others + waiting, score: isKnown ? others + waiting : null }
  })
  scored.sort((a, b) => a.total - b.total)
  const closest = scored[0]!.total * (1 + CLOSE_PART)
  const close = scored.filter(({ total }) => total <= closest)
  const behind = scored.slice(close.length)
  // Tried again are those alone that their time puts behind: nothing else changes by trying.
  const slower = behind.filter(({ others }) => others + (bestMs * NANO_DOLLARS_PER_MS) / NANO <= closest)
  const retried = decide(draw, slower.length > 0 ? RETRIED_SHARE : 0)
  const order = [...spread(close, retried.draw), ...behind]
  return retried.hit ? lead(order, pick(slower, retried.draw)) : order
}

function meanOf(values: readonly (number | null)[]): number {
  const known = values.filter(value => value !== null)
  return known.length === 0 ? 0 : known.reduce((sum, value) => sum + value, 0) / known.length
}

/** Leaves a session where its prompt cache is warm unless leaving is worth more, in dollars, than it costs. */
function staying(ranked: readonly Ranked[]): readonly Ranked[] {
  const first = ranked[0]!
  let best = first
  let mostLost = 0
  for (const other of ranked) {
    if (other === first || other.candidate.saved === 0n) continue
    const costs = Number(leavingCosts(other.candidate, first.candidate))
    const lost = costs - worthOver(first.candidate, other.candidate)
    if (costs > 0 && lost > mostLost) {
      best = other
      mostLost = lost
    }
  }
  return lead(ranked, best)
}
