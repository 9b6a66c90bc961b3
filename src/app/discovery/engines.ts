import type { EngineKind } from '../../vocabulary/deployment.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'
import { isModelName } from '../configuration/names.ts'
import { type AskLoopback, LOOPBACK, type LoopbackAnswer, openLoopback } from './loopback.ts'

/** Where engines listen unless they are told otherwise: vLLM, SGLang, llama.cpp, Ollama. */
export const USUAL_PORTS: readonly number[] = [8000, 30_000, 8080, 11_434]
/** A start waits no longer than this for engines to answer. */
export const DISCOVERY_TIMEOUT_MS = 250
export const MAX_MODELS_OF_AN_ENGINE = 200

/** Runtimes that are told apart; `openai` is anything else that lists its models as OpenAI does. */
export type FoundKind = Exclude<EngineKind, 'simulated'> | 'ollama' | 'openai'

/** An engine that answered on this machine. */
export interface FoundEngine {
  readonly port: number
  readonly kind: FoundKind
  readonly baseUrl: string
  readonly dialects: readonly DialectName[]
  /** Names as the engine has them, each once. */
  readonly models: readonly string[]
}

/** What was found, and a sentence for each port that is worth one. */
export interface Discovery {
  readonly engines: readonly FoundEngine[]
  readonly notes: readonly string[]
}

interface ModelList {
  readonly models: readonly string[]
  readonly owners: ReadonlySet<string>
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Reads OpenAI's list of models; null when the answer is none. */
function readModels(json: unknown): ModelList | null {
  if (!isRecord(json) || !Array.isArray(json.data)) return null
  const models = new Set<string>()
  const owners = new Set<string>()
  for (const item of json.data.slice(0, MAX_MODELS_OF_AN_ENGINE)) {
    if (!isRecord(item) || typeof item.id !== 'string' || !isModelName(item.id)) continue
    models.add(item.id)
    if (typeof item.owned_by === 'string') owners.add(item.owned_by)
  }
  return models.size > 0 ? { models: [...models], owners } : null
}

/** As the engines sign their models. */
const KINDS_BY_OWNER: Readonly<Record<string, FoundKind>> = {
  vllm: 'vllm',
  sglang: 'sglang',
  llamacpp: 'llamacpp',
  tensorrt_llm: 'trtllm',
}

function recordOf(answer: LoopbackAnswer | null): Record<string, unknown> {
  return answer?.status === 200 && isRecord(answer.json) ? answer.json : {}
}

/** Where no owner gives the engine away, what only it answers does. llama.cpp answers some of Ollama's questions too. */
async function kindByAnswers(ask: AskLoopback, port: number): Promise<FoundKind> {
  const [props, info, tags] = await Promise.all(['/props', '/get_model_info', '/api/tags'].map(path => ask(port, path)))
  if (isRecord(recordOf(props ?? null).default_generation_settings)) return 'llamacpp'
  if (typeof recordOf(info ?? null).model_path === 'string') return 'sglang'
  if (Array.isArray(recordOf(tags ?? null).models)) return 'ollama'
  return 'openai'
}

/** Ollama speaks Anthropic's dialect from this version on. */
const OLLAMA_WITH_MESSAGES = [0, 14] as const

async function speaksAnthropic(ask: AskLoopback, at: { port: number; kind: FoundKind }): Promise<boolean> {
  if (at.kind === 'llamacpp') return true
  if (at.kind === 'ollama') {
    const { version } = recordOf(await ask(at.port, '/api/version'))
    const found = typeof version === 'string' ? /^(\d+)\.(\d+)/.exec(version) : null
    if (!found) return false
    const [major, minor] = [Number(found[1]), Number(found[2])]
    return major > OLLAMA_WITH_MESSAGES[0] || (major === OLLAMA_WITH_MESSAGES[0] && minor >= OLLAMA_WITH_MESSAGES[1])
  }
  // A path that takes only POST answers a GET with 405, one that does not exist with 404.
  return (await ask(at.port, '/v1/messages'))?.status === 405
}

function isPenstock({ headers }: LoopbackAnswer): boolean {
  return Object.keys(headers).some(name => name.startsWith('x-penstock-'))
}

const REASONS: Readonly<Record<number, string>> = {
  401: 'asks for a key: name it as an upstream in a configuration',
  403: 'refuses to list its models: name it as an upstream in a configuration',
  503: 'is not ready yet: start again when it is',
}

async function askPort(ask: AskLoopback, port: number): Promise<FoundEngine | string | null> {
  const answer = await ask(port, '/v1/models')
  if (answer === null || isPenstock(answer)) return null
  if (answer.status !== 200) {
    const reason = REASONS[answer.status]
    return reason ? `what answers on port ${port} ${reason}` : null
  }
  const list = readModels(answer.json)
  if (list === null) return null
  const owner = [...list.owners].find(name => Object.hasOwn(KINDS_BY_OWNER, name))
  const kind = owner === undefined ? await kindByAnswers(ask, port) : KINDS_BY_OWNER[owner]!
  const dialects: DialectName[] = (await speaksAnthropic(ask, { port, kind })) ? ['openai', 'anthropic'] : ['openai']
  return { port, kind, dialects, baseUrl: `http://${LOOPBACK}:${port}/v1`, models: list.models }
}

/**
 * Looks for engines on this machine's loopback, all ports at once. Never asks any other machine. An engine whose kind
 * could not be told in time is taken for a plain server of OpenAI's dialect.
 *
 * @param options.ports where to look; the engines' usual ports when not given
 * @param options.timeoutMs how long all of it may take
 */
export async function findEngines(
  options: { readonly ports?: readonly number[]; readonly timeoutMs?: number } = {},
): Promise<Discovery> {
  const { ports = USUAL_PORTS, timeoutMs = DISCOVERY_TIMEOUT_MS } = options
  const ask = openLoopback(AbortSignal.timeout(timeoutMs))
  const found = await Promise.all(ports.map(port => askPort(ask, port)))
  return {
    engines: found.filter(engine => engine !== null && typeof engine !== 'string'),
    notes: found.filter(note => typeof note === 'string'),
  }
}
