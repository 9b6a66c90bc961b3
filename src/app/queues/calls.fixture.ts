import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import { must } from '../outages/attempts.fixture.ts'
import { nanoOf } from '../outages/honest.fixture.ts'
import { plainIn, seenIn } from '../outages/seen.fixture.ts'
import { HOSTED } from './draw.fixture.ts'
import { commonTokens } from './engine.fixture.ts'
import type { Sent } from './site.fixture.ts'
import { questionOf, textOf } from './speech.fixture.ts'
import type { Day, Lived } from './world.fixture.ts'

/** Moments are sums of fractions. */
const SLACK_MS = 0.01
/** Blocks are told apart by bytes, of which some of a document's end may be in none. */
const SLACK_TOKENS = 2

export interface Told {
  readonly lived: Lived
  readonly record: CallRecord | null
  readonly sent: readonly Sent[]
  /** As a client reads it; null for none. */
  readonly error: string | null
}

export function toldBy(day: Day): readonly Told[] {
  return [...day.lived.values()].map(lived => {
    const { id } = lived.planned
    const sent = day.site.sent.filter(({ call }) => call === id)
    return { lived, record: day.records.get(id) ?? null, sent, error: errorIn(lived) }
  })
}

function errorIn({ caller }: Lived): string | null {
  if (caller.heads === 0 || caller.status === 200) return null
  const { error } = JSON.parse(caller.text)
  return String(error.code ?? error.type)
}

/** Every caller that stayed has one answer: the whole of its own, or one error; a receipt says what came of it. */
export function checkAnswer({ lived, record, sent }: Told): void {
  const { caller, planned, thread } = lived
  const { id } = planned
  must(caller.heads <= 1 && caller.ends <= 1 && caller.cuts === 0, `${id}: ${caller.heads} heads, ${caller.ends} ends`)
  if (thread.isDead) return
  if (caller.leftAt === null) must(caller.ends === 1, `${id}: never answered`)
  must((record === null) === (sent.length === 0), `${id}: ${sent.length} were asked, and a record: ${record !== null}`)
  const left = caller.leftAt
  if (left === null) {
    if (record !== null) must(record.status === caller.status, `${id}: ${caller.status}, recorded ${record.status}`)
    if (caller.status === 200) checkText(lived, record!)
    else must(record === null || record.outcome === 'failed', `${id}: an error, recorded as ${record?.outcome}`)
  } else {
    must(
      sent.every(({ event }) => event < left.event),
      `${id}: asked somebody when its caller had left`,
    )
  }
}

function checkText({ caller, planned }: Lived, record: CallRecord): void {
  const { id, streamed } = planned
  const text = textOf(questionOf(planned))
  if (!streamed) return must(plainIn('chat/completions', caller.text).text === text, `${id}: another text`)
  const seen = seenIn('chat/completions', caller.text)
  must(seen.unreadable.length === 0, `${id}: unreadable: ${seen.unreadable}`)
  must(text.startsWith(seen.text), `${id}: shown what nobody said: ${seen.text} of ${text}`)
  if (record.outcome !== 'completed') return must(seen.errors.length === 1, `${id}: broke without an error`)
  must(seen.ends === 1 && seen.errors.length === 0, `${id}: ${seen.ends} ends, ${seen.errors.length} errors`)
  must(record.limited || seen.text === text, `${id}: whole, but only ${seen.text} of ${text}`)
  must(nanoOf(seen.comments[0]!.dollars as string) === record.dollars, `${id}: other dollars were told`)
}

/** The receipt's tier, wait, replica and expectations are what happened. */
export function checkReceipt({ lived, record, sent }: Told, day: Day): void {
  if (record === null) return
  const { planned } = lived
  const { id } = planned
  must(record.tier === planned.tier, `${id}: in the tier ${record.tier}`)
  must(record.attempts.length === sent.length, `${id}: ${record.attempts.length} attempts of ${sent.length}`)
  const model = day.modelOf(planned.model)
  // A hosted deployment that stood in for a place and failed is no attempt of those that there may be.
  const spilt = record?.attempts.filter(({ placement }) => placement?.spill != null).length ?? 0
  must(sent.length <= model.resilience.attempts + spilt, `${id}: ${sent.length} attempts`)
  for (const [place, attempt] of record.attempts.entries()) checkAttempt(attempt, sent[place]!, { id, place, day })
  checkTimes(record, day)
}

