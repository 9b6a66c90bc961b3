/**
 * What placement is worth: `npm run study`.
 *
 * Rehearses coding agents and Mooncake's traffic with every policy at equal accelerators, and writes what came out to
 * `PLACEMENT.md` beside this file. Needs the recordings in `../shared/data/traces`.
 */
import { writeFileSync } from 'node:fs'
import type { ReadOptions } from '../../src/traces/read.ts'
import { POLICIES } from '../../src/twin/twin.ts'
import { castIn, fleetIn, readRecording, rehearse } from './rehearse.ts'

interface Case {
  readonly name: string
  readonly trace: string
  readonly fleet: string
  readonly options: ReadOptions
  /** Recorded seconds per virtual second, and how many replicas. */
  readonly loads: readonly { readonly speed: number; readonly replicas: number }[]
}

const CASES: readonly Case[] = [
  {
    name: 'Mooncake, synthetic',
    trace: 'mooncake/synthetic_trace.jsonl',
    fleet: 'mooncake.yaml',
    options: { requests: 2_500 },
    loads: [1, 1.5, 2].map(speed => ({ speed, replicas: 4 })),
  },
  {
    name: 'Coding agents, 240 sessions an hour',
    trace: 'agentic-cc/cc_traces_ranges.jsonl.gz',
    fleet: 'agents.yaml',
    options: { durationMs: 7_200_000, sessionsPerHour: 240 },
    loads: [6, 8].map(replicas => ({ speed: 1, replicas })),
  },
]

const HEAD =
  'speed | replicas | policy | completed | TTFT p50, ms | TTFT p99, ms | TPOT p50, ms | cached | goodput/s | times round robin'
const lines = [
  '# What placement is worth',
  '',
  'Written by `npm run study`. Rehearsed on a virtual clock; equal accelerators in each group of rows, seed 1. Goodput counts',
  'requests within the targets of the fleet files beside this one. What is not completed was too long for the model, or had',
  'waited for a minute.',
]
for (const each of CASES) {
  lines.push('', `## ${each.name}`, '', `| ${HEAD} |`, `|${' --- |'.repeat(10)}`)
  const fleet = fleetIn(each.fleet)
  const trace = readRecording(each.trace, each.options)
  for (const load of each.loads) {
    const castings = [castIn('standard', trace, load.speed)]
    const reports = POLICIES.map(policy => ({
      policy,
      report: rehearse(fleet, { replicas: load.replicas, castings, policy }),
    }))
    const base = reports.find(({ policy }) => policy === 'roundRobin')!.report.goodputPerSecond
    for (const { policy, report } of reports) {
      const { timeToFirstTokenMs: first, timePerOutputTokenMs: later, goodputPerSecond } = report
      const cells = [
        load.speed,
        load.replicas,
        policy,
        `${report.completed} of ${report.requests}`,
        first.p50?.toFixed(0),
        first.p99?.toFixed(0),
        later.p50?.toFixed(1),
        `${(100 * report.cachedShare).toFixed(1)} %`,
        goodputPerSecond.toFixed(3),
        base > 0 ? (goodputPerSecond / base).toFixed(2) : '',
      ]
      lines.push(`| ${cells.join(' | ')} |`)
      process.stderr.write(`${each.name}: ${cells.join(' | ')}\n`)
    }
  }
}
writeFileSync(new URL('PLACEMENT.md', import.meta.url), `${lines.join('\n')}\n`)
