import type { EpochMs } from '../units/time.ts'

/** Bought, or given. Nothing is drawn differently for it; it is shown. */
export const GRANT_KINDS = ['prepaid', 'promotional'] as const
export type GrantKind = (typeof GRANT_KINDS)[number]

/** Priorities run from 0, drawn first, to this. Source: credit grants of Stripe and OpenMeter. */
export const MAX_PRIORITY = 100
export const DEFAULT_PRIORITY = 50

/** Credits of a limit whose amount is made of them: counted from `createdAt` on, gone with what is unused at `expiresAt`. */
export interface Grant {
  /** One of its limit, for all time: what was drawn of it is kept under this name. */
  readonly id: string
  /** Nano-dollars for dollars, else tokens or requests. */
  readonly amount: number
  /** 0 is drawn first; of equals the one that expires first, then the older. */
  readonly priority: number
  /** Null for never. */
  readonly expiresAt: EpochMs | null
  readonly createdAt: EpochMs
  readonly kind: GrantKind
}

/** What became of a grant: `used + remaining + expired` is its amount, exactly, once it has begun. */
export interface GrantView {
  readonly id: string
  readonly kind: GrantKind
  readonly priority: number
  readonly createdAt: EpochMs
  readonly expiresAt: EpochMs | null
  readonly amount: number
  readonly used: number
  /** What calls may still draw, or hold already. */
  readonly remaining: number
  readonly expired: number
}
