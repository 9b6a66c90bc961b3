import { setTimeout as pause } from 'node:timers/promises'
import { ask, type Seen } from '../load/caller.ts'
import type { Session, Turn } from './sessions.ts'

/** Longer than any call takes that is not lost. */
const PATIENCE_MS = 90_000
/** Between the first calls of the sessions that begin together. */
const STAGGER_MS = 1_000

/** How a call went. */
export interface Call {
  readonly firstMs: number
  readonly ms: number
  readonly promptTokens: number
  readonly cachedTokens: number
  readonly outputTokens: number
  /** What the engine says that it took; null where the answer did not say. */
  readonly engine: { readonly promptMs: number; readonly outputMs: number } | null
}

export interface Played {
  readonly calls: readonly Call[]
  readonly failures: readonly string[]
  /** From the first call to the last answer. */
  readonly elapsedMs: number
}

export interface Stage {
  readonly port: number
  readonly headers: Readonly<Record<string, string>>
  /** Models that calls ask for in turn. */
  readonly models: readonly string[]
  /** Sessions at once; one that has ended makes room for the next of the list. */
  readonly concurrency: number
  /** No turn is begun later; those under way are waited for. */
  readonly durationMs: number
}

/** Plays sessions in a closed loop: each turn is sent when the one before was answered and thought about. */
export async function playSessions(sessions: readonly Session[], stage: Stage): Promise<Played> {
  const calls: Call[] = []
  const failures: string[] = []
  const waiting = [...sessions]
  const begun = performance.now()
  const isOver = () => performance.now() - begun >= stage.durationMs
  let asked = 0
  const one = async ({ id, turns }: Session): Promise<void> => {
    for (const turn of turns) {
      await pause(turn.thinkMs)
      if (isOver()) return
      const model = stage.models[asked++ % stage.models.length]!
      const headers = { ...stage.headers, 'x-penstock-run': id.replaceAll('/', '-') }
      const seen = await ask(stage.port, { headers, body: bodyOf(turn, model), patienceMs: PATIENCE_MS })
      const call = callOf(seen)
      if (call === null) failures.push(`${seen.status} ${seen.text.slice(0, 120)}`)
      else calls.push(call)
    }
  }
  const user = async (number: number): Promise<void> => {
    await pause(number * STAGGER_MS)
    for (let session = waiting.shift(); session && !isOver(); session = waiting.shift()) await one(session)
  }
  await Promise.all(Array.from({ length: stage.concurrency }, (_, number) => user(number)))
  return { calls, failures, elapsedMs: performance.now() - begun }
}

export function bodyOf({ messages, outputTokens }: Pick<Turn, 'messages' | 'outputTokens'>, model: string): object {
  // The model would end some answers at once: they are as long as they were recorded.
  const length = { max_tokens: outputTokens, ignore_eos: true }
  return { model, messages, ...length, temperature: 0, stream: true, stream_options: { include_usage: true } }
}

/** @returns null where it is not a whole answer with its usage */
export function callOf({ status, text, cut, hung, firstContentMs, ms }: Seen): Call | null {
  const number = (name: string) => Number(new RegExp(`"${name}": ?([0-9.]+)`).exec(text)?.[1] ?? Number.NaN)
  const promptTokens = number('prompt_tokens')
  if (status !== 200 || cut || hung || Number.isNaN(promptTokens)) return null
  const [promptMs, outputMs] = [number('prompt_ms'), number('predicted_ms')]
  return {
    firstMs: firstContentMs ?? ms,
    ms,
    promptTokens,
    cachedTokens: number('cached_tokens') || 0,
    outputTokens: number('completion_tokens') || 0,
    engine: Number.isNaN(promptMs) || Number.isNaN(outputMs) ? null : { promptMs, outputMs },
  }
}
