import type { KeyStore } from '../../ports/ledger.ts'
import type { NewKey, Registry, UpstreamInfo } from '../../ports/registry.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Key } from '../../vocabulary/caller.ts'
import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import type { Configuration, UpstreamSettings } from '../configuration/configuration.ts'
import { isKeyName, KEY_NAME_RULE } from '../configuration/names.ts'
import { hashSecret, MAX_SECRET_CHARACTERS } from '../configuration/secret.ts'

const SECRET_BYTES = 24

export interface RegistryOptions {
  readonly configuration: Configuration
  readonly keyStore: KeyStore
  readonly now: () => EpochMs
  /** That many bytes which nobody can foresee. */
  readonly randomBytes: (count: number) => Uint8Array
  /** Told of keys in the store that a declared key of the same name hides; one sentence each. */
  readonly warn?: (sentence: string) => void
  /** Told of keys that were made and revoked; who asked for it waits until it is done. */
  readonly told?: KeyListener
}

export interface KeyListener {
  addKey(key: Key): Promise<void>
  removeKey(name: string): Promise<void>
}

/** A registry that follows another one, which makes and revokes its keys. */
export interface FollowingRegistry extends Registry {
  takeKey(key: Key): void
  dropKey(name: string): void
}

/** A new secret of a key: `sk-pen-` and 32 URL-safe characters, which hold 192 bits. */
export function makeSecret(randomBytes: (count: number) => Uint8Array): string {
  return `sk-pen-${Buffer.from(randomBytes(SECRET_BYTES)).toString('base64url')}`
}

function infoOf({ name, dialects, engine, baseUrls, source }: UpstreamSettings): UpstreamInfo {
  return { name, dialects, engine, baseUrls, source }
}

/**
 * Keys by name and by the hash of their secret. Looking a hash up takes a time that may depend on the hash, yet tells
 * nothing of the secret: nobody can choose a secret by the beginning of its SHA-256.
 */
class Keys {
  private readonly byHash = new Map<string, Key>()
  private readonly byName = new Map<string, Key>()

  get(name: string): Key | undefined {
    return this.byName.get(name)
  }

  ofSecret(secret: string): Key | null {
    return this.byHash.get(hashSecret(secret)) ?? null
  }

  add(key: Key): void {
    this.byName.set(key.name, key)
    this.byHash.set(key.secretHash, key)
  }

  remove(key: Key): void {
    this.byName.delete(key.name)
    this.byHash.delete(key.secretHash)
  }

  all(): Key[] {
    return [...this.byName.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  }
}

/**
 * Names of revoked keys that the store may still have. One whose removal failed is kept, so that a repeated revoke reaches
 * the store again: else its key would be valid after the next start.
 */
class Removals {
  private readonly store: Pick<KeyStore, 'revoke'>
  /** With the removal at work; null after one failed. */
  private readonly byName = new Map<string, Promise<void> | null>()

  constructor(store: Pick<KeyStore, 'revoke'>) {
    this.store = store
  }

  has(name: string): boolean {
    return this.byName.has(name)
  }

  /** Resolves once the store does not have the key; whoever asks meanwhile is told the same. */
  ask(name: string): Promise<void> {
    const atWork = this.byName.get(name)
    if (atWork) return atWork
    const removal = this.remove(name)
    this.byName.set(name, removal)
    return removal
  }

  private async remove(name: string): Promise<void> {
    try {
      await this.store.revoke(name)
      this.byName.delete(name)
    } catch (error) {
      this.byName.set(name, null)
      throw error
    }
  }
}

function openKeys({ configuration, keyStore, warn = () => {} }: RegistryOptions): Keys {
  const keys = new Keys()
  for (const key of configuration.keys) keys.add(key)
  for (const key of keyStore.keys()) {
    if (keys.get(key.name)) {
      warn(
        `key ${key.name} is declared in ${configuration.source}, so the one of that name that was made earlier is not used`,
      )
    } else if (configuration.keys.some(declared => declared.secretHash === key.secretHash)) {
      warn(`key ${key.name} has the secret of a key that is declared in ${configuration.source}, so it is not used`)
    } else {
      keys.add(key)
    }
  }
  return keys
}

/** Every deployment of the models, each once. */
function deploymentsOf(models: readonly Model[]): readonly Deployment[] {
  return [
    ...new Map(models.flatMap(model => model.deployments).map(deployment => [deployment.name, deployment])).values(),
  ]
}

/**
 * The registry over a configuration and the keys that were made.
 *
 * @throws RangeError from `createKey` when a name is none; callers check it with `isKeyName` before
 */
export function createRegistry(options: RegistryOptions): FollowingRegistry {
  const { configuration, keyStore, now, randomBytes, told } = options
  const { models } = configuration
  const keys = openKeys(options)
  const modelsByName = new Map(models.map(model => [model.name, model]))
  const deployments = deploymentsOf(models)
  const upstreams = configuration.upstreams.map(infoOf)
  // Names that are being written to the store: a second call for one must not find it free.
  const pending = new Set<string>()
  const removals = new Removals(keyStore)

  async function createKey(wanted: NewKey) {
    if (!isKeyName(wanted.name))
      throw new RangeError(`${JSON.stringify(wanted.name)} is no name of a key: ${KEY_NAME_RULE}`)
    if (keys.get(wanted.name) || pending.has(wanted.name) || removals.has(wanted.name)) return 'taken'
    const secret = makeSecret(randomBytes)
    const { name, team, user, tags, models: allowed, tiers } = wanted
    const key: Key = {
      name,
      team,
      user,
      tags,
      models: allowed,
      tiers,
      secretHash: hashSecret(secret),
      createdAt: now(),
      declared: false,
    }
    pending.add(name)
    try {
      if (!(await keyStore.create(key))) return 'taken'
      keys.add(key)
      await told?.addKey(key)
      return { key, secret }
    } finally {
      pending.delete(name)
    }
  }

  async function revokeKey(name: string) {
    const key = keys.get(name)
    if (key?.declared) return 'declared'
    if (!key && !removals.has(name)) return 'unknown'
    // It stops working before the store is asked: revoked at once, whatever the disk does.
    if (key) keys.remove(key)
    await Promise.all([told?.removeKey(name), removals.ask(name)])
    return 'revoked'
  }

  return {
    // Longer secrets are no key of ours; they are not even hashed.
    authenticate: secret => (secret.length > MAX_SECRET_CHARACTERS ? null : keys.ofSecret(secret)),
    model: name => modelsByName.get(name),
    models: () => models,
    deployments: () => deployments,
    upstreams: () => upstreams,
    keys: () => keys.all(),
    createKey,
    revokeKey,
    takeKey: key => keys.add(key),
    dropKey(name) {
      const key = keys.get(name)
      if (key) keys.remove(key)
    },
  }
}
