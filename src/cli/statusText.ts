import type { EpochMs } from '../units/time.ts'
import type { LimitUnit } from '../vocabulary/limit.ts'
import { countWords, dollarWords, type LimitTold, parseQuantity, spanWords } from './limitView.ts'

const MOST_SHOWN = 3
const MAX_LABEL_CHARACTERS = 24

const UNITS: Readonly<Record<LimitUnit, string>> = {
  dollars: '',
  tokens: ' tokens',
  inputTokens: ' input tokens',
  outputTokens: ' output tokens',
  requests: ' requests',
  concurrency: ' slots',
}

interface Measured {
  readonly limit: LimitTold
  readonly left: bigint
  readonly amount: bigint
}

/** By the share that is left, the least first; a limit of nothing has none. */
function byShare(a: Measured, b: Measured): number {
  const difference = a.left * (b.amount || 1n) - b.left * (a.amount || 1n)
  return difference < 0n ? -1 : difference > 0n ? 1 : 0
}

function byMoney(a: Measured, b: Measured): number {
  return Number(b.limit.unit === 'dollars') - Number(a.limit.unit === 'dollars')
}

/**
 * What is left, in one line: the three limits with the least share left, dollars before counts.
 *
 * @param limits those that bind the caller, its run's among them
 */
export function statusText(limits: readonly LimitTold[], now: EpochMs): string {
  if (limits.length === 0) return 'penstock  no limits'
  const tightest = limits
    .map(limit => ({ limit, left: parseQuantity(limit.left) ?? 0n, amount: parseQuantity(limit.amount) ?? 0n }))
    .sort((a, b) => byShare(a, b) || byMoney(a, b))
    .slice(0, MOST_SHOWN)
    .sort(byMoney)
  return `penstock  ${tightest.map(measured => partOf(measured, now)).join(' · ')}`
}

function partOf({ limit, left, amount }: Measured, now: EpochMs): string {
  const words = limit.unit === 'dollars' ? dollarWords : countWords
  const resetsInMs = limit.resetsAt === null ? 0 : Date.parse(limit.resetsAt) - now
  const resets = resetsInMs > 0 ? `, resets in ${spanWords(resetsInMs)}` : ''
  return `${labelOf(limit.scope)}${words(left)} of ${words(amount)}${UNITS[limit.unit]} left${resets}`
}

/** Whose limit it is, as its caller would say; nothing for the key's own. */
function labelOf(scope: string): string {
  const [, kind = scope, name = ''] = /^([a-z]+):(.*)$/su.exec(scope) ?? []
  if (kind === 'key') return ''
  const label = kind === 'run' || kind === 'user' || name === '' ? kind : kind === 'tag' ? name : `${kind} ${name}`
  const shown = [...label].slice(0, MAX_LABEL_CHARACTERS).join('')
  return `${shown === label ? label : `${shown}…`} `
}
