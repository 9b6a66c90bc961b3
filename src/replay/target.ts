import { request } from 'undici'
import type { Dialect } from './speech.ts'

const LIST_TIMEOUT_MS = 5000

/** Where a gateway's endpoints are. A url without a path gets `/v1`. */
export function baseOf(url: string): { readonly origin: string; readonly path: string } {
  const parsed = URL.canParse(url) ? new URL(url) : null
  if (parsed?.protocol !== 'http:' && parsed?.protocol !== 'https:') {
    throw new RangeError(`expected a url such as http://127.0.0.1:4000, found ${url}`)
  }
  return { origin: parsed.origin, path: parsed.pathname === '/' ? '/v1' : parsed.pathname.replace(/\/$/, '') }
}

/** Where calls of a dialect go. */
export function targetOf(url: string, dialect: Dialect): { readonly origin: string; readonly path: string } {
  const { origin, path } = baseOf(url)
  return { origin, path: `${path}/${dialect === 'openai' ? 'chat/completions' : 'messages'}` }
}

/**
 * The model to ask for where neither caller nor trace names one: the gateway's only one.
 *
 * @throws RangeError naming the models when there are several, or what the gateway said
 */
export async function onlyModel(url: string, key: string | null): Promise<string> {
  const { origin, path } = baseOf(url)
  const headers = key === null ? {} : { authorization: `Bearer ${key}` }
  const timeouts = { headersTimeout: LIST_TIMEOUT_MS, bodyTimeout: LIST_TIMEOUT_MS }
  let text: string
  try {
    const answer = await request(`${origin}${path}/models`, { headers, ...timeouts })
    text = await answer.body.text()
    if (answer.statusCode !== 200) throw new Error(`${answer.statusCode} ${text.slice(0, 200)}`)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new RangeError(`this trace names no model, and ${origin} does not list its own: ${why}`)
  }
  const names = [...text.matchAll(/"id"\s*:\s*("(?:[^"\\]|\\.)*")/g)].map(([, name]) => JSON.parse(name!) as string)
  if (names.length === 1) return names[0]!
  throw new RangeError(`this trace names no model: name one of ${names.join(', ')}`)
}
