import { decode } from '@msgpack/msgpack'

/** What an engine tells of its prefix cache, as vLLM (vllm/distributed/kv_events.py) and SGLang do. */
export type KvEvent =
  | {
      readonly kind: 'stored'
      readonly blocks: number
      /** Tokens of each block. */
      readonly blockTokens: number
    }
  | { readonly kind: 'removed'; readonly blocks: number }
  | { readonly kind: 'cleared' }

export interface KvEventBatch {
  readonly events: readonly KvEvent[]
  /** Events of a kind or a form that is not known. */
  readonly ignored: number
}

/** No batch has more of anything; one with more is none. */
const MAX_ITEMS = 4_000_000
const LIMITS = {
  maxStrLength: MAX_ITEMS,
  maxBinLength: MAX_ITEMS,
  maxArrayLength: MAX_ITEMS,
  maxMapLength: 10_000,
  maxExtLength: MAX_ITEMS,
}

/** Where fields stand in events that are lists; maps name them. */
const PLACES = {
  BlockStored: { block_hashes: 1, block_size: 4, medium: 6, group_idx: 9 },
  BlockRemoved: { block_hashes: 1, medium: 2, group_idx: 3 },
  AllBlocksCleared: {},
} as const

type Field = 'block_hashes' | 'block_size' | 'medium' | 'group_idx'
type Fields = (name: Field) => unknown

/**
 * Reads one message of msgpack: `[ts, events, rank]` or a map of these. Each event is a list whose first item is its kind, or
 * a map with its kind as `type`; engines write the one or the other by their version.
 *
 * Only what is in the accelerator's memory counts. Models with several kinds of layers tell the same tokens once for each:
 * the first group speaks for all.
 *
 * @returns null where the message is no batch
 */
export function readBatch(message: Uint8Array): KvEventBatch | null {
  const events = eventsIn(message)
  if (events === null) return null
  const known: KvEvent[] = []
  let ignored = 0
  for (const event of events) {
    const read = readEvent(event)
    if (read === 'unknown') ignored++
    else if (read !== 'elsewhere') known.push(read)
  }
  return { events: known, ignored }
}

function eventsIn(message: Uint8Array): readonly unknown[] | null {
  try {
    const batch = decode(message, LIMITS)
    const events = Array.isArray(batch) ? batch[1] : isMap(batch) ? batch.events : null
    return Array.isArray(events) ? events : null
  } catch {
    return null
  }
}

const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

function readEvent(event: unknown): KvEvent | 'elsewhere' | 'unknown' {
  const tag: unknown = Array.isArray(event) ? event[0] : isMap(event) ? event.type : null
  if (tag !== 'BlockStored' && tag !== 'BlockRemoved' && tag !== 'AllBlocksCleared') return 'unknown'
  if (tag === 'AllBlocksCleared') return { kind: 'cleared' }
  const places: Partial<Record<Field, number>> = PLACES[tag]
  const field: Fields = name => {
    if (isMap(event)) return event[name]
    const place = places[name]
    return place === undefined ? undefined : (event as unknown[])[place]
  }
  const hashes = field('block_hashes')
  if (!Array.isArray(hashes)) return 'unknown'
  if (!isHere(field)) return 'elsewhere'
  if (tag === 'BlockRemoved') return { kind: 'removed', blocks: hashes.length }
  const blockTokens = field('block_size')
  if (!Number.isSafeInteger(blockTokens) || (blockTokens as number) < 1) return 'unknown'
  return { kind: 'stored', blocks: hashes.length, blockTokens: blockTokens as number }
}

function isHere(field: Fields): boolean {
  const [medium, group] = [field('medium') ?? 'GPU', field('group_idx') ?? 0]
  return medium === 'GPU' && group === 0
}
