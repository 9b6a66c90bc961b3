import type { Fleet } from '../../ports/fleet.ts'

/** A fleet without a replica. */
export const NO_FLEET: Fleet = {
  report: () => ({ upstreams: [], tiers: [] }),
  drain: () => false,
  resume: () => false,
}
