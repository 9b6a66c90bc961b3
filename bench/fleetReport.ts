import { fixed, table } from './markdown.ts'
import { PHASE_MS, REHEARSALS, SESSIONS_AT_ONCE, TARGET_MS } from './measures/real.ts'
import { figure, ratio } from './ratios.ts'
import { SCALE } from './real/sessions.ts'
import type { MeasureName, Result } from './result.ts'
import { atLeast, isBusy, type Verdict } from './verdict.ts'

const SCHEDULED = ['penstock-scheduled', 'penstock-scheduled-8'] as const
const MIN_SHARE_SCHEDULED = 0.9
const MS_PER_SECOND = 1_000

/** What the report says of owned engines: what scheduling costs a call, and what placement brings on real ones. */
export function fleetSections(result: Result): string[] {
  return [...schedulingSection(result), ...realSection(result)]
}

/** What scheduling must not cost. */
export function fleetVerdicts(result: Result): Verdict[] {
  const kinds = [
    ['plain calls', 'callsPerSecond'],
    ['plain calls with long prompts', 'longCallsPerSecond'],
    ['streams', 'streamsPerSecond'],
  ] as const
  return kinds.flatMap(([what, name]) =>
    SCHEDULED.map(subject =>
      atLeast(
        `${what} with scheduling over ${subject.endsWith('-8') ? '8 replicas' : '1 replica'}, share of without`,
        MIN_SHARE_SCHEDULED,
        ratio(result, { measure: 'scheduling', subject, to: 'penstock', name }),
        isBusy(result, 'scheduling', [subject, 'penstock']),
      ),
    ),
  )
}

function schedulingSection(result: Result): string[] {
  const subjects = measured(result, 'scheduling')
  if (subjects.length === 0) return []
  const columns = [
    ['calls/s', 'callsPerSecond', 0],
    ['µs of the core a call', 'cpuPerCallUs', 1],
    ['long calls/s', 'longCallsPerSecond', 0],
    ['µs a long call', 'cpuPerLongCallUs', 1],
    ['streams/s', 'streamsPerSecond', 0],
    ['µs a frame', 'cpuPerFrameUs', 2],
    ['others', 'othersCores', 2],
  ] as const
  const ratios = columns.slice(0, -1)
  const rows = subjects.map(subject => [
    subject,
    ...columns.map(([, name, digits]) => fixed(figure(result, 'scheduling', subject, name), digits)),
    ...ratios.map(([, name]) => fixed(ratio(result, { measure: 'scheduling', subject, to: 'penstock', name }), 3)),
  ])
  return [
    '## With calls scheduled on owned engines, and without',
    'The mock upstream is a hosted one for `penstock`; for the others it is a vLLM of one replica, or of eight, whose metrics are read and whose places nobody has to wait for. Long calls have 16 kB of prompt that all begin with. All run at once and take turns of one measurement, in one order and back; ratios are taken between neighbours, and those of microseconds say less of what others do on the machine than those of rates.',
    table(['', ...columns.map(([title]) => title), ...ratios.map(([title]) => `${title}, ratio`)], rows),
  ]
}

const REAL_COLUMNS = [
  ['calls', 'calls', 0, 1],
  ['input tokens a call', 'promptTokens', 0, 1],
  ['cached share', 'cachedShare', 3, 1],
  ['first token p50 s', 'firstP50Ms', 2, MS_PER_SECOND],
  ['p90 s', 'firstP90Ms', 2, MS_PER_SECOND],
  ['p99 s', 'firstP99Ms', 2, MS_PER_SECOND],
  ['good calls a minute', 'goodPerMinute', 1, 1],
  ['calls a minute', 'callsPerMinute', 1, 1],
  ['ms of a prompt’s token', 'prefillTokenMs', 1, 1],
  ['ms of a step that writes', 'decodeStepMs', 1, 1],
  ['and of each that writes in it', 'decodeSequenceMs', 1, 1],
  ['others', 'othersCores', 2, 1],
] as const

function realSection(result: Result): string[] {
  const subjects = measured(result, 'real')
  if (subjects.length === 0) return []
  const order = ['placement', 'roundRobin', ...REHEARSALS.map(({ name }) => name)]
  const rows = order
    .filter(subject => subjects.includes(subject))
    .map(subject => [
      subject,
      ...REAL_COLUMNS.map(([, name, digits, unit]) => {
        const value = figure(result, 'real', subject, name)
        return fixed(value === null ? null : value / unit, digits)
      }),
    ])
  const toTurns = (name: string) =>
    fixed(ratio(result, { measure: 'real', subject: 'placement', to: 'roundRobin', name }), 2)
  return [
    '## Two real engines: agents’ sessions by placement and in turn',
    `Two llama.cpp servers with SmolLM2-135M, one thread and one core each, four slots of 2,048 tokens, no memory for prompts beside the slots. ${SESSIONS_AT_ONCE} recorded sessions of coding agents at once (agentic-cc), in a closed loop of ${PHASE_MS / MS_PER_SECOND} s on fresh servers, with input tokens by 1/${SCALE.inputTokens}, output tokens by 1/${SCALE.outputTokens} and times to think by 1/${SCALE.think} of what was recorded; a turn's prompt begins with the one before it as its recorded blocks do. A call is good when its first token came within ${TARGET_MS / MS_PER_SECOND} s. Both go through the same gateway with the same queue: for \`placement\` the servers are replicas of one upstream, for \`roundRobin\` each is an upstream by itself and callers take turns.`,
    table(['', ...REAL_COLUMNS.map(([title]) => title)], rows),
    `Placement to round robin, between neighbours: cached share × ${toTurns('cachedShare')}, good calls × ${toTurns('goodPerMinute')}, calls × ${toTurns('callsPerMinute')}, p50 to the first token × ${toTurns('firstP50Ms')}, p90 × ${toTurns('firstP90Ms')}.`,
    ...DIFFERENCES,
  ]
}

const DIFFERENCES = [
  'The rehearsals play the same sessions through the same scheduler on a virtual clock, against servers that take what the real ones were measured to take before each phase: `penstock foresee` has no step times of a CPU. `slots` remember as llama.cpp does: each slot its last prompt, shared with nobody, and given to whoever begins like a tenth of it, be it another session with the same tools and system prompt. `paged` is the cache that `penstock foresee` models, blocks of 16 tokens that all prompts share: it finds beginnings that other sessions had, and loses a prompt block by block from its end, so that its cached share is higher.',
  'Only sessions whose first prompt is small are played. That was chosen after a run at commit 9df446d2444b that took them as they came: with 40 s a phase on a busy machine, first prompts, which no cache has, were most of what it read. There placement had 1.42 times the cached share of round robin, 1.86 times its good calls, 0.41 times its p50 and 1.18 times its p90 to the first token.',
  'What differs between the real ones and `slots`; how much each of it does was not measured by itself:',
  [
    '- Rehearsed round robin passes over a server whose slots are all taken, while callers of the real one wait for that whose turn it is, and waits there while the other may be idle.',
    '- The servers share two cores with gateway, callers and whatever else runs, so that their speeds change within a phase; they are told above, and are medians over the phases for the rehearsals.',
    '- A batch of some tokens takes longer a token than one of hundreds, which one figure a token leaves out.',
    '- In a closed loop whoever answers later is asked less, so that the calls of a phase are not the same: fewer of them are late turns, with long beginnings in a cache.',
  ].join('\n'),
]

function measured({ measurements }: Result, measure: MeasureName): readonly string[] {
  return [...new Set(measurements.filter(one => one.measure === measure).map(one => one.subject))].sort()
}
