import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BLOCK_BYTES } from './blocks.ts'
import { bodyParser } from './parse.ts'

const parse = bodyParser('chat/completions')

function blocksOf(body: Record<string, unknown>): readonly number[] {
  const parsed = parse(Buffer.from(JSON.stringify({ model: 'm', ...body })))
  if ('fault' in parsed) throw new Error(parsed.fault)
  return [...parsed.blocks().hashes]
}

function inCommon(one: readonly number[], other: readonly number[]): number {
  let count = 0
  while (count < one.length && one[count] === other[count]) count++
  return count
}

const user = (content: string) => ({ role: 'user', content })
const assistant = (content: string) => ({ role: 'assistant', content })
const long = (seed: string, bytes: number) => seed.repeat(Math.ceil(bytes / seed.length)).slice(0, bytes)

describe('the blocks of a prompt', () => {
  it('are the same for the beginning that a conversation keeps', () => {
    const first = [user(long('water and gates ', 3_000))]
    const second = [...first, assistant('the answer'), user(long('more ', 2_000))]
    const [before, after] = [blocksOf({ messages: first }), blocksOf({ messages: second })]
    expect(before.length).toBe(Math.floor(JSON.stringify(first).length / BLOCK_BYTES))
    // Only the end of the list, which the next message replaces, may be lost.
    expect(inCommon(before, after)).toBeGreaterThanOrEqual(before.length - 1)
    expect(after.length).toBeGreaterThan(before.length)
  })

  it('differ from the first byte that differs on, whatever follows', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_000 }), place => {
        const text = long('river and stone ', 5_000)
        const other = `${text.slice(0, place)}#${text.slice(place + 1)}`
        const common = inCommon(blocksOf({ messages: [user(text)] }), blocksOf({ messages: [user(other)] }))
        const at = JSON.stringify([user(text.slice(0, place))]).length - 3
        expect(common).toBe(Math.floor(at / BLOCK_BYTES))
      }),
    )
  })

  it('do not depend on where the body has its tools, nor on settings and who asks', () => {
    const tools = [{ type: 'function', function: { name: long('f', 300), parameters: {} } }]
    const messages = [user(long('paper ', 2_000))]
    const told = blocksOf({ tools, messages, user: 'ana', temperature: 0 })
    expect(blocksOf({ user: 'bob', messages, max_tokens: 5, tools, metadata: { a: 'b' } })).toEqual(told)
    expect(inCommon(blocksOf({ messages }), told)).toBe(0)
  })

  it('are none once the body was let go', () => {
    const parsed = parse(Buffer.from(JSON.stringify({ model: 'm', messages: [user(long('a', 3_000))] })))
    if ('fault' in parsed) throw new Error(parsed.fault)
    parsed.release()
    expect(parsed.blocks().hashes.length).toBe(0)
  })

  it('are whole numbers from 1 to below 2^53, and no two of a long prompt are the same', () => {
    const hashes = blocksOf({ messages: [user(long('0', 300_000))] })
    expect(new Set(hashes).size).toBe(hashes.length)
    for (const hash of hashes) expect(Number.isSafeInteger(hash) && hash >= 1).toBe(true)
  })
})
