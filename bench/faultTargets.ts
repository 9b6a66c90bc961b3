import { worstEnding } from './faultReport.ts'
import { CASES, type Case } from './load/faulty.ts'
import { DEAD, ONE } from './measures/dead.ts'
import { POLICIES } from './measures/outage.ts'
import { figure, ratio } from './ratios.ts'
import type { Result } from './result.ts'
import { atLeast, atMost, isBusy, type Verdict } from './verdict.ts'

const EVERYTHING = 'penstock-resilience'
/** The bounds that plain calls, streams and latency have without any of it. */
const MIN_PLAIN_SHARE = 0.6
const MIN_STREAM_SHARE = 0.8
const MAX_ADDED_P50_MS = 0.2
/** Of one healthy deployment alone: what is left are the moods of a machine. */
const MIN_SHARE_WITH_DEAD = 0.95
/** At most so many calls of a model have a rival. */
const MAX_HEDGED_PERCENT = 5
const MAX_HEDGED_P99_SHARE = 0.25

/** What failing upstreams must not do to calls, and what it may cost that they don't. */
export function faultVerdicts(result: Result): Verdict[] {
  return [...costVerdicts(result), ...outageVerdicts(result), ...hedgeVerdicts(result), ...sideBySideVerdicts(result)]
}

function costVerdicts(result: Result): Verdict[] {
  const share = (to: string, name: string) => ratio(result, { measure: 'resilience', subject: EVERYTHING, to, name })
  const busy = isBusy(result, 'resilience', ['bare', 'penstock', EVERYTHING])
  const added = figure(result, 'resilience', EVERYTHING, 'addedP50Ms')
  return [
    atLeast(
      'everything on: plain calls, share of the bare proxy',
      MIN_PLAIN_SHARE,
      share('bare', 'callsPerSecond'),
      busy,
    ),
    atLeast(
      'everything on: streams, share of the bare proxy',
      MIN_STREAM_SHARE,
      share('bare', 'streamsPerSecond'),
      busy,
    ),
    atMost('everything on: added latency p50 without the commit wait', MAX_ADDED_P50_MS, added, ' ms', busy),
    ...DEAD.map(subject =>
      atLeast(
        `plain calls when ${subject}, share of one healthy deployment`,
        MIN_SHARE_WITH_DEAD,
        ratio(result, { measure: 'dead', subject, to: ONE, name: 'callsPerSecond' }),
        isBusy(result, 'dead', [subject, ONE]),
      ),
    ),
  ]
}

function outageVerdicts(result: Result): Verdict[] {
  const all = (names: readonly string[]) =>
    result.measurements.flatMap(({ measure, figures }) =>
      measure === 'outage' ? POLICIES.flatMap(policy => names.flatMap(name => figures[`${policy}.${name}`] ?? [])) : [],
    )
  const most = (...names: readonly string[]) => (all(names).length === 0 ? null : Math.max(...all(names)))
  const [shown, survived] = ['shown', 'shownSurvived'].map(name =>
    figure(result, 'outage', 'penstock-outage', `continue.${name}`),
  )
  return [
    atMost('outage: streams that failed without having shown anything', 0, most('failedUnshown'), '', false),
    atMost('outage: streams that broke without an honest error', 0, most('shownOtherwise', 'otherFailures'), '', false),
    atLeast(
      'outage, onCut: continue: share of broken streams that went on',
      1,
      shown ? survived! / shown : null,
      false,
    ),
  ]
}

function hedgeVerdicts(result: Result): Verdict[] {
  const of = (name: string) => figure(result, 'hedge', 'penstock-hedge', name)
  const [off, on] = [of('off.p99Ms'), of('on.p99Ms')]
  return [
    atMost(
      'hedging: p99 to first content, share of without',
      MAX_HEDGED_P99_SHARE,
      off && on ? on / off : null,
      '',
      false,
    ),
    atMost('hedging: hedged, of 100 calls', MAX_HEDGED_PERCENT, of('on.hedgedPercent'), '', false),
  ]
}

function sideBySideVerdicts(result: Result): Verdict[] {
  const early = CASES.filter(({ fault }) => !fault.midway)
  const late = CASES.filter(({ fault }) => fault.midway)
  const count = (cases: readonly Case[], ...endings: readonly string[]) => {
    const seen = cases.map(one => worstEnding(result, 'penstock-faults', one))
    return seen.includes(null) ? null : seen.filter(ending => endings.includes(ending!)).length
  }
  return [
    atLeast('faults before the first word: survived', early.length, count(early, 'survived'), false),
    atLeast('faults midway: survived or ended honestly', late.length, count(late, 'survived', 'honest'), false),
  ]
}
