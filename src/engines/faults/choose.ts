import type { UpstreamRequest } from '../../ports/engine.ts'
import type { DurationMs, EpochMs } from '../../units/time.ts'
import type { Deployment } from '../../vocabulary/deployment.ts'
import type { Fault, FaultPlan } from './plan.ts'

/** Numbers from 0 to below 1, always the same ones for a seed, and others for its neighbours (mulberry32). */
export function randomFrom(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The fault that strikes an attempt; null for none. */
export function chooseFault(
  plan: FaultPlan,
  { deployment, replica }: Pick<UpstreamRequest, 'deployment' | 'replica'>,
  world: { readonly now: EpochMs; readonly random: () => number },
): Fault | null {
  const sinceStart = world.now - plan.startedAt
  for (const fault of plan.faults) {
    if (!concerns(fault, deployment) || (fault.replica !== null && fault.replica !== replica)) continue
    if (isOn(fault, sinceStart) && (fault.share >= 1 || world.random() < fault.share)) return fault
  }
  return null
}

/** Whether a fault may strike some deployment of an upstream. */
export function concernsUpstream({ upstream }: Fault, name: string): boolean {
  return upstream === '*' || upstream === name || upstream.startsWith(`${name}/`)
}

/** Whether a fault may strike a deployment, on one of its replicas at least. */
export function concerns({ upstream }: Pick<Fault, 'upstream'>, deployment: Deployment): boolean {
  return upstream === '*' || upstream === deployment.upstream || upstream === deployment.name
}

function isOn({ afterMs, forMs, everyMs }: Fault, sinceStart: DurationMs): boolean {
  const since = sinceStart - afterMs
  if (since < 0) return false
  return forMs === null || (everyMs === null ? since : since % everyMs) < forMs
}
