import type { HealthBoard } from '../../policy/health/board.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LimitHold, Limits } from '../../ports/limits.ts'
import type { Places } from '../../ports/places.ts'
import type { FromPlane, ToPlane } from '../../threads/messages.ts'
import { PlacesAsked } from '../../threads/placesAsked.ts'
import { type PlaceMessage, PlacesServed } from '../../threads/placesServed.ts'
import type { VirtualTime } from '../outages/time.fixture.ts'

/** A thread of the data plane, as its calls see it. */
export interface Thread {
  readonly number: number
  readonly health: HealthBoard
  readonly clock: Clock
  readonly places: Places
  isDead: boolean
  die(): void
  /** Limits whose holds of this thread end with it. */
  limits(limits: Pick<Limits, 'admit'>): Pick<Limits, 'admit'>
}

interface ThreadTerms {
  readonly health: HealthBoard
  /** How long a message takes; null where there is nobody to send it to. */
  readonly lineMs: number | null
  readonly time: VirtualTime
  readonly number: number
}

export function threadOf(places: Places, { health, lineMs, time, number }: ThreadTerms): Thread {
  const holds = new Set<LimitHold>()
  const waits = new Set<() => void>()
  let served: PlacesServed | null = null
  const thread: Thread = {
    number,
    health,
    isDead: false,
    places,
    clock: {
      now: () => time.now(),
      monotonic: () => time.monotonic(),
      after: (ms, callback) => time.after(ms, () => (thread.isDead ? undefined : callback())),
    },
    die: () => {
      thread.isDead = true
      served?.die()
      for (const leave of waits) leave()
      for (const hold of [...holds]) hold.void()
    },
    limits: limits => keepingHolds(limits, { thread, holds, waits }),
  }
  if (lineMs === null) return thread
  const asked = new PlacesAsked(message => {
    if (thread.isDead) return
    time.after(lineMs, () => (thread.isDead ? undefined : served!.hear(message as FromPlane & PlaceMessage)))
  })
  served = new PlacesServed(places, (message: ToPlane) => {
    if (message.is !== 'placed') throw new Error(`sent ${message.is}`)
    time.after(lineMs, () => (thread.isDead ? undefined : asked.answered(message.n, message.answer)))
  })
  return Object.assign(thread, { places: asked })
}

function keepingHolds(
  limits: Pick<Limits, 'admit'>,
  of: { readonly thread: Thread; readonly holds: Set<LimitHold>; readonly waits: Set<() => void> },
): Pick<Limits, 'admit'> {
  const { thread, holds, waits } = of
  return {
    admit: (call, need, answer) => {
      let leave: (() => void) | null = null
      leave = limits.admit(call, need, said => {
        if (leave !== null) waits.delete(leave)
        if (said.kind !== 'admit') return thread.isDead ? undefined : answer(said)
        const { hold } = said
        const kept: LimitHold = {
          get held() {
            return hold.held
          },
          extend: (more, granted) => hold.extend(more, granted),
          post: actual => {
            holds.delete(kept)
            hold.post(actual)
          },
          void: () => {
            holds.delete(kept)
            hold.void()
          },
        }
        holds.add(kept)
        if (thread.isDead) return kept.void()
        answer({ ...said, hold: kept })
      })
      if (leave !== null) waits.add(leave)
      return leave
    },
  }
}
