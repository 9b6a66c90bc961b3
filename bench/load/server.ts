import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'

/** A call as a scripted upstream sees it. */
export interface Asked {
  readonly path: string
  readonly body: Conversation
  readonly response: ServerResponse
}

export interface Conversation {
  readonly stream?: boolean
  readonly messages: readonly Message[]
}

export interface Message {
  readonly role: string
  readonly content: string | readonly { readonly text?: string }[]
}

export interface Listening {
  readonly close: () => Promise<void>
}

/** Serves on one address of loopback; what is not a POST is asked about health, and gets an empty list. */
export async function serveOn(
  host: string,
  port: number,
  answer: (asked: Asked) => Promise<void> | void,
): Promise<Listening> {
  const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => void take(request, response, answer))
  server.on('clientError', (_error, socket) => void socket.destroy())
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, backlog: 4096 }, resolve)
  })
  const close = async (): Promise<void> => {
    server.closeAllConnections()
    await new Promise(resolve => server.close(resolve))
  }
  return { close }
}

async function take(
  request: IncomingMessage,
  response: ServerResponse,
  answer: (asked: Asked) => Promise<void> | void,
): Promise<void> {
  // A gateway that gives a call up resets its connection; that is no fault of the bench.
  request.on('error', () => undefined)
  response.on('error', () => undefined)
  let text = ''
  try {
    for await (const part of request.setEncoding('utf8')) text += part
  } catch {
    return
  }
  if (request.method !== 'POST') return void json(response, 200, { object: 'list', data: [] })
  await answer({ path: request.url ?? '/', body: JSON.parse(text) as Conversation, response })
}

export function json(
  response: ServerResponse,
  status: number,
  body: object | string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = typeof body === 'string' ? body : JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    ...headers,
  })
  response.end(text)
}
