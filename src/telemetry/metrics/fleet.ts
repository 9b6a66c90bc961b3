import { Gauge, type Registry } from 'prom-client'
import type { Fleet, ReplicaReport } from '../../ports/fleet.ts'

/** What is shown of each replica; what it does not say has no line. */
const REPLICA_GAUGES: readonly {
  readonly name: string
  readonly help: string
  read(of: ReplicaReport): number | null
}[] = [
  { name: 'penstock_replica_running', help: 'Calls that run, as the engine says.', read: ({ running }) => running },
  { name: 'penstock_replica_waiting', help: 'Calls that wait, as the engine says.', read: ({ waiting }) => waiting },
  { name: 'penstock_replica_kv_use', help: 'Share of the KV cache in use, 0 to 1.', read: ({ kvUse }) => kvUse },
  {
    name: 'penstock_replica_in_flight',
    help: 'Calls of this gateway that are under way there.',
    read: ({ inFlight }) => inFlight,
  },
  { name: 'penstock_replica_places', help: 'Calls that may be at once.', read: ({ places }) => places },
]

/** Adds gauges of owned engines and of the calls that wait for them, read when they are scraped. */
export function fleetGauges(registry: Registry, report: Fleet['report']): void {
  for (const { name, help, read } of REPLICA_GAUGES) {
    new Gauge({
      name,
      help,
      labelNames: ['upstream', 'replica'],
      registers: [registry],
      collect() {
        this.reset()
        for (const { name: upstream, replicas } of report().upstreams) {
          for (const replica of replicas) {
            const value = read(replica)
            if (value !== null) this.set({ upstream, replica: replica.replica }, value)
          }
        }
      },
    })
  }
  new Gauge({
    name: 'penstock_queue_calls',
    help: 'Calls that wait for a place on an engine.',
    labelNames: ['tier'],
    registers: [registry],
    collect() {
      this.reset()
      for (const { name: tier, waiting } of report().tiers) this.set({ tier }, waiting)
    },
  })
}
