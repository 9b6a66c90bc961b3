import type { Deployment, EngineKind } from '../../vocabulary/deployment.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { footprintOf } from '../footprint/footprint.ts'
import type { UpstreamSettings } from './configuration.ts'

/** The dialects that each engine speaks at one base URL, unless the configuration says otherwise. */
export const DIALECTS_OF_ENGINES: Readonly<Record<EngineKind, readonly DialectName[]>> = {
  vllm: ['openai'],
  sglang: ['openai'],
  trtllm: ['openai'],
  llamacpp: ['openai', 'anthropic'],
  simulated: ['openai', 'anthropic'],
}

/** One model at one upstream. */
export function deploymentOf(upstream: UpstreamSettings, model: string): Deployment {
  const { name, dialects, engine, baseUrls, simulated, accelerator, region } = upstream
  const replicas = simulated?.replicas ?? baseUrls.length
  const grams = footprintOf({ engine, accelerator, model: simulated?.model ?? model, region })
  return { name: `${name}/${model}`, upstream: name, model, dialects, engine, replicas, grams }
}
