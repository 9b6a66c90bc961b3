import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Problem, problem, serverProblem } from './problem.ts'

const MAX_BODY_BYTES = 1_000_000

type Fetch = (request: Request) => Response | Promise<Response>

interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}

/** An answer in the one form of errors. */
export function problemAnswer(status: number, told: Problem, headers: Readonly<Record<string, string>> = {}): Answer {
  const body = Buffer.from(JSON.stringify(told))
  return { status, headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers }, body }
}

/** Takes a request of `node:http` to a handler of web requests and its answer back. Bodies are whole and bounded. */
export async function bridge(incoming: IncomingMessage, outgoing: ServerResponse, fetch: Fetch): Promise<void> {
  let answer: Answer | null
  try {
    answer = await answerOf(incoming, fetch)
  } catch (error) {
    answer = problemAnswer(500, serverProblem(`the request could not be served: ${(error as Error).message}`))
  }
  if (answer !== null) send(outgoing, answer)
}

export function send(outgoing: ServerResponse, { status, headers, body }: Answer): void {
  if (outgoing.destroyed || outgoing.headersSent) return
  const length = status === 204 ? {} : { 'content-length': body.byteLength }
  outgoing.writeHead(status, { ...headers, ...length })
  outgoing.end(body)
}

/** @returns null when the caller left before its request was whole */
async function answerOf(incoming: IncomingMessage, fetch: Fetch): Promise<Answer | null> {
  const method = incoming.method ?? 'GET'
  // What a GET or DELETE carries means nothing; `node:http` drops it.
  const body = /^(POST|PUT|PATCH)$/.test(method) ? await bodyOf(incoming) : undefined
  if (body === 'left') return null
  // The rest of the body is not read, so nothing more can come over this connection.
  if (body === 'tooLarge') return problemAnswer(413, tooLarge(), { connection: 'close' })
  const url = `http://localhost${incoming.url}`
  if (!URL.canParse(url)) return problemAnswer(404, problem('not_found', 'the path cannot be read'))
  const response = await fetch(new Request(url, { method, headers: headersOf(incoming), body }))
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    body: new Uint8Array(await response.arrayBuffer()),
  }
}

function tooLarge(): Problem {
  return problem('request_too_large', `the body is too large: expected at most ${MAX_BODY_BYTES} bytes`)
}

function headersOf({ rawHeaders }: IncomingMessage): Headers {
  const headers = new Headers()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) headers.append(rawHeaders[i]!, rawHeaders[i + 1]!)
  return headers
}

function bodyOf(incoming: IncomingMessage): Promise<Uint8Array<ArrayBuffer> | 'tooLarge' | 'left'> {
  return new Promise(resolve => {
    const pieces: Buffer[] = []
    let size = 0
    incoming.on('data', (piece: Buffer) => {
      size += piece.length
      if (size <= MAX_BODY_BYTES) pieces.push(piece)
      else {
        incoming.removeAllListeners('data').pause()
        resolve('tooLarge')
      }
    })
    incoming.on('end', () => resolve(Buffer.concat(pieces)))
    incoming.on('error', () => resolve('left'))
    incoming.on('close', () => resolve('left'))
  })
}
