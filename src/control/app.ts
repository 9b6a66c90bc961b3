import type { OpenAPIHono } from '@hono/zod-openapi'
import type { Context } from 'hono'
import type { Actor } from '../ports/limits.ts'

/** What a request brings besides what it says. */
export interface AdminEnv {
  readonly Bindings: {
    /** Of the socket that the request came over; null where the socket has none. */
    readonly address: string | null
  }
}

export type AdminApp = OpenAPIHono<AdminEnv>

/** Whoever has the admin token. The address is the socket's: what a proxy's header says could be anybody's word. */
export function actorOf(context: Context<AdminEnv>): Actor {
  return { name: 'admin', address: context.env.address }
}

/**
 * An address as people write it: a socket that takes both families shows IPv4 as `::ffff:10.0.0.1`.
 *
 * @param remoteAddress of a socket; it has none once it is closed
 */
export function addressOf(remoteAddress: string | undefined): string | null {
  return remoteAddress?.replace(/^::ffff:(?=\d+\.)/i, '') ?? null
}
