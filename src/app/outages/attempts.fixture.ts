import { quietUntil } from '../../policy/attempts/retry-after.ts'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import { seenIn } from './seen.fixture.ts'
import type { Asked } from './upstream.fixture.ts'
import type { Lived, Outage } from './world.fixture.ts'

/** An attempt as its record tells it and as its upstream saw it. */
export interface Tried {
  readonly record: AttemptRecord
  readonly asked: Asked
  readonly place: number
  /** Place of its end among everything that happened. */
  readonly endEvent: number
  readonly endedAt: number
  /** Place of its first content; null when none came. */
  readonly contentEvent: number | null
  /** What the gateway was told of its answer before its end. */
  readonly given: string
  /** Something was shown before it began, with which it was to go on; and whether it was told what. */
  readonly goesOn: 'prefill' | 'anew' | null
  /** When it may be asked again by its own word; null where it said nothing. */
  readonly quietUntil: number | null
}

export interface Told {
  readonly lived: Lived
  /** Null where no upstream was asked. */
  readonly record: CallRecord | null
  readonly tried: readonly Tried[]
}

export function must(holds: boolean, told: string): asserts holds {
  if (!holds) throw new Error(told)
}

/** Every call with its attempts, beside each other. */
export function toldBy(outage: Outage): readonly Told[] {
  return [...outage.lived.values()].map(lived => {
    const { id } = lived.planned
    const record = outage.records.get(id) ?? null
    const asked = outage.upstreams.asked.filter(({ call }) => call === id)
    must(asked.length === (record?.attempts.length ?? 0), `${id}: ${asked.length} asked, but the record has others`)
    const tried: Tried[] = []
    for (const [place, attempt] of (record?.attempts ?? []).entries()) {
      tried.push(triedBy(attempt, { asked: asked[place]!, place, before: tried }))
    }
    return { lived, record, tried }
  })
}

/** Of what a disturbed wire gives. */
const GARBAGE = '{"rehearsed": ['
/** Moments are sums of fractions. */
const isSame = (one: number, other: number) => Math.abs(one - other) < 1e-3

function triedBy(
  record: AttemptRecord,
  of: { readonly asked: Asked; readonly place: number; readonly before: readonly Tried[] },
): Tried {
  const { asked, place, before } = of
  const { call, upstream, told } = asked
  const who = `${call}, attempt ${place}`
  must(record.deployment === upstream.deployment.name, `${who}: recorded at ${record.deployment}`)
  const replica = upstream.deployment.replicas > 1 ? asked.replica : null
  must(record.replica === replica, `${who}: recorded at replica ${record.replica}, asked was ${asked.replica}`)
  must(isSame(record.startedAt, asked.at), `${who}: recorded as begun at another time`)
  const endedAt = record.startedAt + record.durationMs
  const then = told.filter(({ at }) => isSame(at, endedAt))
  // Nothing of other calls happens between the bytes that end an answer and its end.
  const last = then.findLastIndex(({ is }) => is === 'data')
  const garbage = then.find(({ text }) => record.outcome === 'malformed' && text.includes(GARBAGE))
  const end = garbage ?? then[last] ?? then[0]
  must(end !== undefined, `${who}: ended as ${record.outcome} when nothing was heard of it`)
  const heard = told.filter(({ event }) => event <= end.event)
  const isBroken = before.some(({ record, endEvent }) => record.timeToFirstTokenMs !== null && endEvent < asked.event)
  const given = heard.map(({ text }) => text).join('')
  return {
    record,
    asked,
    place,
    endEvent: end.event,
    endedAt,
    contentEvent: contentEventOf(asked, heard),
    given,
    goesOn: isBroken ? (/"role": *"assistant"/.test(asked.body) ? 'prefill' : 'anew') : null,
    quietUntil: saidQuiet(asked),
  }
}

function contentEventOf({ endpoint, streamed }: Asked, heard: Asked['told']): number | null {
  if (!streamed) return null
  let text = ''
  for (const { event, text: more } of heard) {
    text += more
    const whole = text.slice(0, text.lastIndexOf('\n\n') + 2)
    if (more !== '' && seenIn(endpoint, whole).text !== '') return event
  }
  return null
}

function saidQuiet({ status, headers, told }: Asked): number | null {
  const head = told.find(({ is }) => is === 'head')
  return head === undefined || status! < 400 ? null : quietUntil(headers, head.at, Date.parse)
}

/** Text of the content that the gateway was given. */
export function givenText({ asked, given }: Tried): string {
  return seenIn(asked.endpoint, given.slice(0, given.lastIndexOf('\n\n') + 2)).text
}

/** The attempt that a call ended with: of those that were not given up for a rival, the last to end. */
export function lastOf({ tried }: Told): Tried | undefined {
  return tried
    .filter(({ record }) => record.outcome !== 'superseded')
    .sort((one, other) => one.endEvent - other.endEvent)
    .at(-1)
}
