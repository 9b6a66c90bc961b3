import type { IncomingMessage, ServerResponse } from 'node:http'
import { addressOf } from './app.ts'
import { bridge, problemAnswer, send } from './bridge.ts'
import { problem } from './problem.ts'
import { bearerCheck } from './token.ts'

/** Answers a request of somebody who has the admin token. */
export type AdminFetch = (request: Request, address: string | null) => Promise<Response>

/** @returns a handler of `node:http` for everything below `/admin/` */
export function adminHandler(
  fetch: AdminFetch,
  adminToken: string,
): (request: IncomingMessage, response: ServerResponse) => void {
  const authorised = bearerCheck(adminToken)
  return (request, response) => {
    // Asked before the body is read: who may not come in shall not make the gateway keep bytes.
    if (authorised(request.headers.authorization)) {
      // Asked now: a socket that closes forgets whose it was, and the change may be under way by then.
      const address = addressOf(request.socket.remoteAddress)
      void bridge(request, response, asked => fetch(asked, address))
    } else send(response, problemAnswer(401, unauthorised(), { 'www-authenticate': 'Bearer' }))
  }
}

function unauthorised() {
  return problem('invalid_admin_token', 'no valid admin token: expected it in `Authorization: Bearer TOKEN`')
}
