import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Background, startInBackground } from './commands.ts'
import { findModel, MODEL_NAME } from './model.ts'
import { CACHE } from './places.ts'
import { findServer } from './server.ts'

/** A real engine with a real model, answering on loopback. */
export interface RealEngine {
  /** Without a path: `http://127.0.0.1:PORT`. */
  readonly url: string
  readonly modelName: string
  /** Calls that it serves at once. */
  readonly slots: number
  /** Tokens of prompt and answer together that one call may have. */
  readonly contextTokens: number
  stop(): Promise<void>
}

export interface EngineOptions {
  /** Threads for the model; 1 when not said. With more than there are free cores the engine crawls. */
  readonly threads?: number
  /** Cores that it is held to, as `taskset` takes them; any when not said. */
  readonly cores?: string
  /** Whether it answers embeddings too; it does when not said. */
  readonly embeds?: boolean
  /** Megabytes of memory for prompts that no slot holds any more; the server's own default when not said. */
  readonly promptCacheMb?: number
  readonly tell?: (line: string) => void
}

const SLOTS = 4
const CONTEXT_TOKENS = 8192
const READY_WITHIN_MS = 60_000
const ASK_EVERY_MS = 100

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (typeof address !== 'object' || address === null) throw new Error('a listening server has no port')
  return address.port
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/health`, { signal: AbortSignal.timeout(1000) })).ok
  } catch {
    return false
  }
}

async function becameReady(url: string, server: Background): Promise<boolean> {
  for (let waitedMs = 0; waitedMs < READY_WITHIN_MS; waitedMs += ASK_EVERY_MS) {
    if (server.child.exitCode !== null || server.child.signalCode !== null) return false
    if (await isReady(url)) return true
    await sleep(ASK_EVERY_MS)
  }
  return false
}

function argumentsFor({ threads = 1, embeds = true, promptCacheMb }: EngineOptions): readonly string[] {
  return [
    ...['--alias', MODEL_NAME, '--host', '127.0.0.1', '--metrics', '--slots'],
    ...['-np', String(SLOTS), '-c', String(CONTEXT_TOKENS), '-t', String(threads)],
    // Embeddings beside answers: the mean over a text's tokens.
    ...(embeds ? ['--embeddings', '--pooling', 'mean'] : []),
    ...(promptCacheMb === undefined ? [] : ['--cache-ram', String(promptCacheMb)]),
  ]
}

/**
 * Starts llama.cpp's server with SmolLM2 on a free port of loopback, bringing whichever of the two is not at hand.
 *
 * @returns the engine, once it answers, or the reason why there is none
 */
export async function startRealEngine(options: EngineOptions = {}): Promise<RealEngine | { unavailable: string }> {
  const { tell = () => {} } = options
  await mkdir(CACHE, { recursive: true })
  const server = await findServer(tell)
  if ('unavailable' in server) return server
  const model = await findModel(tell)
  if ('unavailable' in model) return model
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const arguments_ = ['-m', model.path, '--port', String(port), ...argumentsFor(options)]
  const [command, ...rest] = options.cores === undefined ? [server.path] : ['taskset', '-c', options.cores, server.path]
  const running = startInBackground(command!, [...rest, ...arguments_])
  if (!(await becameReady(url, running))) {
    await running.stop()
    return { unavailable: `${server.path} did not start: ${running.output().trim().slice(-500)}` }
  }
  tell(`${server.path} serves ${MODEL_NAME} on ${url}`)
  return { url, modelName: MODEL_NAME, slots: SLOTS, contextTokens: CONTEXT_TOKENS / SLOTS, stop: running.stop }
}
