import { fixed, table } from './markdown.ts'
import { CALLERS, KINDS } from './measures/race.ts'
import { hasCoresForThreads } from './measures/threads.ts'
import { figure, ratio } from './ratios.ts'
import type { MeasureName, Result } from './result.ts'

/** What the report says of limits: their cost, what threads bring, and races for a cap. */
export function limitSections(result: Result): string[] {
  return [...costSection(result), ...threadSection(result), ...raceSection(result)]
}

function costSection(result: Result): string[] {
  const row = rowsOf(result, 'limits', [
    ['callsPerSecond', 0],
    ['cpuPerCallUs', 1],
    ['p99Ms', 2],
    ['streamsPerSecond', 0],
    ['cpuPerFrameUs', 2],
    ['othersCores', 2],
  ])
  const toNone = (subject: string, name: string) =>
    fixed(ratio(result, { measure: 'limits', subject, to: 'penstock', name }), 3)
  const rows = subjectsOf(result, 'limits').map(subject => [
    ...row(subject),
    toNone(subject, 'callsPerSecond'),
    toNone(subject, 'streamsPerSecond'),
  ])
  if (rows.length === 0) return []
  const head = ['calls/s', 'µs of the core a call', 'p99 ms', 'streams/s', 'µs of the core a frame', 'others']
  return [
    '## With 20 limits that bind every call, and without',
    'Both gateways run at once and take turns of one measurement, A B B A; ratios are taken between neighbours.',
    table(['', ...head, 'calls/s, ratio', 'streams/s, ratio'], rows),
  ]
}

function threadSection(result: Result): string[] {
  const row = rowsOf(result, 'threads', [
    ['callsPerSecond', 0],
    ['coreShare', 2],
    ['mainThreadUs', 1],
    ['dataPlanesUs', 1],
    ['writerUs', 1],
    ['otherThreadsUs', 1],
    ['callsPerSecondOfBusiest', 0],
    ['askedPercent', 1],
    ['messagesPerCall', 2],
    ['othersCores', 2],
  ])
  const toOne = (subject: string) =>
    fixed(ratio(result, { measure: 'threads', subject, to: 'penstock-limits', name: 'callsPerSecondOfBusiest' }), 2)
  const rows = subjectsOf(result, 'threads').map(subject => [...row(subject), toOne(subject)])
  if (rows.length === 0) return []
  const head = [
    'calls/s',
    'cores',
    'µs a call: main thread',
    'data planes',
    'writer',
    'others of Node',
    'calls/s that the busiest thread allows',
    'asked the owner, of 100 calls',
    'messages to the owner a call',
    'others',
    'that the busiest allows, ratio',
  ]
  const shown = hasCoresForThreads(result.machine.cores)
    ? 'Each thread has a core here, so that the rates show what two threads bring.'
    : `On ${result.machine.cores} cores, of which the load generator needs one, all threads share a core: the rates can't show what two threads bring, only what they cost. What a call takes in each thread tells the rest: where every thread has a core, the busiest one sets the rate.`
  return [
    '## One thread of the data plane and two (plain calls, 20 limits)',
    `With one thread everything but the ledger's writer is done by the main thread. With two, the main thread owns limits and ledger, and calls are decided in their own thread as long as its lease lasts; only the others wait for the owner. ${shown}`,
    table(['', ...head], rows),
  ]
}

function raceSection(result: Result): string[] {
  const subjects = subjectsOf(result, 'race')
  if (subjects.length === 0) return []
  const rows = KINDS.flatMap(({ name, title }) =>
    subjects.map(subject => {
      const all = (figure: string) =>
        result.measurements.flatMap(one =>
          one.measure === 'race' && one.subject === subject ? (one.figures[`${name}.${figure}`] ?? []) : [],
        )
      return [
        `${title}: ${subject}`,
        range(all('admitted'), 0),
        range(all('cut'), 0),
        range(all('dollars'), 4),
        range(all('overDollars'), 4),
        range(all('wastedPercent'), 0),
      ]
    }),
  )
  return [
    `## Races of ${CALLERS} callers for one key's cap that pays for ten calls`,
    'A call costs a cent and the cap is ten cents, unless it says otherwise. The model answers when every caller was either let through or refused. Dollars are what the model bills for what it wrote. "cut" are streams that were ended before the model was done. Where figures of several races differ, their range is told.',
    table(['', 'let through', 'cut', 'dollars spent', 'dollars over the cap', 'cap left unspent, %'], rows),
  ]
}

function range(values: readonly number[], digits: number): string {
  if (values.length === 0) return '–'
  const [least, most] = [Math.min(...values).toFixed(digits), Math.max(...values).toFixed(digits)]
  return least === most ? least : `${least} to ${most}`
}

function subjectsOf({ measurements }: Result, measure: MeasureName): readonly string[] {
  return [...new Set(measurements.filter(one => one.measure === measure).map(one => one.subject))].sort()
}

function rowsOf(result: Result, measure: MeasureName, columns: readonly (readonly [name: string, digits: number])[]) {
  return (subject: string): string[] => [
    subject,
    ...columns.map(([name, digits]) => fixed(figure(result, measure, subject, name), digits)),
  ]
}