function checkAttempt(
  { deployment, replica, placement, startedAt }: AttemptRecord,
  sent: Sent,
  { id, place, day }: { readonly id: string; readonly place: number; readonly day: Day },
): void {
  const who = `${id}, attempt ${place}`
  const { upstream } = sent.slot
  must(deployment.startsWith(`${upstream}/`), `${who}: recorded at ${deployment}`)
  must(Math.abs(startedAt - sent.at) < SLACK_MS, `${who}: recorded at another time`)
  if (upstream === HOSTED) {
    must(placement?.expectedCachedTokens == null, `${who}: a cache was expected at a hosted deployment`)
    return must(placement?.spill?.why === undefined || day.lived.get(id)!.planned.tier !== 'batch', `${who}: spilled`)
  }
  must(replica === sent.slot.replica, `${who}: recorded at replica ${replica}`)
  must(placement !== null && placement.spill === null, `${who}: not placed`)
  const expected = placement!.expectedCachedTokens!
  // What leaves while its place is on its way to another thread was never sent, and is remembered all the same.
  if (expected === 0 || day.plan.lineMs !== null) return
  let most = 0
  for (const other of day.site.sent) {
    if (other.event >= sent.event) break
    if (other.engine === sent.engine) most = Math.max(most, commonTokens(sent.question, other.question))
  }
  must(expected <= most + SLACK_TOKENS, `${who}: ${expected} cached tokens expected of ${most}`)
}

/** Waits for places are what is left of a call's time beside its attempts. */
function checkTimes(record: CallRecord, day: Day): void {
  const { id, at, queueMs, durationMs, attempts } = record
  let busyMs = 0
  let until = at
  for (const { startedAt, durationMs } of attempts) {
    busyMs += Math.max(0, startedAt + durationMs - Math.max(until, startedAt))
    until = Math.max(until, startedAt + durationMs)
  }
  must(queueMs <= durationMs - busyMs + SLACK_MS, `${id}: queued for ${queueMs} of ${durationMs - busyMs} idle ms`)
  const [only] = attempts
  const isQuiet = day.plan.incidents.some(({ kind }) => kind === 'refuses')
  if (attempts.length === 1 && record.outcome === 'completed' && !isQuiet) {
    must(Math.abs(only!.startedAt - at - queueMs) < SLACK_MS, `${id}: queued ${queueMs} of ${only!.startedAt - at} ms`)
  }
  const { resilience } = day.modelOf(record.model)
  const mostMs = resilience.timeLimits.totalMs! + queueMs + (resilience.drainMs ?? 0) + lineSlackMs(day)
  must(durationMs <= mostMs + SLACK_MS, `${id}: lasts ${durationMs} of ${mostMs} ms`)
}

function lineSlackMs({ plan }: Day): number {
  return 4 * (plan.lineMs ?? 0)
}

/** The queue looks after those who wait so often. */
const LATE_MS = 101

/** A deadline is for the beginning of an answer: nobody is kept in doubt for longer. */
export function checkDeadline({ lived, record, sent, error }: Told, day: Day): void {
  const { planned, caller, thread } = lived
  const { id, deadlineMs } = planned
  if (error !== null && record === null) must(sent.length === 0, `${id}: ${error}, but was sent`)
  if (deadlineMs === null || thread.isDead || caller.leftAt !== null) return
  const at = record?.at ?? null
  if (at === null) return
  const begun = record!.timeToFirstTokenMs
  const mostMs = deadlineMs + LATE_MS + lineSlackMs(day)
  // On an owned engine a call has started when it is there.
  const isOwned = sent.some(({ slot }) => slot.planned !== null)
  const isBound = planned.streamed && !isOwned
  if (begun === null) return must(!isBound || record!.durationMs <= mostMs, `${id}: not begun for long`)
  const isContinued = sent.length > 1
  for (const { at: startedAt, isGoingOn } of sent) {
    const isLate = startedAt > at + deadlineMs + SLACK_MS && !isGoingOn
    must(!isLate || isContinued, `${id}: began behind its deadline`)
  }
}

/** No engine has more than it may, and nobody is sent where nobody is to go. */
export function checkSent(day: Day): void {
  for (const { call, slot, others, wrong } of day.site.sent) {
    const { planned, upstream, replica } = slot
    const who = `${call} at ${upstream} ${replica}`
    if (planned === null) continue
    must(wrong === null, `${who}: ${wrong}`)
    const { maxRunning } = planned.pool
    must(maxRunning === null || others < maxRunning, `${who}: ${others} others of ${maxRunning}`)
  }
}
