import { slotsFor } from '../../engines/watcher/hosts.ts'
import type { UpstreamSettings } from './configuration.ts'

/** The most replicas that an upstream can have: what its deployments and its pool make room for. */
export function slotsOf({
  engine,
  simulated,
  baseUrls,
}: Pick<UpstreamSettings, 'simulated' | 'baseUrls' | 'engine'>): number {
  if (simulated !== null) return simulated.replicas
  // The names of a hosted API stand for one replica each, whatever their addresses.
  return engine === null ? baseUrls.length : slotsFor(baseUrls)
}
