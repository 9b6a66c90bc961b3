import { isIP, connect as openPlain, type Socket } from 'node:net'
import { connect as openSecure, type TLSSocket } from 'node:tls'
import { type buildConnector, errors } from 'undici'
import type { Clock } from '../../ports/clock.ts'
import type { DurationMs } from '../../units/time.ts'

/** Where a connection goes, as undici says it. */
export type Place = buildConnector.Options

/** Told once: the socket when it may carry a request, or why there is none. */
export type Opened = buildConnector.Callback

/**
 * Opens a connection: looks the name up, connects, and greets with TLS where the place wants it. All of that within
 * `connectMs`. A socket that is destroyed meanwhile is told of as an error.
 */
export type Dial = (place: Place, connectMs: DurationMs, opened: Opened) => Socket

/** After so much quiet the system asks whether the other side is still there. */
const PROBE_AFTER_MS: DurationMs = 60_000

/** Undici opens another connection for any error that it calls its own, so this one has the system's name. */
const closedEarly = (): Error => Object.assign(new Error('closed before it was open'), { code: 'ECONNRESET' })

/**
 * A dialer for one place: it keeps the last TLS session, so that the next greeting is shorter.
 *
 * @param address connected to in place of the host, while TLS still asks for that one's name; null connects to the host
 */
export function createDialer(clock: Clock, address: string | null): Dial {
  let session: Buffer | undefined

  function openTls({ hostname, servername, port }: Place): TLSSocket {
    const name = servername || (isIP(hostname) ? '' : hostname)
    const host = address ?? hostname
    const options = { host, port: Number(port || 443), servername: name, ALPNProtocols: ['http/1.1'] }
    const socket = openSecure(session === undefined ? options : { ...options, session })
    return socket.on('session', told => {
      session = told
    })
  }

  return (place, connectMs, opened) => {
    const secure = place.protocol === 'https:'
    const plain = () => openPlain({ host: address ?? place.hostname, port: Number(place.port || 80) })
    const socket = secure ? openTls(place) : plain()
    socket.setNoDelay(true).setKeepAlive(true, PROBE_AFTER_MS)
    let waiting = true
    const settle = (error: Error | null): void => {
      if (!waiting) return
      waiting = false
      cancel()
      if (error === null) opened(null, socket)
      else opened(error, null)
    }
    const cancel = clock.after(connectMs, () => {
      // After a stall of this thread, what has come meanwhile is looked at before it counts as late.
      setImmediate(() => {
        if (waiting) socket.destroy(new errors.ConnectTimeoutError('no connection in time'))
      })
    })
    // The listener stays when the socket is open: one that fails while nobody else listens must not end the process.
    socket.on('error', settle)
    socket.once('close', () => settle(closedEarly()))
    socket.once(secure ? 'secureConnect' : 'connect', () => settle(null))
    return socket
  }
}
