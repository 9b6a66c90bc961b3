import { request } from 'node:http'

/** What became of a call, as its caller saw it. */
export interface Seen {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
  /** The connection broke before the proper end of the answer, or before it began. */
  readonly cut: boolean
  /** No end came within the caller's patience. */
  readonly hung: boolean
  readonly firstContentMs: number | null
  readonly ms: number
}

/** Content that is not empty, in a chat stream or in a plain answer; peers write spaces after colons. */
const CONTENT = /"content": ?"[^"]/

/** One call on a connection of its own, read to its end; never repeated. */
export function ask(
  port: number,
  of: { readonly headers: Readonly<Record<string, string>>; readonly body: object; readonly patienceMs: number },
): Promise<Seen> {
  const payload = JSON.stringify(of.body)
  const begun = performance.now()
  return new Promise(resolve => {
    let status = 0
    let headers: Seen['headers'] = {}
    let text = ''
    let firstContentMs: number | null = null
    const end = (how: { cut?: boolean; hung?: boolean }) => {
      clearTimeout(timer)
      const ms = performance.now() - begun
      resolve({ status, headers, text, cut: how.cut ?? false, hung: how.hung ?? false, firstContentMs, ms })
      sent.destroy()
    }
    const timer = setTimeout(() => end({ hung: true }), of.patienceMs)
    const options = { host: '127.0.0.1', port, method: 'POST', path: '/v1/chat/completions', agent: false as const }
    const length = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
    const sent = request({ ...options, headers: { ...of.headers, ...length } }, response => {
      status = response.statusCode ?? 0
      headers = response.headers
      response.setEncoding('utf8').on('data', (part: string) => {
        text += part
        if (firstContentMs === null && CONTENT.test(text)) firstContentMs = performance.now() - begun
      })
      response.on('end', () => end({ cut: !response.complete }))
      response.on('error', () => end({ cut: true }))
    })
    sent.on('error', () => end({ cut: true }))
    sent.end(payload)
  })
}
