import type { Tokens } from '../../units/tokens.ts'
import type { Metrics, Series } from './prometheus.ts'

/** Values of the parts of one engine, by part: its data-parallel ranks, or whatever else its series are told apart by. */
export type Parts = ReadonlyMap<string, number>

/**
 * Labels that tell apart who reports, not what: the ranks of a tensor or a pipeline parallel group run the same requests
 * and each may report them, as SGLang's do when all schedulers are asked to.
 */
const REPORTER_LABELS = new Set(['tp_rank', 'pp_rank', 'moe_ep_rank'])

/** Shares above 1 are percent; a share that is rounded up to just above 1 is a full cache. */
const ROUNDED_UP_SHARE = 1.01

/** Labels in the order of their names, without those of reporters. */
function partOf({ labels }: Series): string {
  const named = [...labels].filter(([name]) => !REPORTER_LABELS.has(name)).sort(([a], [b]) => (a < b ? -1 : 1))
  return JSON.stringify(named)
}

/**
 * Values of a metric that make sense, by part. Where several report the same part, the largest counts. Of series with a
 * priority beside one without, which is their sum (SGLang writes both), only that one counts.
 */
export function partsOf(metrics: Metrics, name: string, sensible: (value: number) => number | null): Parts {
  const series = metrics.get(name) ?? []
  const hasTotal = series.some(({ labels }) => (labels.get('priority') ?? '') === '')
  const parts = new Map<string, number>()
  for (const one of series) {
    if (hasTotal && (one.labels.get('priority') ?? '') !== '') continue
    const value = sensible(one.value)
    if (value === null) continue
    const part = partOf(one)
    parts.set(part, Math.max(value, parts.get(part) ?? 0))
  }
  return parts
}

/** A count as it may be: whole, at least 0. */
export function countOf(value: number): number | null {
  return value >= 0 && value <= Number.MAX_SAFE_INTEGER ? Math.round(value) : null
}

/** A share as it may be, 0 to 1, also where it was told in percent. */
export function shareOf(value: number): number | null {
  if (!(value >= 0 && value <= 100)) return null
  if (value <= ROUNDED_UP_SHARE) return Math.min(1, value)
  return value / 100
}

/** The sum of all parts of the first of these metrics that says anything; null where none does. */
export function total(metrics: Metrics, ...names: readonly string[]): number | null {
  for (const name of names) {
    const parts = partsOf(metrics, name, countOf)
    if (parts.size > 0) return sum(parts.values())
  }
  return null
}

export function sum(values: Iterable<number>): number {
  let all = 0
  for (const value of values) all += value
  return all
}

/**
 * The share in use of several parts together: each counts as much as it holds, and all alike where that is not known of each.
 *
 * @param holds tokens of each part, by any label that it shares with the shares, such as `engine`
 */
export function meanShare(
  metrics: Metrics,
  name: string,
  holds: ReadonlyMap<string, Tokens>,
  label: string,
): number | null {
  const shares = (metrics.get(name) ?? []).flatMap(({ labels, value }) => {
    const share = shareOf(value)
    return share === null ? [] : [{ share, holds: holds.get(labels.get(label) ?? '') ?? null }]
  })
  if (shares.length === 0) return null
  const isWeighed = shares.every(({ holds }) => holds !== null && holds > 0)
  const weights = shares.map(({ holds }) => (isWeighed ? holds! : 1))
  return sum(shares.map(({ share }, at) => share * weights[at]!)) / sum(weights)
}
