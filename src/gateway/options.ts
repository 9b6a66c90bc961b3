import type { IncomingMessage, ServerResponse } from 'node:http'
import type { World } from '../lifecycle/world.ts'
import type { LedgerStore } from '../ports/ledger.ts'
import type { Limits } from '../ports/limits.ts'
import type { Registry } from '../ports/registry.ts'
import type { CallId } from '../vocabulary/id.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { Tier } from '../vocabulary/tier.ts'

export interface GatewayOptions {
  readonly world: World
  readonly registry: Registry
  readonly ledger: Pick<LedgerStore, 'receipt'>
  readonly limits: Pick<Limits, 'views'>
  /** Classes of service that calls may be made in; the default one is among them. */
  readonly tiers: readonly Tier[]
  /** Loopback callers need no key. */
  readonly trustCallers: boolean
  nextId(): CallId
  /** A receipt as its owner is shown it. */
  receiptOf(record: CallRecord): unknown
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Whether a secret is the admin token, which also opens health and metrics from elsewhere. */
  isAdminToken(secret: string): boolean
  /** Serves what is below `/admin/`. */
  admin(request: IncomingMessage, response: ServerResponse): void
}
