import type { AdminFetch } from '../control/handler.ts'
import type { CarriedRequest, CarriedResponse } from '../threads/messages.ts'

type Headers = readonly (readonly [string, string])[]

/** Answers in one thread what was asked over a connection of another. */
export function answerCarried(fetch: AdminFetch): (carried: CarriedRequest) => Promise<CarriedResponse> {
  return async ({ url, method, headers, body, address }) => {
    const response = await fetch(new Request(url, { method, headers: copied(headers), body }), address)
    return {
      status: response.status,
      headers: [...response.headers],
      body: new Uint8Array(await response.arrayBuffer()),
    }
  }
}

/** Has another thread answer what is asked here. */
export function carryTo(answer: (carried: CarriedRequest) => Promise<CarriedResponse>): AdminFetch {
  return async (request, address) => {
    const body = request.body === null ? null : new Uint8Array(await request.arrayBuffer())
    const { url, method } = request
    const said = await answer({ url, method, headers: [...request.headers], body, address })
    const { status } = said
    return new Response(status === 204 ? null : said.body, { status, headers: copied(said.headers) })
  }
}

function copied(headers: Headers): [string, string][] {
  return headers.map(([name, value]) => [name, value])
}
