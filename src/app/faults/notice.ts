import type { Fault, FaultPlan } from '../../engines/faults/plan.ts'
import { formatDuration } from '../../units/time.ts'

/** What whoever starts a gateway with faults is told, so that nobody takes them for real ones. */
export function planNotice(path: string, plan: FaultPlan): string {
  const head = `FAULTS ARE ON: calls of upstreams fail on purpose, as ${path} says (seed ${plan.seed})`
  return [head, ...plan.faults.map(fault => `  ${described(fault)}`)].join('\n')
}

function described({ upstream, replica, kind, status, share, afterMs, forMs, everyMs }: Fault): string {
  const what = kind === 'status' ? `status ${status}` : kind
  const where = upstream === '*' ? 'every upstream' : upstream
  const which = replica === null ? where : `replica ${replica} of ${where}`
  const calls = share < 1 ? `${Number((share * 100).toFixed(4))}% of the calls` : 'all calls'
  const begins = afterMs > 0 ? ` ${formatDuration(afterMs)} after the start` : ''
  const lasts = forMs === null ? '' : ` for ${formatDuration(forMs)}`
  const again = everyMs === null ? '' : ` every ${formatDuration(everyMs)}`
  return `${what}: ${calls} of ${which},${begins}${lasts}${again}`.replace(/,$/, '')
}
