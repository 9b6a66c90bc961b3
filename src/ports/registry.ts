import type { Key } from '../vocabulary/caller.ts'
import type { Deployment, EngineKind, Model } from '../vocabulary/deployment.ts'
import type { DialectName } from '../vocabulary/dialect.ts'

/** An upstream as the admin API shows it; its key and headers stay behind. */
export interface UpstreamInfo {
  readonly name: string
  readonly dialects: readonly DialectName[]
  readonly engine: EngineKind | null
  /** Without credentials; empty for the simulated engine. */
  readonly baseUrls: readonly string[]
  readonly source: 'configuration' | 'environment' | 'discovered' | 'embedded'
}

export interface NewKey {
  readonly name: string
  readonly team: string | null
  readonly user: string | null
  readonly tags: Readonly<Record<string, string>>
  readonly models: readonly string[] | null
  readonly tiers: readonly string[] | null
}

/** What is declared or was made: keys, models, upstreams. Configuration and admin API are two ways into it. */
export interface Registry {
  /** The key that a secret belongs to; null for a wrong, unknown or revoked one. Synchronous: it is on the path of every call. */
  authenticate(secret: string): Key | null
  model(name: string): Model | undefined
  models(): readonly Model[]
  deployments(): readonly Deployment[]
  upstreams(): readonly UpstreamInfo[]
  keys(): readonly Key[]
  /** Makes a key; the secret is told here and never again. */
  createKey(wanted: NewKey): Promise<{ readonly key: Key; readonly secret: string } | 'taken'>
  revokeKey(name: string): Promise<'revoked' | 'declared' | 'unknown'>
}
