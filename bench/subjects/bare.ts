/**
 * The limit that Penstock is compared with: what node:http and undici cost by themselves. It takes a call's body,
 * sends it on, and relays the answer as it comes, with back-pressure. It knows no keys, no prices and no records.
 *
 *   node bench/subjects/bare.ts LISTEN_PORT UPSTREAM_ORIGIN
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { Pool } from 'undici'

const pool = new Pool(process.argv[3]!)
const server = createServer({ noDelay: true }, take)
server.keepAliveTimeout = 60_000
server.listen(Number(process.argv[2]), '127.0.0.1')
process.on('SIGTERM', () => process.exit(0))

function take(request: IncomingMessage, response: ServerResponse): void {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => pass(request, parts.length === 1 ? parts[0]! : Buffer.concat(parts), response))
}

function pass(request: IncomingMessage, body: Buffer, response: ServerResponse): void {
  const { host: _host, connection: _connection, ...headers } = request.headers
  const options = { method: request.method as 'POST', path: request.url!, headers, body: body.length > 0 ? body : null }
  pool.dispatch(options, {
    onRequestStart(controller) {
      response.on('close', () => response.writableFinished || controller.abort(new Error('the caller left')))
      response.on('drain', () => controller.resume())
    },
    onResponseStart(_controller, status, { connection: _, 'keep-alive': __, 'transfer-encoding': ___, ...kept }) {
      response.writeHead(status, kept)
    },
    onResponseData: (controller, chunk) => void (response.write(chunk) || controller.pause()),
    onResponseEnd: () => void response.end(),
    onResponseError: () => void (response.headersSent ? response.destroy() : response.writeHead(502).end()),
  })
}
