import { createEngineWatcher } from '../../engines/watcher/watcher.ts'
import { FleetDesk } from '../../lifecycle/fleet/desk.ts'
import type { HealthBoard } from '../../policy/health/board.ts'
import type { Clock } from '../../ports/clock.ts'
import type { Random } from '../../ports/random.ts'
import type { Configuration } from '../configuration/configuration.ts'

export interface FleetParts {
  readonly configuration: Pick<Configuration, 'models' | 'upstreams' | 'pools' | 'scheduling'>
  readonly health: HealthBoard
  readonly clock: Clock
  readonly random: Random
  /** Takes a sentence for people. */
  note(sentence: string): void
}

/** Opens the scheduler of owned engines, which hears from then on what these say. There is one, whatever the number of threads. */
export function openFleet({ configuration, health, clock, random, note }: FleetParts): {
  readonly desk: FleetDesk
  close(): Promise<void>
} {
  const { models, upstreams, pools, scheduling } = configuration
  const desk = new FleetDesk({ pools, models, terms: scheduling, health, clock, random, policy: 'penstock' })
  const watched = pools.map(({ upstream: name, engine, slots }) => {
    const { baseUrls, apiKey, headers, kvEvents } = upstreams.find(upstream => upstream.name === name)!
    return { name, engine, baseUrls, apiKey, headers, slots, kvEventsPort: kvEvents?.port ?? null }
  })
  const watcher = createEngineWatcher({ upstreams: watched, clock, note })
  const ends = pools.map(({ upstream }) => watcher.watch(upstream, desk.listener(upstream)))
  return {
    desk,
    async close() {
      for (const end of ends) end()
    },
  }
}
