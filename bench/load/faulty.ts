import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { type Command, LOAD_CORE, type Pinned, startPinned } from '../process.ts'
import { compiled, discard, scratch } from '../workshop.ts'
import { type Asked, json, type Listening, serveOn } from './server.ts'
import { answerOf, answerWell, lastFrames, roleFrame, WORDS, wordFrame } from './speech.ts'

export type Mode = 'plain' | 'stream'

/** Where nobody listens, and where nobody accepts: loopback has more addresses than one, and upstreams share a port. */
export const HEALTHY_HOST = '127.0.0.1'
export const REFUSING_HOST = '127.0.0.2'
export const DEAF_HOST = '127.0.0.3'

/** One way in which an upstream fails. */
export interface Fault {
  readonly name: string
  readonly title: string
  readonly modes: readonly Mode[]
  /** Whether it comes after the first words were shown. */
  readonly midway?: boolean
  readonly host?: string
  readonly answer?: (asked: Asked) => Promise<void> | void
}

const BOTH = ['plain', 'stream'] as const
const STREAM = ['stream'] as const
const BAD = 'bad-1'
const ERROR = { error: { message: 'The engine had a bad day.', type: 'server_error', param: null, code: null } }
const HALF = WORDS.slice(0, 9)
const WORD_MS = 10
/** Longer than any caller's patience. */
const COMMENTS = 200
const COMMENT_MS = 100
/** A slow first word that still keeps to every time limit, so that only a rival makes it quicker. */
const SLOW_MS = 1_000
/** What a question has in it that the slow upstream answers at once. */
export const WARM_UP = 'warm-up'
const SPEED = { firstMs: 0, wordMs: 2 }

export const FAULTS: readonly Fault[] = [
  { name: 'refused', title: 'connection refused', modes: BOTH, host: REFUSING_HOST },
  { name: 'neverAccepted', title: 'connection never accepted', modes: BOTH, host: DEAF_HOST },
  { name: 'reset', title: 'reset after the request', modes: BOTH, answer: ({ response }) => reset(response) },
  { name: 'status500', title: '500', modes: BOTH, answer: ({ response }) => json(response, 500, ERROR) },
  { name: 'status503', title: '503', modes: BOTH, answer: ({ response }) => json(response, 503, ERROR) },
  { name: 'status429', title: '429', modes: BOTH, answer: ({ response }) => json(response, 429, ERROR) },
  {
    name: 'retryAfter',
    title: '429, retry-after 30 s',
    modes: BOTH,
    answer: ({ response }) => json(response, 429, ERROR, { 'retry-after': '30' }),
  },
  {
    name: 'html',
    title: 'HTML in a 200',
    modes: BOTH,
    answer: ({ response }) => {
      response.writeHead(200, { 'content-type': 'text/html' })
      response.end('<!doctype html><title>Please sign in</title>')
    },
  },
  {
    name: 'truncatedJson',
    title: 'truncated JSON in a 200',
    modes: BOTH,
    answer: ({ response }) => json(response, 200, JSON.stringify(answerOf(BAD)).slice(0, 90)),
  },
  { name: 'errorIn200', title: 'an error in a 200', modes: BOTH, answer: ({ response }) => json(response, 200, ERROR) },
  { name: 'empty', title: 'an empty 200', modes: BOTH, answer: ({ response }) => json(response, 200, '') },
  { name: 'noEvents', title: 'a stream without events', modes: STREAM, answer: asked => void open(asked).end() },
  {
    name: 'cutEarly',
    title: 'cut before the first word',
    modes: STREAM,
    answer: async asked => {
      open(asked).write(roleFrame(BAD))
      await pause(WORD_MS)
      asked.response.socket?.destroy()
    },
  },
  { name: 'silence', title: 'silence', modes: STREAM, answer: () => undefined },
  {
    name: 'headersOnly',
    title: 'headers, then silence',
    modes: STREAM,
    answer: asked => open(asked).flushHeaders(),
  },
  { name: 'comments', title: 'comments for ever', modes: STREAM, answer: comment },
  {
    name: 'roleOnly',
    title: 'a role, then silence',
    modes: STREAM,
    answer: asked => void open(asked).write(roleFrame(BAD)),
  },
  broken('cutMidway', 'cut midway', ({ response }) => void response.socket?.destroy()),
  broken('noTerminal', 'ends midway without its terminal event', ({ response }) => void response.end()),
  broken(
    'halfFrame',
    'ends midway with half a frame',
    ({ response }) => void response.end('data: {"id":"bad-1","choi'),
  ),
  broken(
    'errorMidway',
    'an error event midway',
    ({ response }) => void response.end(`data: ${JSON.stringify(ERROR)}\n\n`),
  ),
  broken('stallMidway', 'a stall midway', () => undefined),
  broken('garbageMidway', 'a garbled frame midway, then the rest', ({ response }) => {
    response.write('data: {"id":"bad-1","choices":[{"delta":{"content": \n\n')
    for (const word of WORDS.slice(HALF.length)) response.write(wordFrame(BAD, word))
    response.end(lastFrames(BAD))
  }),
  {
    name: 'slow',
    title: 'a first word after 1 s',
    modes: BOTH,
    answer: async asked => {
      const isQuick = JSON.stringify(asked.body.messages).includes(WARM_UP)
      await answerWell(asked, BAD, isQuick ? SPEED : { ...SPEED, firstMs: SLOW_MS })
    },
  },
]

