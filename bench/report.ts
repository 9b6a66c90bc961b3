import { faultSections } from './faultReport.ts'
import { fleetSections } from './fleetReport.ts'
import { limitSections } from './limitReport.ts'
import { fixed, table } from './markdown.ts'
import { streamsWithin, WANTED_STREAMS } from './measures/memory.ts'
import { added, DIRECT, figure, ratio } from './ratios.ts'
import type { MeasureName, Result, Younger } from './result.ts'
import { verdicts } from './targets.ts'

interface Column {
  readonly title: string
  readonly value: (subject: string) => string
}

/** A result as Markdown, for people. The targets come first, then a table for each measure. */
export function report(result: Result): string {
  return `${[
    '# Benchmarks',
    introduction(result),
    '## Targets',
    targetTable(result),
    ...sections(result),
    ...limitSections(result),
    ...faultSections(result),
    ...fleetSections(result),
    ...micro(result),
    '## Subjects',
    subjectTable(result),
    ...doubts(result),
  ].join('\n\n')}\n`
}

function introduction(result: Result): string {
  const { machine, commit, changed, at, options, seconds, younger = [] } = result
  return [
    `Made by \`npm run bench\` at ${at} from commit ${commit}${changed ? ' with changes' : ''}, in ${Math.round(seconds / 60)} minutes, on ${machine.cores} cores of ${machine.cpu} with ${machine.memoryGb} GB, Linux ${machine.kernel}, Node ${machine.node}.`,
    '',
    `The gateway has one core with all its threads; load generator and mock upstream share the other. Figures are medians of ${options.rounds} rounds of ${options.seconds} seconds, in which the subjects take turns; ratios are taken within a round. "core" is the share of its core that a subject used: far below 1 means that the load generator was the limit, or that something else ran there, and time of the core for each call or frame is then the fairer figure. "others" is how many cores other programs used meanwhile: above 0.1 the comparison is in doubt. \`${DIRECT}\` is the mock upstream without a gateway, all on one core.`,
    ...younger.flatMap(one => ['', youngerLine(one)]),
  ].join('\n')
}

function youngerLine({ measures, at, commit, changed }: Younger): string {
  const names = measures.map(name => `\`${name}\``)
  const verb = names.length === 1 ? 'was' : 'were'
  return `${names.join(', ')} ${verb} measured by itself at ${at} from commit ${commit}${changed ? ' with changes' : ''}.`
}

function targetTable(result: Result): string {
  const rows = verdicts(result).map(({ what, target, measured, met, doubtful }) => {
    const answer = met === null ? '–' : met ? 'yes' : 'no'
    return [what, target, measured, doubtful ? `${answer}, in doubt: others used the machine` : answer]
  })
  return table(['penstock', 'target', 'measured', 'met'], rows)
}

function sections(result: Result): string[] {
  const of = (measure: MeasureName) => columnsOf(result, measure)
  const plain = of('plain')
  const streams = of('streams')
  const paced = of('paced')
  const memory = of('memory')
  return [
    ...section(result, 'plain', 'Plain calls at saturation (64 connections)', [
      plain('calls/s', 'callsPerSecond', 0),
      plain.toBare('callsPerSecond'),
      plain('p50 ms', 'p50Ms', 2),
      plain('p99 ms', 'p99Ms', 2),
      plain('core', 'coreShare', 2),
      plain('others', 'othersCores', 2),
      plain('µs of the core a call', 'cpuPerCallUs', 1),
      plain.toBare('cpuPerCallUs'),
    ]),
    ...section(result, 'streams', 'Streams at saturation (64 streams of 200 frames)', [
      streams('frames/s', 'framesPerSecond', 0),
      streams.toBare('framesPerSecond'),
      streams('streams/s', 'streamsPerSecond', 0),
      streams('first frame p50 ms', 'firstFrameP50Ms', 2),
      streams('core', 'coreShare', 2),
      streams('others', 'othersCores', 2),
      streams('µs of the core a frame', 'cpuPerFrameUs', 2),
      streams.toBare('cpuPerFrameUs'),
    ]),
    ...section(result, 'paced', 'Paced streams (256 streams, a frame every 20 ms: each frame by itself)', [
      paced('frames/s', 'framesPerSecond', 0),
      paced('core', 'coreShare', 2),
      paced('others', 'othersCores', 2),
      paced('µs of the core a frame', 'cpuPerFrameUs', 2),
      paced.toBare('cpuPerFrameUs'),
      paced('first frame p50 ms', 'firstFrameP50Ms', 2),
      paced('p99 ms', 'firstFrameP99Ms', 2),
    ]),
    ...section(result, 'latency', 'Latency at low load (one caller, call after call)', latencyColumns(result)),
    ...section(result, 'memory', `Memory of open streams (a frame every 5 s on each${openFilesNote(result)})`, [
      memory('streams', 'streams', 0),
      memory('before MB', 'beforeMb', 0),
      memory('with streams MB', 'withStreamsMb', 0),
      memory('kB a stream', 'kilobytesPerStream', 1),
      memory('kB a stream at the peak', 'peakKilobytesPerStream', 1),
      memory('opened in s', 'openingSeconds', 1),
    ]),
    ...section(result, 'disk', 'On disk after a clean stop', [
      of('disk')('calls', 'calls', 0),
      of('disk')('bytes a plain call', 'bytesPerCall', 0),
      of('disk')('with the empty directory', 'bytesPerCallWithTheEmptyDirectory', 0),
      of('disk')('bytes a stream', 'bytesPerStream', 0),
    ]),
    ...section(result, 'startup', 'Start-up, from spawning to the first answer', [
      of('startup')('ms', 'liveMs', 0),
      of('startup')('with npm, ms', 'npmMs', 0),
    ]),
  ]
}

