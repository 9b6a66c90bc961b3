import type { DurationMs, EpochMs } from '../../units/time.ts'

/** A call as the queue sees it. */
export interface QueueEntry {
  /** One of the terms. */
  readonly tier: string
  readonly tenant: string
  /** Before which it has to start; null for none. */
  readonly deadlineAt: EpochMs | null
  readonly arrivedAt: EpochMs
  /** When its wait is over: its deadline, or the longest wait from its arrival, whichever is first. */
  readonly endsAt: EpochMs
  /** Of its body. */
  readonly bytes: number
  /** What it is expected to take of a replica, from 0. */
  readonly work: DurationMs
  /** Upstreams that may serve it, no two the same; at least one. */
  readonly pools: readonly string[]
}

/** Whom a call's work is charged to, and how much. */
export type Charged = Pick<QueueEntry, 'tier' | 'tenant' | 'work'>
