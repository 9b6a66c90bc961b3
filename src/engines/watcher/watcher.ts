import { lookup } from 'node:dns/promises'
import type { Clock } from '../../ports/clock.ts'
import type { EngineListener, EngineWatcher } from '../../ports/fleet.ts'
import { type Resolve, UpstreamWatch, type WatchedUpstream, type WatchTerms } from './watch.ts'

export interface WatcherOptions {
  readonly upstreams: readonly WatchedUpstream[]
  readonly clock: Clock
  /** How names are looked up; as the system does it where absent. */
  readonly resolve?: Resolve
  /** Told sentences for people; nobody where absent. */
  readonly note?: (sentence: string) => void
}

const bySystem: Resolve = async name => (await lookup(name, { all: true })).map(({ address }) => address)

/** Simulated replicas are here, and there is nothing to ask them. */
function tellOfSimulated({ slots }: WatchedUpstream, listener: EngineListener): void {
  for (let replica = 0; replica < slots; replica++) listener.appeared(replica, 'simulated', null)
}

/**
 * A watcher of the engines of some upstreams: it reads the metrics of each replica twice a second, one question at a time,
 * and looks names with several addresses up every five seconds.
 *
 * @throws Error in `watch` where there is no such upstream
 */
export function createEngineWatcher(options: WatcherOptions): EngineWatcher {
  const { upstreams, clock, resolve = bySystem, note = () => {} } = options
  const terms: WatchTerms = { clock, resolve, note }
  return {
    watch(name, listener) {
      const upstream = upstreams.find(one => one.name === name)
      if (upstream === undefined) throw new Error(`no upstream is called ${name}`)
      const { engine } = upstream
      if (engine === 'simulated') {
        tellOfSimulated(upstream, listener)
        return () => {}
      }
      const watch = new UpstreamWatch({ ...upstream, engine }, listener, terms)
      watch.start()
      return () => watch.end()
    },
  }
}