function reset(response: Asked['response']): void {
  response.socket?.resetAndDestroy()
}

function open({ response }: Asked): Asked['response'] {
  return response.writeHead(200, { 'content-type': 'text/event-stream' })
}

async function comment(asked: Asked): Promise<void> {
  open(asked)
  for (let i = 0; i < COMMENTS && !asked.response.destroyed; i++) {
    asked.response.write(': still here\n\n')
    await pause(COMMENT_MS)
  }
  asked.response.end()
}

/** A stream that begins well and breaks after some words. */
function broken(name: string, title: string, breaking: (asked: Asked) => void): Fault {
  const answer = async (asked: Asked): Promise<void> => {
    open(asked).write(roleFrame(BAD))
    for (const word of HALF) {
      asked.response.write(wordFrame(BAD, word))
      await pause(WORD_MS)
    }
    breaking(asked)
  }
  return { name, title, modes: STREAM, midway: true, answer }
}

/** One fault in one mode. Each has deployments of its own, so that what one does to their health says nothing of others. */
export interface Case {
  readonly name: string
  readonly fault: Fault
  readonly mode: Mode
}

export const CASES: readonly Case[] = FAULTS.flatMap(fault =>
  fault.modes.map(mode => ({ name: `${fault.name}-${mode}`, fault, mode })),
)

/** What every gateway is told of time, in milliseconds: the same where it has a word for it. */
export const LIMITS = { connectMs: 1_000, firstTokenMs: 1_500, idleMs: 1_000, totalMs: 8_000 } as const

/** The base URL of an upstream that has a fault. */
export function faultyBase({ name, host = HEALTHY_HOST }: Fault, port: number): string {
  return `http://${host}:${port}/${name}/v1`
}

export function healthyBase(port: number): string {
  return `http://${HEALTHY_HOST}:${port}/v1`
}

/** Every fault at a path of one port, and a healthy upstream that goes on where others broke off at the bare path. */
export async function serveFaults(port: number): Promise<Listening> {
  const answers = new Map(FAULTS.map(({ name, answer }) => [name, answer]))
  const served = await serveOn(HEALTHY_HOST, port, async asked => {
    const answer = answers.get(asked.path.split('/')[1]!)
    await (answer ? answer(asked) : answerWell(asked, 'good-1', SPEED))
  })
  const deaf = startDeaf(port)
  const close = async (): Promise<void> => {
    await deaf.close()
    await served.close()
  }
  return { close }
}

/** A port that nobody accepts on. */
export function startDeaf(port: number): Listening {
  return startProgram('deaf', { argv: [compiled('deaf'), DEAF_HOST, String(port)] })
}

export interface Started extends Listening {
  readonly process: Pinned
}

/** A program of the bench on the load generator's core. */
export function startProgram(name: string, command: Command): Started {
  const directory = scratch(name)
  const process = startPinned(command, LOAD_CORE, join(directory, 'output.log'))
  const close = async (): Promise<void> => {
    await process.stop()
    discard(directory)
  }
  return { process, close }
}
