/**
 * What it costs those who wait for first tokens when batch work fills what they leave idle: `npm run study`.
 *
 * Rehearses coding agents and Mooncake's traffic alone, and then with so many batch calls that some of them always wait,
 * and writes what came out to `FILLING.md` beside this file. Needs the recordings in `../shared/data/traces`.
 */
import { writeFileSync } from 'node:fs'
import type { ReadOptions } from '../../src/traces/read.ts'
import type { Trace, TraceRequest } from '../../src/traces/trace.ts'
import type { Report } from '../../src/twin/report.ts'
import type { Policy } from '../../src/twin/twin.ts'
import { castIn, fleetIn, readRecording, rehearse } from './rehearse.ts'

interface Case {
  readonly name: string
  readonly trace: string
  readonly fleet: string
  readonly options: ReadOptions
  /** Recorded seconds per virtual second. */
  readonly speed: number
  readonly replicas: number
}

const CASES: readonly Case[] = [
  {
    name: 'Mooncake, synthetic',
    trace: 'mooncake/synthetic_trace.jsonl',
    fleet: 'filling-mooncake.yaml',
    options: { requests: 1_500 },
    speed: 0.25,
    replicas: 4,
  },
  {
    name: 'Mooncake, conversation',
    trace: 'mooncake/conversation_trace.jsonl',
    fleet: 'filling-mooncake.yaml',
    options: { requests: 5_000 },
    speed: 0.25,
    replicas: 4,
  },
  {
    name: 'Coding agents, 120 sessions an hour',
    trace: 'agentic-cc/cc_traces_ranges.jsonl.gz',
    fleet: 'filling-agents.yaml',
    options: { durationMs: 3_600_000, sessionsPerHour: 120 },
    speed: 1,
    replicas: 3,
  },
]

/** Batch calls that are offered, and the policy that places all; whoever sends each call at once would choke on more. */
const FILLS: readonly {
  readonly batch: string
  readonly file: string
  readonly perSecond: number
  readonly policy: Policy
}[] = [
  { batch: 'chat', file: 'azure2023/AzureLLMInferenceTrace_conv.csv', perSecond: 12, policy: 'penstock' },
  { batch: 'code', file: 'azure2023/AzureLLMInferenceTrace_code.csv', perSecond: 12, policy: 'penstock' },
  { batch: 'chat', file: 'azure2023/AzureLLMInferenceTrace_conv.csv', perSecond: 7, policy: 'prefixAware' },
]

/** The lengths of a recording over and over, evenly spread over a time. */
function batchOf(lengths: readonly TraceRequest[], perSecond: number, seconds: number): Trace {
  const requests = Array.from({ length: Math.floor(perSecond * seconds) }, (_, i) => ({
    ...lengths[i % lengths.length]!,
    atMs: (i * 1000) / perSecond,
  }))
  return { format: 'azure', requests, blockTokens: null, blockIds: 0, notes: [] }
}

const percent = (share: number) => `${(100 * share).toFixed(1)} %`
const rise = (now: number, before: number) => `${now >= before ? '+' : ''}${percent(now / before - 1)}`

function rowOf(policy: Policy, batch: string | null, { filled, alone }: { filled: Report; alone: Report }): string {
  const { timeToFirstTokenMs: first, timePerOutputTokenMs: later, cachedShare } = filled.perTier.interactive!
  const before = alone.perTier.interactive!
  const done = filled.perTier.batch
  const cells = [
    policy,
    batch ?? '',
    percent(filled.utilisation),
    first.p50!.toFixed(0),
    first.p90!.toFixed(0),
    first.p99!.toFixed(0),
    batch === null ? '' : rise(first.p99!, before.timeToFirstTokenMs.p99!),
    later.p50!.toFixed(1),
    percent(cachedShare),
    done === undefined ? '' : `${done.completed} of ${done.requests}`,
    filled.outputTokensPerSecond.toFixed(0),
  ]
  return `| ${cells.join(' | ')} |`
}

const HEAD =
  'policy | batch | busy | TTFT p50, ms | TTFT p90, ms | TTFT p99, ms | its rise | TPOT p50, ms | cached | batch calls done | output tokens/s'
const lines = [
  '# What is idle, filled',
  '',
  'Written by `npm run study`. Rehearsed on a virtual clock, seed 1. Each recording is played alone as the tier `interactive`,',
  'and again with calls of the tier `batch`, more than there is room for: those that wait for 20 seconds are refused, so',
  'some always wait. Their lengths are those of Azure 2023, chat (about 1,000 tokens in, 200 out) or code (2,000 in, 30 out).',
  'Times and cached share are those of the interactive calls; busy is the share of the time in which replicas computed.',
  'The peer has no queue and sends every call at once; it is offered less, since it would be overrun.',
  'The p99 of so few calls is uncertain: of the first 1,500 conversations alone it rose by 4 to 17 % as batch calls came otherwise.',
]
for (const { name, trace: file, fleet: fleetFile, options, speed, replicas } of CASES) {
  lines.push('', `## ${name}`, '', `| ${HEAD} |`, `|${' --- |'.repeat(11)}`)
  const fleet = fleetIn(fleetFile)
  const interactive = castIn('interactive', readRecording(file, options), speed)
  const alone = new Map<Policy, Report>()
  for (const { batch, file: lengths, perSecond, policy } of FILLS) {
    let before = alone.get(policy)
    if (before === undefined) {
      before = rehearse(fleet, { replicas, castings: [interactive], policy })
      alone.set(policy, before)
      lines.push(rowOf(policy, null, { filled: before, alone: before }))
    }
    const calls = batchOf(readRecording(lengths, {}).requests, perSecond, before.durationMs / 1000)
    const filled = rehearse(fleet, { replicas, castings: [interactive, castIn('batch', calls)], policy })
    lines.push(rowOf(policy, batch, { filled, alone: before }))
    process.stderr.write(`${name}: ${lines.at(-1)}\n`)
  }
}
writeFileSync(new URL('FILLING.md', import.meta.url), `${lines.join('\n')}\n`)
