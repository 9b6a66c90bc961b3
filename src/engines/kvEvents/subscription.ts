import { isIP } from 'node:net'
import type { Subscriber } from 'zeromq'
import type { CacheChange } from '../../ports/fleet.ts'
import { CacheAccount } from './account.ts'

export interface CacheSubscription {
  /** Where the engine publishes: a name or an address, IPv6 without brackets. */
  readonly host: string
  readonly port: number
  readonly heard: (change: CacheChange) => void
  /** Told once for each thing that people should know. */
  readonly note: (sentence: string) => void
}

/** Messages that may wait here; what comes beyond is dropped by the library, and shows as a gap. */
const MAX_WAITING_MESSAGES = 10_000
/** Larger messages end the connection, and show as a gap. */
const MAX_MESSAGE_BYTES = 16_000_000
/** Between attempts to connect; doubled up to the second. */
const RECONNECT_MS = 500
const MAX_RECONNECT_MS = 10_000

/**
 * Subscribes to what one engine publishes of its prefix cache, over ZeroMQ. It connects when the engine is there, again and
 * again. A message has three frames: topic, number (8 bytes, big-endian), batch; others are left out.
 *
 * @returns ends it
 */
export function subscribeToCache(subscription: CacheSubscription): () => void {
  let ended = false
  let socket: Subscriber | null = null
  const begin = async (): Promise<void> => {
    // Few have their engines publish, so that the library is loaded for them alone.
    const opened = await open(subscription)
    if (opened === null) return subscription.note('it needs the package zeromq, which does not run here')
    socket = opened
    if (ended) opened.close()
    else await listen(opened, subscription, () => ended)
  }
  begin().catch((error: unknown) => {
    if (!ended) subscription.note(`they are heard no more: ${error instanceof Error ? error.message : String(error)}`)
  })
  return () => {
    ended = true
    socket?.close()
  }
}

/** @returns null where the library does not run */
async function open({ host, port }: CacheSubscription): Promise<Subscriber | null> {
  try {
    const { Subscriber: Opened } = await import('zeromq')
    const isV6 = isIP(host) === 6
    const socket = new Opened({
      ipv6: isV6,
      linger: 0,
      receiveHighWaterMark: MAX_WAITING_MESSAGES,
      maxMessageSize: MAX_MESSAGE_BYTES,
      reconnectInterval: RECONNECT_MS,
      reconnectMaxInterval: MAX_RECONNECT_MS,
      tcpKeepalive: 1,
    })
    socket.connect(`tcp://${isV6 ? `[${host}]` : host}:${port}`)
    socket.subscribe()
    return socket
  } catch {
    return null
  }
}

async function listen(socket: Subscriber, { heard, note }: CacheSubscription, isOver: () => boolean): Promise<void> {
  const account = new CacheAccount()
  let toldOfIgnored = false
  for await (const [, number, batch] of socket) {
    if (isOver()) return
    if (number?.length !== 8 || batch === undefined) continue
    for (const change of account.read(number.readBigUInt64BE(), batch)) heard(change)
    if (account.ignored === 0 || toldOfIgnored) continue
    toldOfIgnored = true
    note('some are of a kind that is not known, and are left out')
  }
}
