/**
 * What placement is worth: `npm run study`.
 *
 * Rehearses coding agents and Mooncake's traffic with every policy at equal accelerators, and writes what came out to
 * `PLACEMENT.md` beside this file. Needs the recordings in `../shared/data/traces`.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { loadFleet } from '../../src/app/rehearsal/load.ts'
import { type ReadOptions, readTrace } from '../../src/traces/read.ts'
import type { Report } from '../../src/twin/report.ts'
import { castTraffic } from '../../src/twin/traffic.ts'
import { POLICIES, type Policy, Twin } from '../../src/twin/twin.ts'

const RECORDED = new URL('../../../shared/data/traces/', import.meta.url)
const SEED = 1

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

if (!existsSync(RECORDED))
  throw new Error('the study needs the recordings in ../shared/data/traces, which are not there')

function rehearse({ trace: file, fleet, options }: Case, load: Case['loads'][number], policy: Policy): Report {
  const path = fileURLToPath(new URL(fleet, import.meta.url))
  const { loaded } = loadFleet({ path, env: {} })
  if (loaded === undefined) throw new Error(`${path} can not be read`)
  const bytes = readFileSync(new URL(file, RECORDED))
  const trace = readTrace(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, { ...options, seed: SEED })
  const traffic = castTraffic([
    { trace, speed: load.speed, model: () => 'm', tenant: ({ tenant }) => tenant ?? 'all', tier: () => 'standard' },
  ])
  const twin = new Twin({
    fleet: loaded.fleet({ pool: load.replicas }),
    traffic,
    targets: loaded.targets,
    policy,
    seed: SEED,
  })
  twin.run()
  return twin.report()
}

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
  for (const load of each.loads) {
    const reports = POLICIES.map(policy => ({ policy, report: rehearse(each, load, policy) }))
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
