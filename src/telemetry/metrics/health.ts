import { Gauge, type Registry } from 'prom-client'

/** What a replica of a deployment may be, as its breaker has it. */
export const REPLICA_STATES = ['ready', 'recovering', 'probing', 'open', 'quiet'] as const
export type ReplicaState = (typeof REPLICA_STATES)[number]

/** How one replica of a deployment stands at the moment of a scrape. */
export interface ReplicaHealth {
  /** `upstream/model`. */
  readonly deployment: string
  /** Place in the upstream's list, from 0. */
  readonly replica: number
  readonly state: ReplicaState
  /** Attempts that are under way there, over all threads. */
  readonly outstanding: number
}

/**
 * Adds gauges of the health of deployments, read when they are scraped. Each state has a line, 1 for the one that holds,
 * so that an alert on it ends when the state does.
 */
export function healthGauges(registry: Registry, health: () => Iterable<ReplicaHealth>): void {
  new Gauge({
    name: 'penstock_deployment_state',
    help: '1 for the state that a replica of a deployment is in, 0 for the others.',
    labelNames: ['deployment', 'replica', 'state'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { deployment, replica, state } of health()) {
        for (const one of REPLICA_STATES) this.set({ deployment, replica, state: one }, one === state ? 1 : 0)
      }
    },
  })
  new Gauge({
    name: 'penstock_deployment_outstanding',
    help: 'Attempts under way at a replica of a deployment.',
    labelNames: ['deployment', 'replica'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { deployment, replica, outstanding } of health()) this.set({ deployment, replica }, outstanding)
    },
  })
}
