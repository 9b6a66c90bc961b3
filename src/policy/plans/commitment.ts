import type { LimitView, Quantity } from '../../vocabulary/limit.ts'

/** What became of a volume that was bought: `used + unused` is the purchase, exactly. */
export interface Commitment {
  readonly purchase: Quantity
  readonly used: Quantity
  readonly unused: Quantity
  /** What calls used beyond their holds when nothing was left: it is on top of the purchase. */
  readonly beyond: Quantity
}

/** @param view of the limit that stands for the volume, at any time of its period; what calls still hold is unused */
export function commitmentOf({ amount, used }: LimitView): Commitment {
  const within = Math.min(used, amount)
  return { purchase: amount, used: within, unused: amount - within, beyond: used - within }
}
