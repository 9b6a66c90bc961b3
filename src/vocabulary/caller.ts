/** A key that opens the data plane. The secret itself is never kept: only its SHA-256. */
export interface Key {
  readonly name: string
  readonly team: string | null
  readonly user: string | null
  readonly tags: Readonly<Record<string, string>>
  /** Names of the models that the key may use; null for all. */
  readonly models: readonly string[] | null
  /** Names of the tiers that it may use, the first of them where a call names none; null for all. */
  readonly tiers: readonly string[] | null
  /** SHA-256 of the secret, lowercase hex. */
  readonly secretHash: string
  readonly createdAt: number
  /** Declared in the configuration, therefore not to be changed by the admin API. */
  readonly declared: boolean
}

/** Who made a call, as its receipt says it. */
export interface Caller {
  readonly key: string
  readonly team: string | null
  readonly user: string | null
  /** Tags of the key and of the call's header. */
  readonly tags: Readonly<Record<string, string>>
  readonly run: string | null
}
