import type { Clock } from '../ports/clock.ts'
import type { EpochMs } from '../units/time.ts'
import { type CallId, encodeCallId, ID_EPOCH_MS, ID_INSTANCES, ID_SEQUENCES } from '../vocabulary/id.ts'

/**
 * Makes ids that never repeat and never go backwards, whatever the clock does.
 *
 * @param instance number of this data plane, below 1024, distinct among those that share a ledger
 * @param latestAt the latest time in the ledger: a clock that was set back since must not make its ids again
 */
export function createIds(clock: Clock, instance: number, latestAt: EpochMs): () => CallId {
  if (instance < 0 || instance >= ID_INSTANCES)
    throw new RangeError(`instance ${instance} is not below ${ID_INSTANCES}`)
  const low = instance * ID_SEQUENCES
  let at = Math.max(0, latestAt - ID_EPOCH_MS)
  // A start within the millisecond of the last record begins with the next one.
  let sequence = ID_SEQUENCES
  return () => {
    const now = clock.now() - ID_EPOCH_MS
    if (now > at) {
      at = now
      sequence = 0
    } else if (sequence >= ID_SEQUENCES) {
      at += 1
      sequence = 0
    }
    return encodeCallId(at, low + sequence++)
  }
}
