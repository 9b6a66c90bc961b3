import { encode } from '@msgpack/msgpack'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { CacheAccount } from './account.ts'
import { readBatch } from './events.ts'

const HASHES = [new Uint8Array(32).fill(7), 18_446_744_073_709_551_615n]
const TOKENS = Array.from({ length: 32 }, (_, at) => at)
const encoded = (value: unknown) => encode(value, { useBigInt64: true })

/** The same events as both encodings have them. */
const AS_LISTS = [
  ['BlockStored', HASHES, null, TOKENS, 16, null, 'GPU', null, [null, null], 0],
  ['BlockRemoved', [HASHES[0]], 'GPU'],
  ['AllBlocksCleared'],
]
const AS_MAPS = [
  {
    type: 'BlockStored',
    block_hashes: HASHES,
    parent_block_hash: null,
    token_ids: TOKENS,
    block_size: 16,
    medium: 'GPU',
  },
  { type: 'BlockRemoved', block_hashes: [HASHES[0]], medium: null },
  { type: 'AllBlocksCleared' },
]
const READ = [{ kind: 'stored', blocks: 2, blockTokens: 16 }, { kind: 'removed', blocks: 1 }, { kind: 'cleared' }]

describe('a batch of events', () => {
  it.each<[string, unknown]>([
    ['lists in a list', [1.5, AS_LISTS, 0]],
    ['lists in a list without a rank', [1.5, AS_LISTS]],
    ['maps in a list', [1.5, AS_MAPS, 0]],
    ['maps in a map', { ts: 1.5, events: AS_MAPS, data_parallel_rank: 0 }],
    [
      'lists of an older version',
      [1.5, [['BlockStored', HASHES, null, TOKENS, 16, null], ['BlockRemoved', [1]], ['AllBlocksCleared']]],
    ],
  ])('is read from %s', (_, batch) => expect(readBatch(encoded(batch))).toEqual({ events: READ, ignored: 0 }))

  it('counts what is known of no kind or form, and reads the others', () => {
    const strange = [['BlockMoved', []], ['BlockStored', 3], ['BlockStored', [1], null, [], 0], { type: 7 }, 7, null]
    expect(readBatch(encoded([1, [...strange, ['AllBlocksCleared']]]))).toEqual({
      events: [{ kind: 'cleared' }],
      ignored: 6,
    })
  })

  it('leaves out what is in other memory, and all groups of layers but the first', () => {
    const events = [
      ['BlockStored', HASHES, null, TOKENS, 16, null, 'CPU'],
      { type: 'BlockStored', block_hashes: HASHES, block_size: 16, medium: 'GPU', group_idx: 1 },
      ['BlockRemoved', HASHES, 'CPU_PINNED'],
      ['BlockRemoved', HASHES, 'GPU', 2],
    ]
    expect(readBatch(encoded([1, events]))).toEqual({ events: [], ignored: 0 })
  })

  it.each<[string, Uint8Array]>([
    ['nothing', new Uint8Array()],
    ['a number', encoded(1)],
    ['a list without events', encoded([1])],
    ['a map without events', encoded({ ts: 1 })],
    ['a batch that is cut off', encoded([1.5, AS_LISTS]).slice(0, 60)],
    ['a list that says it is longer than anything', Uint8Array.of(0xdd, 0xff, 0xff, 0xff, 0xff)],
  ])('is none in %s', (_, message) => expect(readBatch(message)).toBeNull())

  it('never throws, whatever it is', () =>
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), message => {
        const batch = readBatch(message)
        expect(batch === null || batch.events.length >= 0).toBe(true)
      }),
    ))
})

const stored = (blocks: number, size = 16) => ['BlockStored', Array(blocks).fill(1), null, [], size, null, 'GPU']
const removed = (blocks: number) => ['BlockRemoved', Array(blocks).fill(1), 'GPU']
const message = (...events: unknown[]) => encoded([1, events, 0])
const CLEARED = { kind: 'cleared', blocks: 0, tokens: 0 }
const UNKNOWN = { kind: 'unknown', blocks: 0, tokens: 0 }

describe('an account of a cache', () => {
  it('says what changed in order, neighbours of one kind as one', () => {
    const account = new CacheAccount()
    expect(account.read(0n, message(stored(2), stored(3), removed(1), stored(1)))).toEqual([
      CLEARED,
      { kind: 'stored', blocks: 5, tokens: 80 },
      { kind: 'removed', blocks: 1, tokens: 16 },
      { kind: 'stored', blocks: 1, tokens: 16 },
    ])
    expect(account.read(1n, message(removed(2), ['AllBlocksCleared']))).toEqual([
      { kind: 'removed', blocks: 2, tokens: 32 },
      CLEARED,
    ])
  })

  it.each<[string, readonly bigint[], readonly unknown[]]>([
    ['nothing is missed where numbers follow each other', [4n, 5n], []],
    ['a gap leaves unknown what there is', [4n, 6n], [UNKNOWN]],
    ['a first message that is not the first leaves unknown what there is', [7n], [UNKNOWN]],
    ['a first message says that there is nothing', [0n], [CLEARED]],
    ['a count that begins anew says that there is nothing', [9n, 0n], [CLEARED]],
    ['one that began anew unseen leaves unknown what came since', [9n, 3n], [CLEARED, UNKNOWN]],
    ['a number that comes twice is of one that began anew', [9n, 9n], [CLEARED, UNKNOWN]],
    ['numbers may be as large as they can', [18_446_744_073_709_551_614n, 18_446_744_073_709_551_615n], []],
  ])('%s', (_, numbers, expected) => {
    const account = new CacheAccount()
    expect(numbers.map(number => account.read(number, message())).at(-1)).toEqual(expected)
  })

  it('does not know what a message that is none would have said', () => {
    const account = new CacheAccount()
    account.read(0n, message())
    expect(account.read(1n, new Uint8Array([0xc1]))).toEqual([UNKNOWN])
    expect(account.read(2n, message(stored(1)))).toEqual([{ kind: 'stored', blocks: 1, tokens: 16 }])
  })

  it('adds up what it ignored', () => {
    const account = new CacheAccount()
    account.read(0n, message(['BlockMoved'], 3))
    account.read(1n, message(['BlockMoved']))
    expect(account.ignored).toBe(3)
  })
})