/** Ten thousand streams are wanted; a machine may not let a gateway open that many sockets. */
function openFilesNote({ machine }: Result): string {
  return streamsWithin(machine.openFiles) < WANTED_STREAMS ? `; the limit is ${machine.openFiles} open files` : ''
}

function latencyColumns(result: Result): Column[] {
  const of = columnsOf(result, 'latency')
  return [
    of('p50 ms', 'p50Ms', 3),
    of('p99 ms', 'p99Ms', 3),
    { title: 'added p50 ms', value: subject => fixed(added(result, subject, 'p50Ms'), 3) },
    { title: 'added p99 ms', value: subject => fixed(added(result, subject, 'p99Ms'), 3) },
    of('commit wait p50 ms', 'commitP50Ms', 3),
    of('p99 ms', 'commitP99Ms', 3),
    of('others', 'othersCores', 2),
    {
      title: 'added p50 without the commit wait ms',
      value: subject => fixed(added(result, subject, 'p50Ms', 'p50WithoutCommitMs'), 3),
    },
    of('own time by server-timing p50 ms', 'gatewayP50Ms', 3),
  ]
}

/** Makes columns of one measure's figures; `toBare` is the ratio to the bare proxy in the same round. */
function columnsOf(result: Result, measure: MeasureName) {
  const column = (title: string, name: string, digits: number): Column => ({
    title,
    value: subject => fixed(figure(result, measure, subject, name), digits),
  })
  const toBare = (name: string): Column => ({
    title: 'to bare',
    value: subject => fixed(ratio(result, { measure, subject, to: 'bare', name }), 2),
  })
  return Object.assign(column, { toBare })
}

function section(result: Result, measure: MeasureName, title: string, columns: readonly Column[]): string[] {
  const measured = new Set(result.measurements.filter(one => one.measure === measure).map(one => one.subject))
  if (measured.size === 0) return []
  const rows = [...measured].map(subject => [subject, ...columns.map(({ value }) => value(subject))])
  return [`## ${title}`, table(['', ...columns.map(({ title }) => title)], rows)]
}

function micro({ micro }: Result): string[] {
  if (micro.length === 0) return []
  const blocks = micro.map(({ file, status, output }) => {
    const failed = status === 0 ? '' : ` (ended with ${status})`
    return `### ${file}${failed}\n\n\`\`\`\n${output}\n\`\`\``
  })
  return ['## Parts', ...blocks]
}

function subjectTable({ subjects }: Result): string {
  const rows = subjects.map(({ name, describe, unavailable }) => [name, describe, unavailable ?? 'measured'])
  return table(['subject', 'what it is', 'state'], rows)
}

function doubts({ measurements }: Result): string[] {
  const lines = measurements.flatMap(({ round, measure, subject, faults }) =>
    faults.map(fault => `- ${subject}, ${measure}, round ${round}: ${fault}.`),
  )
  return lines.length === 0 ? [] : ['## Doubts', lines.join('\n')]
}
