import type { KeyStore } from '../../ports/ledger.ts'
import type { Key } from '../../vocabulary/caller.ts'
import type { Journal } from './journal.ts'

/** Keys in memory, with their rows behind them. */
export class SqliteKeys implements KeyStore {
  readonly #journal: Pick<Journal, 'command'>
  readonly #byName: Map<string, Key>
  /** Names on their way to the disk: taken, but not yet of use. */
  readonly #pending = new Set<string>()

  constructor(journal: Pick<Journal, 'command'>, keys: readonly Key[]) {
    this.#journal = journal
    this.#byName = new Map(keys.map(key => [key.name, key]))
  }

  keys(): readonly Key[] {
    return [...this.#byName.values()]
  }

  async create(key: Key): Promise<boolean> {
    if (this.#byName.has(key.name) || this.#pending.has(key.name)) return false
    this.#pending.add(key.name)
    try {
      await this.#journal.command({ do: 'createKey', key })
      this.#byName.set(key.name, { ...key, declared: false })
      return true
    } finally {
      this.#pending.delete(key.name)
    }
  }

  async revoke(name: string): Promise<boolean> {
    const key = this.#byName.get(name)
    if (key === undefined) return false
    // Of no use from now on, even before the disk knows; its name stays taken until then.
    this.#byName.delete(name)
    this.#pending.add(name)
    try {
      await this.#journal.command({ do: 'revokeKey', name })
      return true
    } catch (error) {
      this.#byName.set(name, key)
      throw error
    } finally {
      this.#pending.delete(name)
    }
  }
}
