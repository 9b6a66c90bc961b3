import { expect, test } from 'vitest'
import type { PlacementPolicy } from '../../src/policy/placement/policies.ts'
import { PagedMemory, SlotMemory } from './memory.ts'
import { rehearse, type Script } from './rehearsal.ts'
import type { Session } from './sessions.ts'

const SPEEDS = { prefillTokenMs: 10, decodeStepMs: 20, decodeSequenceMs: 5 }

/** Sessions of one long message that each turn adds a few words to. */
function sessionsOf(count: number, turns = 8): Session[] {
  return Array.from({ length: count }, (_, session) => ({
    id: `s${session}`,
    turns: Array.from({ length: turns }, (_, turn) => {
      const words = Array.from({ length: 200 + 10 * turn }, (_, i) => session * 10_000 + i)
      return {
        messages: [{ role: 'user' as const, content: words.map(word => `w${word}`).join(' ') }],
        words,
        outputTokens: 5,
        // All different, or whole sessions would fall to one server by turns too.
        thinkMs: 100 + ((session * 379 + turn * 911) % 900),
      }
    }),
  }))
}

function scriptOf(over: Partial<Script> = {}): Script {
  const servers = { servers: 2, slots: 4, contextTokens: 2_048, speeds: SPEEDS }
  return { ...servers, policy: 'penstock', memory: 'slots', concurrency: 8, durationMs: 60_000, ...over }
}

const shareOf = (policy: PlacementPolicy, over: Partial<Script> = {}) => {
  const { calls } = rehearse(sessionsOf(40), scriptOf({ policy, ...over }))
  const sum = (of: (call: (typeof calls)[number]) => number) => calls.reduce((all, call) => all + of(call), 0)
  return sum(call => call.cachedTokens) / sum(call => call.promptTokens)
}

test('a slot remembers the last prompt that it read, all but the token that has to be read again', () => {
  const memory = new SlotMemory(2)
  const prompt = Array.from({ length: 50 }, (_, i) => i)
  const first = memory.take(prompt)!
  expect(first.cachedTokens).toBe(0)
  const meanwhile = memory.take(prompt)!
  expect(meanwhile.cachedTokens).toBe(0)
  expect(memory.take(prompt)).toBeNull()
  first.release()
  expect(memory.take(prompt)!.cachedTokens).toBe(49)
})

test('blocks are found by whoever begins with them, even while they are held', () => {
  const memory = new PagedMemory({ slots: 4, tokens: 1_000 })
  const prompt = Array.from({ length: 50 }, (_, i) => i)
  expect(memory.take(prompt)!.cachedTokens).toBe(0)
  expect(memory.take([...prompt, 99])!.cachedTokens).toBe(48)
  expect(memory.take([99, ...prompt])!.cachedTokens).toBe(0)
})

test('a call alone takes what its tokens take, by the speeds that were measured', () => {
  const { calls } = rehearse(sessionsOf(1, 1), scriptOf({ concurrency: 1 }))
  const [call] = calls
  expect(calls).toHaveLength(1)
  expect(call!.firstMs).toBe(call!.promptTokens * SPEEDS.prefillTokenMs)
  expect(call!.ms).toBe(call!.firstMs + 4 * (SPEEDS.decodeStepMs + SPEEDS.decodeSequenceMs))
})

test('the same script is played the same way', () => {
  expect(rehearse(sessionsOf(20), scriptOf())).toEqual(rehearse(sessionsOf(20), scriptOf()))
})

test('placement finds more of its prompts in caches than turns do, however servers remember', () => {
  for (const memory of ['slots', 'paged'] as const) {
    expect(shareOf('penstock', { memory })).toBeGreaterThan(shareOf('roundRobin', { memory }) + 0.1)
  }
})
