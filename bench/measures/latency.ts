import type { Measurement } from '../result.ts'
import { median, percentile } from '../statistics.ts'
import { call, get, type Running } from '../subject.ts'
import { loadPlain, plainBody } from '../traffic.ts'
import type { Length } from './load.ts'

const TIMED_CALLS = 200

/**
 * Latency of one caller that asks again when it has its answer. `addedP50Ms` and `addedP99Ms` are left to the report,
 * which takes off what the mock upstream alone took in the same round.
 */
export async function measureLatency(
  target: Running,
  { dialect, seconds }: Length,
): Promise<Pick<Measurement, 'figures' | 'faults'>> {
  const before = await commitWaits(target)
  const load = await loadPlain(target, { dialect, connections: 1, seconds })
  const after = await commitWaits(target)
  const figures: Record<string, number> = {
    p50Ms: load.p50Us / 1000,
    p99Ms: load.p99Us / 1000,
    meanMs: load.meanUs / 1000,
  }
  if (before && after && after.count > before.count) {
    figures.commitWaitMeanMs = ((after.sum - before.sum) * 1000) / (after.count - before.count)
  }
  Object.assign(figures, await gatewayTimes(target, dialect))
  return { figures, faults: load.errors > 0 ? [`${load.errors} of ${load.requests} calls failed`] : [] }
}

/** What the subject itself says that it took, in `server-timing: gateway;dur=…`. */
async function gatewayTimes(target: Running, dialect: Length['dialect']): Promise<Record<string, number>> {
  const times: number[] = []
  for (let i = 0; i < TIMED_CALLS; i++) {
    const { headers } = await call(target, plainBody(dialect))
    const found = /gateway;dur=([\d.]+)/.exec(String(headers['server-timing'] ?? ''))
    if (!found) return {}
    times.push(Number(found[1]))
  }
  return { gatewayP50Ms: median(times) ?? 0, gatewayP99Ms: percentile(times, 0.99) ?? 0 }
}

/** Sum in seconds and count of the metric that tells how long calls waited for their record to be on disk. */
async function commitWaits(target: Running): Promise<{ sum: number; count: number } | null> {
  if (!target.process || !target.name.startsWith('penstock')) return null
  const { status, text } = await get(target.port, '/metrics')
  if (status !== 200) return null
  const sum = series(text, 'sum')
  const count = series(text, 'count')
  return sum === null || count === null ? null : { sum, count }
}

/** Adds up the series of one name: a metric in seconds that has `commit` in its name. */
function series(text: string, part: 'sum' | 'count'): number | null {
  const lines = [...text.matchAll(new RegExp(`^\\w*commit\\w*seconds_${part}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))]
  return lines.length === 0 ? null : lines.reduce((total, line) => total + Number(line[1]), 0)
}
