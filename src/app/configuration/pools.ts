import { findAccelerator } from '../../simulation/accelerators.ts'
import { powerModel } from '../../simulation/power.ts'
import { PRICED_CONTEXT_TOKENS, PRICED_SEQUENCES } from '../../simulation/price.ts'
import type { Replica } from '../../simulation/replica.ts'
import { type StepCosts, stepBaseMs } from '../../simulation/step-time.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import type { EngineCosts, Pool } from '../../vocabulary/scheduling.ts'
import { knownReplica } from '../footprint/knownReplica.ts'
import type { Accelerator, UpstreamSettings } from './configuration.ts'
import { slotsOf } from './slots.ts'

/** What the scheduler knows of each upstream with an engine, by the tables as far as they have its model and accelerator. */
export function poolsOf(upstreams: readonly UpstreamSettings[], models: readonly Model[]): readonly Pool[] {
  return upstreams.flatMap(upstream => {
    const { name, engine, maxRunning, accelerator } = upstream
    if (engine === null) return []
    const replica = replicaOf(upstream, models)
    const pool: Pool = {
      upstream: name,
      engine,
      maxRunning,
      slots: slotsOf(upstream),
      costs: replica && costsOf(replica),
      kvTokens: replica && replica.options.kvBlocks * replica.options.blockTokens,
      dollarsPerHour: accelerator && dollarsPerHour(accelerator),
      watts: accelerator && wattsOf(accelerator),
    }
    return [pool]
  })
}

/** Engines serve one model each; where clients know it by several names, the first that the table has tells which. */
function replicaOf(upstream: UpstreamSettings, models: readonly Model[]): Replica | null {
  const { name, engine, accelerator, simulated } = upstream
  if (engine === null || accelerator === null) return null
  const deployed = models.flatMap(({ deployments }) => deployments.filter(({ upstream }) => upstream === name))
  const names = simulated === null ? deployed.map(({ model }) => model) : [simulated.model]
  for (const model of names) {
    const known = knownReplica(engine, accelerator, model, simulated?.kvBlocks)
    if (known !== null) return known
  }
  return null
}

/**
 * The step-time model in five numbers: of prefill what a full chunk costs a token, of decode the line through steps of one
 * and of a usual number of sequences. Attention with a window counts as far as contexts of a usual length reach into it.
 */
function costsOf({ options: { costs, limits } }: Replica): EngineCosts {
  const chunk = stepBaseMs(costs, batchOf({ prefillTokens: limits.stepTokens }))
  const one = stepBaseMs(costs, batchOf({ decodeSequences: 1 }))
  const many = stepBaseMs(costs, batchOf({ decodeSequences: PRICED_SEQUENCES }))
  const decodeSequenceMs = (many - one) / (PRICED_SEQUENCES - 1)
  return {
    prefillTokenMs: chunk / limits.stepTokens,
    prefillPairMs: costs.prefillPairMs + costs.windowedPrefillPairMs * reached(costs, PRICED_CONTEXT_TOKENS / 2),
    decodeStepMs: one - decodeSequenceMs,
    decodeSequenceMs,
    contextTokenMs: costs.contextTokenMs + costs.windowedContextTokenMs * reached(costs, PRICED_CONTEXT_TOKENS),
  }
}

function reached({ shape }: StepCosts, contextTokens: number): number {
  return Math.min(1, shape.model.windowTokens / contextTokens)
}

function batchOf(of: { readonly prefillTokens?: number; readonly decodeSequences?: number }) {
  const { prefillTokens = 0, decodeSequences = 0 } = of
  const nothing = { contextTokens: 0, windowedContextTokens: 0, prefillPairs: 0, windowedPrefillPairs: 0 }
  return { ...nothing, prefillTokens, decodeSequences }
}

function dollarsPerHour({ count, dollarsPerHour }: Accelerator): number | null {
  return dollarsPerHour === null ? null : (count * Number(dollarsPerHour)) / 1e9
}

function wattsOf({ kind, count }: Accelerator): Pool['watts'] {
  const known = findAccelerator(kind)
  if (known === undefined) return null
  const { idleWatts, capWatts } = powerModel(known)
  return { idle: count * idleWatts, busy: count * capWatts }
}
