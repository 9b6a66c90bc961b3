import type { Model } from '../../vocabulary/deployment.ts'
import type { Resilience } from '../../vocabulary/resilience.ts'
import { must, type Told, type Tried } from './attempts.fixture.ts'

/** Moments are sums of fractions. */
const SLACK_MS = 0.01

/** No call makes more attempts than it may, or lasts longer than it may, or goes on for nobody. */
export function checkBounds(told: Told, { attempts, timeLimits }: Resilience): void {
  const { lived, record, tried } = told
  const { planned, caller } = lived
  const { id, deadlineMs } = planned
  must(tried.length <= attempts, `${id}: ${tried.length} attempts of ${attempts}`)
  for (const [place, { asked, record }] of tried.entries()) {
    must(place === 0 || asked.event > tried[place - 1]!.asked.event, `${id}: attempt ${place} out of order`)
    must(record.durationMs >= 0, `${id}: attempt ${place} lasts ${record.durationMs} ms`)
  }
  if (record === null) return
  const totalMs = timeLimits.totalMs!
  must(record.durationMs <= totalMs + SLACK_MS, `${id}: lasts ${record.durationMs} ms of ${totalMs}`)
  const began = record.at
  const shown = Math.min(...tried.map(({ contentEvent }) => contentEvent ?? Number.POSITIVE_INFINITY))
  for (const { asked, place } of tried) {
    must(asked.at < began + totalMs, `${id}: attempt ${place} begins when all was to be over`)
    const isLate = deadlineMs !== null && asked.at >= began + deadlineMs && asked.event < shown
    must(!isLate, `${id}: attempt ${place} begins behind the deadline`)
    must(caller.leftAt === null || asked.event < caller.leftAt.event, `${id}: attempt ${place} begins for nobody`)
  }
  // A deadline is for the beginning of an answer.
  if (deadlineMs !== null && shown === Number.POSITIVE_INFINITY && caller.leftAt === null) {
    must(record.durationMs <= deadlineMs + SLACK_MS, `${id}: not begun for ${record.durationMs} ms of ${deadlineMs}`)
  }
}

/** A wait is no longer than two seconds, and at most two come one behind the other: a pause, and one for a retry-after. */
const MAX_WAIT_MS = 4_000
/** Refusals of the request itself, and those that no repetition mends at the same deployment. */
const [CALLERS, DEPLOYMENTS] = [new Set([400, 413, 422]), new Set([401, 403, 404])]

/** Nobody is asked again who has refused for good, and nobody waits for long, unless others are told to wait meanwhile. */
export function checkRetries({ lived, record, tried }: Told, all: readonly Told[]): void {
  for (const [place, { asked, goesOn }] of tried.entries()) {
    const who = `${lived.planned.id}, attempt ${place}`
    const before = tried.slice(0, place)
    const free = Math.max(record!.at, ...before.map(({ endedAt }) => (endedAt <= asked.at ? endedAt : asked.at)))
    const isLong = asked.at - free > MAX_WAIT_MS + SLACK_MS
    must(!isLong || isRenewed(all, free, asked.at), `${who}: begins after ${asked.at - free} ms`)
    for (const refused of before.filter(({ endEvent }) => endEvent < asked.event)) {
      const { status } = refused.record
      const isOurs = refused.asked.fault?.kind === 'status' && refused.goesOn === null
      must(!(isOurs && CALLERS.has(status!)), `${who}: begins after a ${status}`)
      const isSame = refused.record.deployment === tried[place]!.record.deployment && goesOn !== 'anew'
      must(!(isSame && DEPLOYMENTS.has(status!)), `${who}: asks the same deployment after a ${status}`)
    }
  }
}

/** Whether there is nobody else: then an upstream has to say to each call itself that it wants to be left alone. */
export function isAlone({ deployments }: Model): boolean {
  return deployments.length === 1 && deployments[0]!.replicas === 1
}

function isRenewed(all: readonly Told[], from: number, to: number): boolean {
  return all.some(({ tried }) =>
    tried.some(({ quietUntil, endedAt }) => quietUntil !== null && endedAt > from && endedAt < to),
  )
}

/** Whoever asks to be left alone is left alone: by all calls where somebody else could be asked, else by that call. */
export function checkQuiet(told: readonly Told[], model: Model): void {
  const all = told.flatMap(({ tried }) => tried)
  for (const limited of all) {
    if (limited.quietUntil === null) continue
    for (const other of all) {
      if (!isSamePlace(limited, other) || other.asked.event < limited.endEvent) continue
      if (isAlone(model) && other.asked.call !== limited.asked.call) continue
      const { call } = other.asked
      must(
        other.asked.at >= limited.quietUntil - SLACK_MS,
        `${call}, attempt ${other.place}: asked ${limited.quietUntil - other.asked.at} ms before the time that it gave`,
      )
    }
  }
}

const ENDS = new Set(['end', 'unreachable', 'cut', 'timedOut', 'abort'])

/** Upstreams are left alone once nobody wants more of them: each hears its end once, and gives nothing that is shown to nobody. */
export function checkEnds({ tried }: Told): void {
  for (const { asked, record, endedAt, place } of tried) {
    const who = `${asked.call}, attempt ${place} (${record.outcome})`
    const ends = asked.told.filter(({ is }) => ENDS.has(is)).map(({ is }) => is)
    must(ends.length === 1, `${who}: it ended by ${ends}`)
    const isWhole = record.outcome === 'completed'
    const last = asked.told.at(-1)!
    must(isWhole || last.at <= endedAt + SLACK_MS, `${who}: goes on for ${last.at - endedAt} ms when it was over`)
  }
}

function isSamePlace(one: Tried, other: Tried): boolean {
  return one.record.deployment === other.record.deployment && one.asked.replica === other.asked.replica
}
