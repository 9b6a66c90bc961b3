import type { RawHeaders } from '../../ports/engine.ts'
import type { FaultyAttempt } from './attempt.ts'
import {
  errorBody,
  errorFrame,
  HTML,
  HTML_HEADERS,
  JSON_HEADERS,
  PLAIN_KEEP_ALIVE,
  retryAfterHeaders,
  STREAM_HEADERS,
  STREAM_KEEP_ALIVE,
} from './bodies.ts'
import { Drip } from './drip.ts'
import { SPOILINGS, Spoiler, WithoutTerminal } from './spoil.ts'

/** Lets a fault happen to an attempt. The sink is not called meanwhile. */
export function play(attempt: FaultyAttempt): void {
  const { request, fault, outlet, clock } = attempt
  const { endpoint, streamed } = request
  switch (fault.kind) {
    case 'refuse':
      return attempt.after(0, () => outlet.break('it refused the connection'))
    case 'reset':
      return attempt.after(0, () => outlet.break('it reset the connection'))
    case 'neverAccept':
      return attempt.after(request.connectMs, () => outlet.break('it took no connection in time'))
    case 'status': {
      const { status } = fault
      const headers = [...JSON_HEADERS, ...retryAfterHeaders(fault, clock.now())]
      return answer(attempt, { status, headers, body: errorBody(endpoint, status) })
    }
    case 'html':
      return answer(attempt, { headers: HTML_HEADERS, body: HTML })
    case 'errorInside200':
      return answer(attempt, { headers: JSON_HEADERS, body: errorBody(endpoint, 500) })
    case 'emptyBody':
      return answer(attempt, { headers: JSON_HEADERS, body: '' })
    case 'noEvents':
      return answer(attempt, { headers: streamed ? STREAM_HEADERS : JSON_HEADERS, body: '' })
    case 'keepAlives':
      return keepAlive(attempt)
    case 'silenceAfterHeaders':
      return attempt.after(0, () => outlet.head(200, streamed ? STREAM_HEADERS : JSON_HEADERS))
    case 'silence':
      return
    case 'slow':
      return attempt.after(fault.waitMs, () => attempt.ask(outlet))
    case 'slowTokens':
      if (streamed) return attempt.ask(new Drip(attempt))
      return attempt.after(fault.waitMs, () => attempt.ask(outlet))
    case 'noDone':
      return attempt.ask(new WithoutTerminal(attempt))
    case 'errorEvent':
      if (!streamed) return answer(attempt, { headers: JSON_HEADERS, body: errorBody(endpoint, 500) })
      if (fault.tokens === 0) return answer(attempt, { headers: STREAM_HEADERS, body: errorFrame(endpoint) })
      return attempt.ask(new Spoiler(attempt, SPOILINGS.errorEvent))
    case 'truncatedJson':
    case 'shortBody':
    case 'cutBeforeContent':
    case 'roleOnly':
    case 'cut':
    case 'endWithoutTerminal':
    case 'halfFrame':
    case 'garbage':
    case 'stall':
      return attempt.ask(new Spoiler(attempt, SPOILINGS[fault.kind]))
  }
}

/** Gives a whole answer that the upstream never made. */
function answer(
  attempt: FaultyAttempt,
  of: { readonly status?: number; readonly headers: RawHeaders; readonly body: string },
): void {
  const { outlet } = attempt
  attempt.after(0, () => {
    outlet.head(of.status ?? 200, of.headers)
    outlet.data(Buffer.from(of.body))
    outlet.end()
  })
}

function keepAlive(attempt: FaultyAttempt): void {
  const { outlet, request, fault } = attempt
  const { streamed } = request
  const sign = Buffer.from(streamed ? STREAM_KEEP_ALIVE : PLAIN_KEEP_ALIVE)
  const beat = () => {
    if (!outlet.paused) outlet.data(sign)
    attempt.after(fault.waitMs, beat)
  }
  attempt.after(0, () => {
    outlet.head(200, streamed ? STREAM_HEADERS : JSON_HEADERS)
    beat()
  })
}
