import type { TransportFailure } from '../../ports/engine.ts'

/** What callers are told; the words of the client would name addresses that are not theirs to know. */
const SENTENCES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'it refused the connection',
  ENOTFOUND: 'its name is not known',
  EAI_AGAIN: 'its name could not be looked up',
  EAI_FAIL: 'its name could not be looked up',
  EHOSTUNREACH: 'there is no way to it',
  ENETUNREACH: 'there is no way to it',
  ECONNRESET: 'it reset the connection',
  ECONNABORTED: 'it closed the connection',
  EPIPE: 'it closed the connection',
  ETIMEDOUT: 'it stopped answering',
  EPROTO: 'it did not agree on TLS',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'nobody known has signed its certificate',
  SELF_SIGNED_CERT_IN_CHAIN: 'nobody known has signed its certificate',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'nobody known has signed its certificate',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'nobody known has signed its certificate',
  UND_ERR_SOCKET: 'it closed the connection',
  UND_ERR_CONNECT_TIMEOUT: 'it took no connection in time',
  UND_ERR_HEADERS_TIMEOUT: 'it said nothing for too long',
  UND_ERR_BODY_TIMEOUT: 'it said nothing for too long',
  UND_ERR_HEADERS_OVERFLOW: 'its headers are too large',
  UND_ERR_INVALID_ARG: 'a header of the call can not be sent',
  UND_ERR_NOT_SUPPORTED: 'a header of the call can not be sent',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'its answer is not as long as it said',
}

const TIMEOUTS = new Set(['UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_BODY_TIMEOUT'])

function sentenceOf(code: string, name: string): string {
  const known = SENTENCES[code]
  if (known !== undefined) return known
  if (name === 'HTTPParserError') return 'what it sent is no HTTP'
  // The library of TLS has a code for each way to be wrong.
  if (code.startsWith('ERR_SSL_')) return 'it did not agree on TLS'
  return 'the connection broke'
}

/** What an error of the client means to whoever asked. */
export function failureOf(error: Error & { readonly code?: string }, headSeen: boolean): TransportFailure {
  const { code = '', name } = error
  const message = sentenceOf(code, name)
  if (TIMEOUTS.has(code)) return { kind: 'timedOut', message }
  return { kind: headSeen ? 'cut' : 'unreachable', message }
}
