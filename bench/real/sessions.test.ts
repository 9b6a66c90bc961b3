import { expect, test } from 'vitest'
import type { TraceRequest } from '../../src/traces/trace.ts'
import { promptOf } from './rehearsal.ts'
import { SCALE, scaledSession } from './sessions.ts'

const BLOCK_TOKENS = 64

/** A turn whose prompt is made of these ranges of blocks. */
function turn(blocks: readonly number[], thinkMs = 1_600): TraceRequest {
  return {
    atMs: 0,
    model: 'm',
    inputTokens: 0,
    outputTokens: 20 * SCALE.outputTokens,
    blocks,
    tenant: 't',
    session: 's',
    follows: { request: 0, thinkMs },
  }
}

const growing = Array.from({ length: 8 }, (_, i) => turn([0, 399 + 40 * i]))

test('a prompt begins with the one before it, message by message, as its recorded blocks do', () => {
  const { turns } = scaledSession('s', growing, BLOCK_TOKENS)!
  expect(turns).toHaveLength(8)
  for (const [i, { messages, words }] of turns.entries()) {
    expect(words).toHaveLength(100 + 10 * i)
    if (i > 0) expect(messages.slice(0, turns[i - 1]!.messages.length)).toEqual(turns[i - 1]!.messages)
  }
  expect(turns[3]).toMatchObject({ outputTokens: 20, thinkMs: 100 })
})

test('a prompt that goes back keeps what it has in common with the one before, and nothing else', () => {
  const back = [...growing.slice(0, 6), turn([0, 199, 9_000, 9_199])]
  const { turns } = scaledSession('s', back, BLOCK_TOKENS)!
  const [before, after] = [promptOf(turns[5]!), promptOf(turns[6]!)]
  const common = after.findIndex((token, i) => token !== before[i])
  expect(turns[6]!.words.slice(0, 50)).toEqual(turns[5]!.words.slice(0, 50))
  // Behind it come two messages, of 20 and 30 words, with what the template puts around each.
  expect(common).toBe(after.length - (5 + 20) - (5 + 30))
})

test('the words of a prompt stand for its blocks: as many are the same as blocks are, in messages too', () => {
  const { turns } = scaledSession('s', growing, BLOCK_TOKENS)!
  const text = turns.map(({ messages }) => messages.map(({ content }) => content).join(' '))
  for (let i = 1; i < text.length; i++) expect(text[i]!.startsWith(text[i - 1]!)).toBe(true)
  expect(new Set(text[0]!.split(' ')).size).toBeGreaterThan(20)
})

test('a conversation is cut where it no longer fits, and left out where too little of it does', () => {
  const large = turn([0, 399 + 4 * 700])
  expect(scaledSession('s', [...growing, large, ...growing], BLOCK_TOKENS)!.turns).toHaveLength(8)
  expect(scaledSession('s', [growing[0]!, large, ...growing], BLOCK_TOKENS)).toBeNull()
})
