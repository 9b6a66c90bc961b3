import type { Continuation, ContinuationReader, GoOn, ShownAnswer } from '../../ports/wire.ts'
import type { Deployment, EngineKind } from '../../vocabulary/deployment.ts'
import { bodyOf } from '../stream/streams.fixture.ts'
import { wireOf } from '../wire.ts'

export type Joined = 'chat/completions' | 'messages'
export type Told = Record<string, unknown>

export const ASKED = { stream_options: { include_usage: true } }
export const MESSAGES = [{ role: 'user', content: 'Tell me.' }]

export function deploymentOf(engine: EngineKind | null = null): Deployment {
  return { name: 'next/m2', upstream: 'next', model: 'm2', dialects: ['openai'], engine, replicas: 1, grams: null }
}

/** An answer of which these frames were shown. */
export function shownAnswer(endpoint: Joined, frames: string, over: object = {}): ShownAnswer {
  const body = bodyOf(endpoint, { messages: MESSAGES, ...over })
  const shown = wireOf(endpoint).follow(body)
  if (shown === null) throw new Error('nobody follows such an answer')
  body.release()
  shown.take(Buffer.from(frames))
  return shown
}

export interface Going {
  readonly how?: GoOn
  readonly engine?: EngineKind | null
  readonly shownTokens?: number
}

export function goOn(answer: ShownAnswer, { how = 'prefill', engine = null, shownTokens = 5 }: Going = {}) {
  return answer.goOn(how, deploymentOf(engine), shownTokens)
}

export function bodyIn({ body }: Continuation): Told & { messages: readonly Told[] } {
  return JSON.parse(Buffer.concat(body).toString())
}

export interface Reading {
  readonly text: string
  readonly whole: boolean
  readonly reader: ContinuationReader
}

/** What is shown of a second stream that comes in these chunks. */
export function readOn(continuation: Continuation, chunks: Iterable<Uint8Array>): Reading {
  const reader = continuation.openStream()
  const shown: Uint8Array[] = []
  for (const bytes of chunks) shown.push(reader.push(bytes) ?? Buffer.alloc(0))
  const { whole, beforeComment, lastEvent } = reader.finish()
  shown.push(beforeComment ?? Buffer.alloc(0), lastEvent ?? Buffer.alloc(0))
  return { text: Buffer.concat(shown).toString(), whole, reader }
}

/** What a client sees in a stream. */
export interface Seen {
  text: string
  roles: number
  readonly finishes: unknown[]
  ends: number
  readonly names: Set<string>
  readonly starts: number[]
  readonly stops: number[]
  readonly usages: Told[]
}

export function seenIn(stream: string): Seen {
  const seen: Seen = { text: '', roles: 0, finishes: [], ends: 0, names: new Set(), starts: [], stops: [], usages: [] }
  for (const line of stream.split('\n')) {
    if (line === 'data: [DONE]') seen.ends++
    else if (line.startsWith('data:')) see(seen, JSON.parse(line.slice('data:'.length)))
  }
  return seen
}

function see(seen: Seen, event: Told): void {
  const choices = (event.choices ?? []) as { delta: Told; finish_reason?: unknown }[]
  if (event.choices !== undefined) {
    seen.names.add(JSON.stringify([event.id, event.created, event.model, event.system_fingerprint]))
  }
  for (const { delta, finish_reason } of choices) {
    if (delta.role !== undefined) seen.roles++
    if (typeof delta.content === 'string') seen.text += delta.content
    if (finish_reason !== null && finish_reason !== undefined) seen.finishes.push(finish_reason)
  }
  if (event.usage !== undefined && event.usage !== null) seen.usages.push(event.usage as Told)
  if (event.type === 'message_start') seen.roles++
  if (event.type === 'content_block_start') seen.starts.push(event.index as number)
  if (event.type === 'content_block_stop') seen.stops.push(event.index as number)
  const delta = (event.delta ?? {}) as Told
  if (event.type === 'content_block_delta' && typeof delta.text === 'string') seen.text += delta.text
  if (event.type === 'message_delta') seen.finishes.push(delta.stop_reason)
  if (event.type === 'message_stop') seen.ends++
}
