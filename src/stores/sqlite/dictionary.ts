import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { type CallerIdentity, deploymentAccount, keyAccount, NAME_TABLES, TABLE } from './codes.ts'

/** A text that records name by a number, and its row once it is known. */
interface Name {
  readonly table: number
  readonly text: string
  /** 0 until the row was looked up or made. */
  row: number
  /** The account that postings under this name go to; 0 where there is none. */
  account: number
}

interface TableStatements {
  readonly find: StatementSync
  readonly add: StatementSync
}

/**
 * The writer's side of the numbers that records use for texts. A row is looked up or made at the first use, inside the
 * transaction of that use; when that is rolled back, so is what is remembered of it.
 */
export class Dictionary {
  readonly #names = new Map<number, Name>()
  readonly #tables: readonly TableStatements[]
  readonly #findAccount: StatementSync
  readonly #addAccount: StatementSync
  /** Names whose rows were found since the last commit. */
  readonly #found: Name[] = []

  constructor(db: DatabaseSync) {
    this.#tables = NAME_TABLES.map(table => {
      const hasAccount = table === 'deployments' || table === 'callers'
      return {
        find: db.prepare(
          hasAccount ? `SELECT id, account FROM ${table} WHERE text = ?` : `SELECT id FROM ${table} WHERE text = ?`,
        ),
        add: hasAccount
          ? db.prepare(`INSERT INTO ${table} (text, account) VALUES (?, ?) RETURNING id`)
          : db.prepare(`INSERT INTO ${table} (text) VALUES (?) RETURNING id`),
      }
    })
    this.#findAccount = db.prepare('SELECT id FROM accounts WHERE name = ?')
    this.#addAccount = db.prepare('INSERT INTO accounts (name, balance) VALUES (?, 0) RETURNING id')
  }

  define(number: number, table: number, text: string): void {
    if (!this.#names.has(number)) this.#names.set(number, { table, text, row: 0, account: 0 })
  }

  forget(below: number): void {
    for (const number of this.#names.keys()) if (number < below) this.#names.delete(number)
  }

  row(number: number): number {
    return this.#resolve(number).row
  }

  account(number: number): number {
    return this.#resolve(number).account
  }

  committed(): void {
    this.#found.length = 0
  }

  /** A mark to which `rollBack` can return. */
  mark(): number {
    return this.#found.length
  }

  rollBack(mark: number): void {
    for (const name of this.#found.splice(mark)) name.row = 0
  }

  #resolve(number: number): Name {
    const name = this.#names.get(number)
    if (name === undefined) throw new Error(`nothing was defined as ${number}`)
    if (name.row === 0) this.#find(name)
    return name
  }

  #find(name: Name): void {
    const { find, add } = this.#tables[name.table]!
    const row = find.get(name.text)
    const accountName = accountNameOf(name)
    if (row !== undefined) {
      name.row = Number(row.id)
      name.account = Number(row.account ?? 0)
    } else if (accountName === null) {
      name.row = Number(add.get(name.text)!.id)
    } else {
      name.account = Number((this.#findAccount.get(accountName) ?? this.#addAccount.get(accountName)!).id)
      name.row = Number(add.get(name.text, name.account)!.id)
    }
    this.#found.push(name)
  }
}

function accountNameOf(name: Name): string | null {
  if (name.table === TABLE.deployments) return deploymentAccount(name.text)
  if (name.table !== TABLE.callers) return null
  const [key] = JSON.parse(name.text) as CallerIdentity
  return keyAccount(key)
}
