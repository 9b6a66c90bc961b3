import type { Clock } from '../../ports/clock.ts'
import type { EngineClient } from '../../ports/engine.ts'
import { FaultyAttempt } from './attempt.ts'
import { chooseFault } from './choose.ts'
import type { FaultPlan } from './plan.ts'
import { play } from './play.ts'

const CLOSED = 'the upstream was closed'

/**
 * An upstream that fails as it is planned, for rehearsals of outages and for tests: what no fault strikes goes to
 * `inner` as it is. The same plan, seed and order of attempts give the same faults.
 *
 * @param world.random numbers from 0 to below 1, as of `randomFrom(plan.seed)`
 */
export function faultyEngine(
  inner: EngineClient,
  plan: FaultPlan,
  { clock, random }: { readonly clock: Clock; readonly random: () => number },
): EngineClient {
  const open = new Set<FaultyAttempt>()
  let closed = false
  const ended = (attempt: FaultyAttempt) => void open.delete(attempt)
  return {
    attempt(request, sink) {
      const fault = closed ? null : chooseFault(plan, request, { now: clock.now(), random })
      if (fault === null) return inner.attempt(request, sink)
      const attempt = new FaultyAttempt({ client: inner, request, fault, clock, sink, ended })
      open.add(attempt)
      play(attempt)
      return attempt
    },
    async close() {
      closed = true
      for (const attempt of [...open]) attempt.cut(CLOSED)
      await inner.close()
    },
  }
}
