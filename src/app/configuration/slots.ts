import type { UpstreamSettings } from './configuration.ts'

/** The most replicas that an upstream can have: what its deployments and its pool make room for. */
export function slotsOf({ simulated, baseUrls }: Pick<UpstreamSettings, 'simulated' | 'baseUrls' | 'engine'>): number {
  return simulated?.replicas ?? baseUrls.length
}
