import { existsSync, readFileSync } from 'node:fs'
import { readTable } from '../../src/app/predict/table.ts'
import type { Coefficients } from '../../src/simulation/coefficients.ts'
import { createEngine, type Engine, step, submit } from '../../src/simulation/engine.ts'
import { describeReplica } from '../../src/simulation/replica.ts'
import { stepCosts } from '../../src/simulation/step-time.ts'
import { quantile } from './errors.ts'

/** A request that a real engine served. */
interface Request {
  readonly atMs: number
  readonly promptTokens: number
  readonly outputTokens: number
  readonly timeToFirstTokenMs: number
  readonly timePerOutputTokenMs: number
}

/** Traffic that was recorded on accelerators which no serving point of the fit is of, and how those engines were set up. */
const RECORDED = [
  { model: 'Llama-3.1-8B', kind: 'RTX-PRO-6000', count: 1 },
  { model: 'Qwen3-32B', kind: 'RTX-PRO-6000', count: 2 },
] as const
const LIMITS = { stepTokens: 2048, maxSequences: 128 }

/**
 * Plays recorded traffic against the simulated engine, step by step on a virtual clock, and compares request by request.
 *
 * @returns a Markdown table: median and 90th percentile of the errors in per cent; a sentence where the file is missing
 */
export function requestTable(path: string, coefficients: Coefficients): string {
  if (!existsSync(path)) return `There are no recorded requests at ${path}.`
  const lines = ['| | requests | time per output token | time to first token |', '|---|---|---|---|']
  for (const { model, kind, count } of RECORDED) {
    const requests = readRequests(path, model)
    const { options } = describeReplica({ model, accelerator: { kind, count }, limits: LIMITS })
    const costs = stepCosts(options.costs.shape, coefficients)
    const played = play(createEngine({ ...options, costs }), requests)
    const cellOf = (name: 'timeToFirstTokenMs' | 'timePerOutputTokenMs') => {
      const errors = requests.map((request, i) => Math.abs(played[i]![name] / request[name] - 1))
      return [0.5, 0.9].map(share => (100 * quantile(errors, share)).toFixed(1)).join(' / ')
    }
    const cells = [cellOf('timePerOutputTokenMs'), cellOf('timeToFirstTokenMs')]
    lines.push(`| ${model} on ${count} × ${kind} | ${requests.length} | ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

function readRequests(path: string, model: string): readonly Request[] {
  const table = readTable(readFileSync(path))
  if ('fault' in table) throw new Error(`${path}: ${table.fault}`)
  return table.rows
    .map(({ fields }) => Object.fromEntries(table.columns.map((name, i) => [name, fields[i]!])))
    .filter(row => row.model === model)
    .map(row => ({
      atMs: 1000 * Number(row.arrival_s),
      promptTokens: Number(row.input_tokens),
      outputTokens: Number(row.output_tokens),
      timeToFirstTokenMs: Number(row.ttft_ms),
      timePerOutputTokenMs: Number(row.tpot_ms),
    }))
    .toSorted((a, b) => a.atMs - b.atMs)
}

/** Open loop: each request comes when it came. */
function play(engine: Engine, requests: readonly Request[]) {
  const first = new Float64Array(requests.length)
  const last = new Float64Array(requests.length)
  let now = 0
  let next = 0
  for (let ended = 0; ended < requests.length; ) {
    for (; next < requests.length && requests[next]!.atMs <= now; next++) {
      const { promptTokens, outputTokens } = requests[next]!
      submit(engine, { id: next, promptTokens, outputTokens, hashes: new Float64Array() })
    }
    const horizonMs = next < requests.length ? requests[next]!.atMs - now : Number.POSITIVE_INFINITY
    const { durationMs, steps, events } = step(engine, { maxSteps: Number.MAX_SAFE_INTEGER, horizonMs })
    now += durationMs
    for (const { kind, id } of events) {
      if (kind === 'firstToken') first[id] = now
      if (kind !== 'finished') continue
      last[id] = now
      ended++
    }
    if (steps === 0 && next < requests.length) now = requests[next]!.atMs
  }
  return requests.map(({ atMs, outputTokens }, i) => ({
    timeToFirstTokenMs: first[i]! - atMs,
    timePerOutputTokenMs: (last[i]! - first[i]!) / (outputTokens - 1),
  }))
}
