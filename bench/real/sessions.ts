import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { readTrace } from '../../src/traces/read.ts'
import type { TraceRequest } from '../../src/traces/trace.ts'
import { ROOT, Unavailable } from '../workshop.ts'

/** Recorded sessions of coding agents; they lie beside the checkout and are no part of it. */
const TRACE = join(ROOT, '..', 'shared', 'data', 'traces', 'agentic-cc', 'cc_traces_ranges.jsonl.gz')

/**
 * By how much recorded sessions are made smaller. A small model on one core of a CPU reads some hundred times fewer tokens
 * a second than a large one on accelerators, and writes some ten times fewer: so an answer takes about as long to read for
 * and to write as it did, and people and tools think for a shorter time to fit a measure into minutes.
 */
export const SCALE = { inputTokens: 256, outputTokens: 32, think: 16 } as const
const MOST_OUTPUT_TOKENS = 24
const MOST_THINK_MS = 4_000

/**
 * A conversation is taken when it begins small, as most do, and its first turns fit into the context of a slot with room
 * for the template: long first prompts would be most of what a measure of a minute sees, and nobody has them in a cache.
 */
const TURNS = 12
const LEAST_TURNS = 6
const MOST_FIRST_WORDS = 100
const MOST_WORDS = 700

/** Each is one token of the model's, with the space before it. */
const WORDS =
  'the pipe water wheel turns dark day gate river stone wall lamp light valley crew house road town field bridge hill tree rain wind snow fire iron wood glass paper book door window table chair room floor roof street market ship horse bird fish salt bread milk fruit gold silver coal sand clay rope wire key lock clock map line point side end'.split(
    ' ',
  )

/** Fibonacci hashing: high bits of a product with 2^32 over the golden ratio. */
const HASH = 0x9e3779b1
const HASH_SHIFT = 16

/** One call of a session. */
export interface Turn {
  readonly messages: readonly Message[]
  /** Of its prompt, about a token each. */
  readonly words: readonly number[]
  readonly outputTokens: number
  /** Since the end of the answer before it. */
  readonly thinkMs: number
}

export interface Message {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface Session {
  readonly id: string
  readonly turns: readonly Turn[]
}

/** The first conversations of the recording that fit, in its order. */
export function readScaledSessions(count: number): readonly Session[] {
  if (!existsSync(TRACE)) throw new Unavailable('the recorded sessions are not beside the checkout')
  const { requests, blockTokens } = readTrace(gunzipSync(readFileSync(TRACE)))
  const conversations = Map.groupBy(requests, request => request.session ?? '')
  const sessions: Session[] = []
  for (const [id, all] of conversations) {
    if (sessions.length === count) break
    const session = scaledSession(id, all.slice(0, TURNS), blockTokens!)
    if (session !== null) sessions.push(session)
  }
  return sessions
}

/** @returns null where it has too few turns that fit */
export function scaledSession(id: string, requests: readonly TraceRequest[], blockTokens: number): Session | null {
  const turns: Turn[] = []
  let draft: readonly Part[] = []
  for (const { blocks, outputTokens, follows } of requests) {
    const words = wordsOf(blocks ?? [], SCALE.inputTokens / blockTokens)
    if (words.length === 0 || words.length > (turns.length === 0 ? MOST_FIRST_WORDS : MOST_WORDS)) break
    draft = grown(draft, words, turns.at(-1)?.outputTokens ?? 0)
    turns.push({
      messages: draft.map(({ role, words }) => ({ role, content: textOf(words) })),
      words,
      outputTokens: Math.min(MOST_OUTPUT_TOKENS, Math.max(1, Math.round(outputTokens / SCALE.outputTokens))),
      thinkMs: Math.min(MOST_THINK_MS, (follows?.thinkMs ?? 0) / SCALE.think),
    })
  }
  return turns.length < LEAST_TURNS ? null : { id, turns }
}

/** One word for so many whole blocks, known by the last of them: prompts that share blocks share as many words. */
function wordsOf(ranges: readonly number[], blocksPerWord: number): readonly number[] {
  const words: number[] = []
  let at = 0
  for (let i = 0; i < ranges.length; i += 2) {
    for (let id = ranges[i]!; id <= ranges[i + 1]!; id++) if (++at % blocksPerWord === 0) words.push(id)
  }
  return words
}

interface Part {
  readonly role: Message['role']
  readonly words: readonly number[]
}

/** The messages as far as the prompt has them still, then what is new: the answer before, and what was said to it. */
function grown(draft: readonly Part[], words: readonly number[], answered: number): readonly Part[] {
  const kept: Part[] = []
  let at = 0
  for (const { role, words: had } of draft) {
    const same = had.findIndex((word, i) => words[at + i] !== word)
    const length = same < 0 ? had.length : same
    if (length > 0) kept.push({ role, words: had.slice(0, length) })
    at += length
    if (length < had.length) break
  }
  const fresh = words.slice(at)
  if (kept.length === 0) return [{ role: 'user', words: fresh }]
  const answer = Math.min(answered, fresh.length >> 1)
  const parts: readonly Part[] = [
    { role: 'assistant', words: fresh.slice(0, answer) },
    { role: 'user', words: fresh.slice(answer) },
  ]
  return [...kept, ...parts.filter(part => part.words.length > 0)]
}

/** Neighbours get words that differ, and so do sessions. */
function textOf(words: readonly number[]): string {
  return words.map(word => WORDS[(Math.imul(word, HASH) >>> HASH_SHIFT) % WORDS.length]).join(' ')
}
