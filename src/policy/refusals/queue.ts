import type { DurationMs } from '../../units/time.ts'
import type { Refusal } from '../../vocabulary/refusal.ts'

/** A call that got no place on an engine, as far as its refusal speaks of it. */
export interface Unplaced {
  readonly cause: 'queueFull' | 'queueTimeout'
  /** When asking again may help. */
  readonly retryAfterMs: DurationMs
  readonly model: string
  readonly tier: string
  /** Whether its caller set a deadline. */
  readonly hasDeadline: boolean
}

/** What a call is told that the queue for owned engines could not take, or could not serve in time. */
export function queueRefusal({ cause, retryAfterMs, model, tier, hasDeadline }: Unplaced): Refusal {
  const seconds = Math.max(1, Math.ceil(retryAfterMs / 1_000))
  const why =
    cause === 'queueFull'
      ? `every place for the model '${model}' is taken and the queue for one is full`
      : `no place for the model '${model}' comes free for the tier '${tier}' ${
          hasDeadline ? "before the call's deadline" : 'within the longest wait'
        }`
  return { cause, message: `${why}: ask again in ${seconds} s`, retryAfterMs }
}
