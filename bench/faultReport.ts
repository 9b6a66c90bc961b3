import { ENDINGS, type Ending } from './ending.ts'
import { CASES, type Case, LIMITS } from './load/faulty.ts'
import { fixed, table } from './markdown.ts'
import { DEAD, ONE } from './measures/dead.ts'
import { PATIENCE_MS } from './measures/faults.ts'
import { HEDGES } from './measures/hedge.ts'
import { POLICIES, STREAMS } from './measures/outage.ts'
import { figure, ratio } from './ratios.ts'
import type { MeasureName, Result } from './result.ts'

const MS_PER_SECOND = 1_000

/** What the report says of upstreams that fail: what survives, what it costs when nothing fails, and side by side. */
export function faultSections(result: Result): string[] {
  return [
    ...resilienceSection(result),
    ...deadSection(result),
    ...outageSection(result),
    ...hedgeSection(result),
    ...faultSection(result),
  ]
}

function resilienceSection(result: Result): string[] {
  const columns = [
    ['calls/s', 'callsPerSecond', 0],
    ['µs of the core a call', 'cpuPerCallUs', 1],
    ['p99 ms', 'p99Ms', 2],
    ['added p50 ms without the commit wait', 'addedP50Ms', 3],
    ['streams/s', 'streamsPerSecond', 0],
    ['µs of the core a frame', 'cpuPerFrameUs', 2],
    ['others', 'othersCores', 2],
  ] as const
  const to = (subject: string, base: string, name: string) =>
    fixed(ratio(result, { measure: 'resilience', subject, to: base, name }), 3)
  const rows = subjectsOf(result, 'resilience').map(subject => [
    subject,
    ...columns.map(([, name, digits]) => fixed(figure(result, 'resilience', subject, name), digits)),
    to(subject, 'penstock', 'callsPerSecond'),
    to(subject, 'penstock', 'streamsPerSecond'),
    to(subject, 'penstock', 'cpuPerCallUs'),
    to(subject, 'penstock', 'cpuPerFrameUs'),
    to(subject, 'bare', 'callsPerSecond'),
    to(subject, 'bare', 'streamsPerSecond'),
  ])
  if (rows.length === 0) return []
  const ratios = [
    'calls/s to penstock',
    'streams/s to penstock',
    'µs a call to penstock',
    'µs a frame to penstock',
    'calls/s to bare',
    'streams/s to bare',
  ]
  return [
    '## With everything on that helps when upstreams fail, and without',
    '`penstock-resilience` has three deployments, `route: balanced`, breakers, `hedge`, `onCut: continue` and every time limit; `penstock` has one deployment and nothing of it. All run at once and take turns of one measurement, in one order and back; ratios are taken between neighbours.',
    table(['', ...columns.map(([title]) => title), ...ratios], rows),
  ]
}

function deadSection(result: Result): string[] {
  const measured = subjectsOf(result, 'dead')
  if (measured.length === 0) return []
  const columns = [
    ['calls/s', 'callsPerSecond', 0],
    ['µs of the core a call', 'cpuPerCallUs', 1],
    ['p50 ms', 'p50Ms', 2],
    ['p99 ms', 'p99Ms', 2],
    ['slowest ms', 'maxMs', 0],
    ['others', 'othersCores', 2],
  ] as const
  const toOne = (subject: string, name: string) => fixed(ratio(result, { measure: 'dead', subject, to: ONE, name }), 3)
  const rows = measured.map(subject => [
    subject,
    ...columns.map(([, name, digits]) => fixed(figure(result, 'dead', subject, name), digits)),
    ...['callsPerSecond', 'cpuPerCallUs', 'p50Ms', 'p99Ms'].map(name => toOne(subject, name)),
  ])
  return [
    '## With a dead deployment whose breaker has opened (plain calls, 64 connections)',
    'Two deployments in order, the first of them dead; all else as where nothing is said. All configurations run at once and take turns; ratios are to one healthy deployment alone. The slowest call may be the one that asks the dead deployment whether it is back.',
    table(
      ['', ...columns.map(([title]) => title), 'calls/s, ratio', 'µs a call, ratio', 'p50, ratio', 'p99, ratio'],
      ['one, healthy', 'two, healthy', ...DEAD].flatMap(name => rows.filter(([subject]) => subject === name)),
    ),
  ]
}

