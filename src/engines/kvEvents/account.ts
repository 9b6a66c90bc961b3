import type { CacheChange } from '../../ports/fleet.ts'
import { type KvEvent, readBatch } from './events.ts'

const CLEARED: CacheChange = { kind: 'cleared', blocks: 0, tokens: 0 }
const UNKNOWN: CacheChange = { kind: 'unknown', blocks: 0, tokens: 0 }

/** Follows what one publisher tells, message by message, and says what of it was missed. */
export class CacheAccount {
  #last: bigint | null = null
  #blockTokens = 0
  #ignored = 0

  /** Events so far of which nothing is known. */
  get ignored(): number {
    return this.#ignored
  }

  /**
   * @param number of the message, counted by the publisher from 0 when it starts
   * @returns the changes in order, neighbours of one kind as one
   */
  read(number: bigint, message: Uint8Array): readonly CacheChange[] {
    const changes = [...this.#sinceLast(number)]
    this.#last = number
    const batch = readBatch(message)
    if (batch === null) return [...changes, UNKNOWN]
    this.#ignored += batch.ignored
    for (const event of batch.events) {
      const change = this.#changeBy(event)
      const before = changes.at(-1)
      if (before !== undefined && before.kind === change.kind) {
        changes[changes.length - 1] = {
          kind: change.kind,
          blocks: before.blocks + change.blocks,
          tokens: before.tokens + change.tokens,
        }
      } else changes.push(change)
    }
    return changes
  }

  /** A number that was to come says nothing was missed; 0 that the engine has started, with nothing in its cache. */
  #sinceLast(number: bigint): readonly CacheChange[] {
    if (number === 0n) return [CLEARED]
    if (this.#last === null || number > this.#last + 1n) return [UNKNOWN]
    // It has started anew, and its first messages were missed.
    return number <= this.#last ? [CLEARED, UNKNOWN] : []
  }

  #changeBy(event: KvEvent): CacheChange {
    if (event.kind === 'cleared') return CLEARED
    // Blocks that go say no size; all blocks of an engine have the same.
    if (event.kind === 'stored') this.#blockTokens = event.blockTokens
    return { kind: event.kind, blocks: event.blocks, tokens: event.blocks * this.#blockTokens }
  }
}
