import type { Usage } from '../../vocabulary/usage.ts'
import type { MadeEnd, StreamEvents } from '../stream/events.ts'
import type { Report } from '../usage/counts.ts'
import type { JoinedCounts } from './joined-counts.ts'
import type { TextJoin } from './text-join.ts'

/** Understands what the caller was told of one answer. */
export interface ToldAnswer {
  readonly text: string
  /** True once something was told that can't be gone on with. */
  readonly spoilt: boolean
  /** True once the answer said why it ended. */
  readonly finished: boolean
  /** Whether the text is what was told last, so that more of it may follow. */
  readonly inText: boolean
  read(event: Report): void
  /** What of the text an upstream is told: the rest, at its end, it would refuse. */
  tellable(): string
  /** Reads the events of the upstream that goes on; its own reader meters them. */
  openEvents(): StreamEvents
  spliceOnto(join: TextJoin, counts: JoinedCounts): Splice
}

/** Makes the events of a second answer those of the first one, told further. */
export interface Splice {
  /** True once the second answer can't be joined: nothing of it was shown, and nothing will be. */
  readonly disagrees: boolean
  /** @returns frames to show in place of this event */
  take(event: Report): string
  /** The second answer came to its end. @returns frames of what was held back */
  end(): string
  /** What ends the stream when the upstream ended it properly without a terminal event; null where it needs none. */
  readonly ending: string | null
  /** Events that end the joined answer behind those shown so far, as if it had reached its maximum length. */
  endAtLimit(usage: Usage): MadeEnd
}