const OUTAGE_ROWS = [
  ['streams', 'streams', 0],
  ['whole in the end', 'whole', 0],
  ['had shown something when their upstream died', 'shown', 0],
  ['… went on elsewhere, word for word', 'shownSurvived', 0],
  ['… ended in an honest error', 'shownHonest', 0],
  ['… ended otherwise', 'shownOtherwise', 0],
  ['failed without having shown anything', 'failedUnshown', 0],
  ['failed at another time', 'otherFailures', 0],
  ['moved before their first word', 'moved', 0],
  ['… from the failure to the next attempt, p50 ms', 'movedGapP50Ms', 1],
  ['… at most, ms', 'movedGapMaxMs', 1],
  ['… added time to the first word, p50 ms', 'movedAddedP50Ms', 0],
  ['… at most, ms', 'movedAddedMaxMs', 0],
  ['usual time to the first word, p50 ms', 'usualFirstMs', 0],
  ['of the last streams, on the upstream that returned, %', 'onReturnedPercent', 0],
] as const

function outageSection(result: Result): string[] {
  const [subject] = subjectsOf(result, 'outage')
  if (subject === undefined) return []
  const rows = OUTAGE_ROWS.map(([title, name, digits]) => [
    title,
    ...POLICIES.map(policy => fixed(figure(result, 'outage', subject, `${policy}.${name}`), digits)),
  ])
  return [
    `## One of two upstreams dies under ${STREAMS} streams, and returns`,
    'The process of the upstream is killed and started again three seconds later. Its model thinks for 500 ms, and what it had thought is lost with it: that, and the crowd at the other upstream, is the added time of those that moved. What the move itself takes is told by their receipts.',
    table(['', ...POLICIES.map(policy => `onCut: ${policy}`)], rows),
  ]
}

function hedgeSection(result: Result): string[] {
  const [subject] = subjectsOf(result, 'hedge')
  if (subject === undefined) return []
  const columns = [
    ['calls', 'calls', 0],
    ['first content p50 ms', 'p50Ms', 1],
    ['p99 ms', 'p99Ms', 1],
    ['slowest ms', 'maxMs', 1],
    ['hedged, of 100 calls', 'hedgedPercent', 2],
    ['dollars of losers, of 100 dollars', 'losersPercent', 2],
  ] as const
  const rows = HEDGES.map(name => [
    `hedge: ${name}`,
    ...columns.map(([, of, digits]) => fixed(figure(result, 'hedge', subject, `${name}.${of}`), digits)),
  ])
  return [
    '## Hedging, with a deployment that takes two seconds for 3 % of its calls',
    'A rival is sent after 200 ms without content. Both models are asked at once, plain and streamed by turns.',
    table(['', ...columns.map(([title]) => title)], rows),
  ]
}

function faultSection(result: Result): string[] {
  const subjects = ['penstock-faults', 'litellm-faults', 'portkey-faults'].filter(name =>
    subjectsOf(result, 'faults').includes(name),
  )
  if (subjects.length === 0) return []
  const rows = CASES.map(one => [
    `${one.fault.title}, ${one.mode === 'stream' ? 'streamed' : 'plain'}`,
    ...subjects.map(subject => cell(result, subject, one)),
  ])
  const sums = ENDINGS.map(ending => [
    `**${ending}, of ${CASES.length}**`,
    ...subjects.map(subject => `**${CASES.filter(one => worstEnding(result, subject, one) === ending).length}**`),
  ])
  return [
    '## The same faults, side by side',
    `The first of two deployments has the fault, the second is healthy and goes on with an answer that it is given as begun. Every gateway is told to give up after ${seconds(LIMITS.firstTokenMs)} without a first word, or what comes next to it (see the subjects). *survived*: one whole answer, word for word. *honest*: told of the failure by a status or an error. *cut*: the connection broke without a word. *false*: not whole, and ended as if it were. *hung*: no end within ${seconds(PATIENCE_MS)}. The worst of all rounds counts; seconds are until the end, the median.`,
    table(['', ...subjects.map(name => name.replace('-faults', ''))], [...rows, ...sums]),
  ]
}

function cell(result: Result, subject: string, one: Case): string {
  const ending = worstEnding(result, subject, one)
  if (ending === null) return '–'
  const ms = figure(result, 'faults', subject, `${one.name}.ms`) ?? 0
  return ending === 'hung' ? ending : `${ending}, ${seconds(ms)}`
}

/** What became of a case in the worst of its rounds; null when it was not measured. */
export function worstEnding(result: Result, subject: string, { name }: Case): Ending | null {
  const seen = result.measurements.filter(one => one.measure === 'faults' && one.subject === subject)
  return ENDINGS.findLast(ending => seen.some(({ figures }) => figures[`${name}.${ending}`] === 1)) ?? null
}

function seconds(ms: number): string {
  const inSeconds = ms / MS_PER_SECOND
  return `${inSeconds < 10 && !Number.isInteger(inSeconds) ? inSeconds.toFixed(inSeconds < 1 ? 2 : 1) : inSeconds.toFixed(0)} s`
}

function subjectsOf({ measurements }: Result, measure: MeasureName): readonly string[] {
  return [...new Set(measurements.filter(one => one.measure === measure).map(one => one.subject))].sort()
}
