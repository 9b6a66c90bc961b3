import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { LOAD_CORE } from './process.ts'
import type { Running } from './subject.ts'
import { CACHE, compiled, program, ROOT } from './workshop.ts'

export type Dialect = 'openai' | 'anthropic'

/** One call's path and body, the same for every subject. */
export interface Body {
  readonly path: string
  readonly json: string
}

/** How a stream's frames come: `null` as fast as they are taken. */
export type Pace = { readonly frames: number; readonly intervalMs: number } | null

/** The model that every subject is configured with, by dialect. */
export const MODEL = { openai: 'bench', anthropic: 'bench-messages' } as const satisfies Record<Dialect, string>

const PATH = { openai: '/v1/chat/completions', anthropic: '/v1/messages' } as const satisfies Record<Dialect, string>
const SYSTEM = 'You answer questions about the plant in two short sentences, for readers who have never seen one.'
const QUESTION =
  'What does a penstock do, where does it stand between reservoir and turbine, and what is measured in it?'
/** Some 16 kB, of which no two sentences are alike. */
const MANUAL = Array.from(
  { length: 180 },
  (_, i) => `${SYSTEM.slice(0, 60)} Gate ${i} opens after gate ${i * 7}.`,
).join(' ')

export function plainBody(dialect: Dialect): Body {
  return { path: PATH[dialect], json: JSON.stringify(bodyOf(dialect)) }
}

/** As an agent asks: what comes before the question is some 16 kB, the same in every call. */
export function longBody(dialect: Dialect): Body {
  return { path: PATH[dialect], json: JSON.stringify(bodyOf(dialect, '', MANUAL)) }
}

/** The mock upstream finds the pace in the question, which every gateway passes on whatever else it drops. */
export function streamBody(dialect: Dialect, pace: Pace): Body {
  const asked = pace ? ` pace:${pace.frames}/${Math.round(pace.intervalMs * 1000)}` : ''
  return { path: PATH[dialect], json: JSON.stringify({ ...bodyOf(dialect, asked), stream: true }) }
}

function bodyOf(dialect: Dialect, asked = '', system = SYSTEM): object {
  const question = { role: 'user', content: QUESTION + asked }
  return dialect === 'openai'
    ? {
        model: MODEL.openai,
        messages: [{ role: 'system', content: system }, question],
        max_tokens: 256,
        temperature: 0.2,
      }
    : { model: MODEL.anthropic, system, messages: [question], max_tokens: 256, temperature: 0.2 }
}

/** What wrk saw. */
export interface PlainLoad {
  readonly requests: number
  readonly durationUs: number
  readonly errors: number
  readonly p50Us: number
  readonly p99Us: number
  readonly maxUs: number
  readonly meanUs: number
  /** What the gateway says in `server-timing`; null unless asked for and said. */
  readonly gateway: Quantiles | null
  readonly commit: Quantiles | null
}

interface Quantiles {
  readonly p50Ms: number
  readonly p99Ms: number
}

/** Plain calls by wrk from the load core, each connection asking again as soon as it has its answer. */
export async function loadPlain(
  target: Running,
  load: { dialect: Dialect; connections: number; seconds: number; timings?: boolean; isLong?: boolean },
): Promise<PlainLoad> {
  const { dialect, connections, seconds, timings, isLong } = load
  const body = isLong ? longBody(dialect) : plainBody(dialect)
  const headers = Object.entries(headersOf(target)).flatMap(([name, value]) => ['-H', `${name}: ${value}`])
  const url = `http://127.0.0.1:${target.port}${body.path}`
  const script = join(ROOT, 'bench', 'load', 'plain.lua')
  const args = ['-t1', `-c${connections}`, `-d${seconds}s`, '--timeout', '10s', '-s', script, ...headers, url]
  const output = await onLoadCore([program('wrk', 'wrk'), ...args], {
    BENCH_BODY: body.json,
    ...(timings ? { BENCH_TIMINGS: 'yes' } : {}),
  })
  return parsed<PlainLoad>(output)
}

/** What the generator of streams saw. */
export interface StreamLoad {
  readonly seconds: number
  readonly frames: number
  readonly bytes: number
  readonly whole: number
  readonly broken: number
  readonly refused: number
  readonly lost: number
  readonly opened: number
  readonly firstFrameMs: { readonly p50: number; readonly p99: number }
}

/** Streams from the load core, each connection asking for the next one as soon as one has ended. */
export async function loadStreams(
  target: Running,
  { dialect, connections, seconds, pace }: { dialect: Dialect; connections: number; seconds: number; pace: Pace },
): Promise<StreamLoad> {
  const file = requestFile(target, streamBody(dialect, pace))
  return parsed<StreamLoad>(await onLoadCore(streamsArgv('loop', target, connections, seconds, file), {}))
}

/** Streams that are open and stay open until they are released. */
export interface Held {
  readonly opened: StreamLoad
  readonly release: () => Promise<StreamLoad>
}

export async function holdStreams(
  target: Running,
  { dialect, connections, seconds, pace }: { dialect: Dialect; connections: number; seconds: number; pace: Pace },
): Promise<Held> {
  const file = requestFile(target, streamBody(dialect, pace))
  const argv = streamsArgv('hold', target, connections, seconds, file)
  const child = spawn('taskset', ['-c', String(LOAD_CORE), ...argv], { stdio: ['pipe', 'pipe', 'inherit'] })
  let output = ''
  child.stdout.setEncoding('utf8')
  const ended = new Promise<void>(resolve => child.once('close', () => resolve()))
  const opened = new Promise<StreamLoad>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', () => reject(new Error('the generator of streams ended early')))
    child.stdout.on('data', (part: string) => {
      output += part
      if (output.includes('\n')) resolve(parsed<StreamLoad>(output.slice(0, output.indexOf('\n'))))
    })
  })
  const release = async (): Promise<StreamLoad> => {
    child.stdin.end()
    await ended
    return parsed<StreamLoad>(output)
  }
  return { opened: await opened, release }
}

function streamsArgv(
  mode: 'loop' | 'hold',
  target: Running,
  connections: number,
  seconds: number,
  file: string,
): string[] {
  return [compiled('streams'), mode, String(target.port), String(connections), String(seconds), file]
}

function headersOf(target: Running): Record<string, string> {
  return { ...target.headers, 'content-type': 'application/json' }
}

function requestFile(target: Running, body: Body): string {
  const headers = { host: `127.0.0.1:${target.port}`, ...headersOf(target), 'content-length': String(body.json.length) }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const file = join(CACHE, 'run', `request-${target.name}.http`)
  writeFileSync(file, `POST ${body.path} HTTP/1.1\r\n${lines.join('')}\r\n${body.json}`)
  return file
}

function onLoadCore(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<string> {
  const child = spawn('taskset', ['-c', String(LOAD_CORE), ...argv], {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  child.stdout.setEncoding('utf8')
  child.stdout.on('data', (part: string) => {
    output += part
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', code => (code === 0 ? resolve(output) : reject(new Error(`${argv[0]} ended with ${code}`))))
  })
}

/** The last line of a generator's output, which is JSON. */
function parsed<T>(output: string): T {
  return JSON.parse(output.trim().split('\n').at(-1) ?? '') as T
}
