import { mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Key } from '../../vocabulary/caller.ts'
import { balancesIn, balancesOf, durably, everyReceipt } from '../ground.contract.ts'
import { asKept, plainAttempt, plainCall, plainRoute } from '../samples.contract.ts'
import { HOLD, startChild } from './child.contract.ts'
import { LEDGER_FILE } from './database.ts'
import { PROBE_INTERVAL_MS } from './journal.ts'
import { openSqliteStores } from './open.ts'
import { APPLICATION_ID, MIGRATIONS } from './schema.ts'

let home: string
let directory: string

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'penstock-open-'))
  directory = join(home, 'deep', 'data')
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

/** Makes a ledger, changes it behind its back, and gives the message with which it is refused. */
async function refusalAfter(change: (path: string) => void): Promise<string> {
  await (await openSqliteStores({ directory })).close()
  change(join(directory, LEDGER_FILE))
  return refusal()
}

async function refusal(): Promise<string> {
  try {
    await (await openSqliteStores({ directory })).close()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error('it opened')
}

describe('the files of a ledger', () => {
  it('are for their owner alone, also while they are written', async () => {
    const stores = await openSqliteStores({ directory })
    await durably(stores.ledger, plainCall(1))
    await stores.ledger.receipt(plainCall(1).id)
    const modes = readdirSync(directory).map(name => [name, statSync(join(directory, name)).mode & 0o777])
    expect(statSync(directory).mode & 0o777).toBe(0o700)
    expect(Object.fromEntries(modes)).toEqual({
      'ledger.lock': 0o600,
      'ledger.sqlite': 0o600,
      'ledger.sqlite-shm': 0o600,
      'ledger.sqlite-wal': 0o600,
      'ledger.writer': 0o600,
    })
    await stores.close()
  })

  it('hold everything in one of them once the ledger is closed', async () => {
    const stores = await openSqliteStores({ directory })
    await durably(stores.ledger, plainCall(1))
    await stores.ledger.balances()
    await stores.close()
    await stores.close()
    expect(readdirSync(directory).sort()).toEqual(['ledger.lock', 'ledger.sqlite', 'ledger.writer'])
  })
})

const KEY: Key = {
  name: 'made',
  team: null,
  user: null,
  tags: {},
  models: null,
  tiers: null,
  secretHash: 'ab'.repeat(32),
  createdAt: 1,
  declared: false,
}

describe('a ledger of an earlier version', () => {
  const late = { limited: true, overrunDollars: 5n, downgradedTo: 'small' }
  const unplaced = { tier: null, queueMs: 0 }
  const spill = { why: 'target', expectedMs: 9_000, targetMs: 1_000, harmDollars: 5n, moreDollars: null } as const
  const routed = plainAttempt({ replica: 1, route: plainRoute() })
  const placed = plainAttempt({ replica: 0, placement: { expectedCachedTokens: 900, spill: null } })
  const spilt = plainAttempt({ placement: { expectedCachedTokens: null, spill } })
  const chosen = plainCall(9, { tier: 'batch', queueMs: 12.5, attempts: [routed, placed, spilt] })
  const old = [plainCall(1, { ...unplaced, overrunDollars: null }), plainCall(2, { ...unplaced, attempts: [] })]
  const second = plainCall(3, { ...late, ...unplaced, attempts: [plainAttempt(), plainAttempt()] })
  const third = plainCall(4, { ...unplaced, attempts: [plainAttempt(), routed] })

  it.each([
    ['1, which knew no limits', 1, old],
    ['2, which knew no routes', 2, [...old, second]],
    ['3, which knew no tiers', 3, [...old, second, third]],
  ])('%s, opens with all that it held, and takes what later ones do', async (_name, version, held) => {
    let stores = await openSqliteStores({ directory })
    for (const record of held) await durably(stores.ledger, record)
    await stores.keys.create(KEY)
    const usage = await stores.ledger.usage({ by: ['deployment'] })
    await stores.close()
    toVersion(version, join(directory, LEDGER_FILE))

    stores = await openSqliteStores({ directory })
    expect(await everyReceipt(stores.ledger)).toEqual(held.map(asKept))
    expect(await stores.ledger.usage({ by: ['deployment'] })).toEqual(usage)
    const limited = plainCall(8, late)
    const night = { ...KEY, name: 'night', tiers: ['batch'] }
    expect(stores.keys.keys()).toEqual([KEY])
    expect(await stores.keys.create(night)).toBe(true)
    stores.limits.keepUse({ seq: 1, text: 'use' })
    for (const record of [limited, chosen]) await durably(stores.ledger, record)
    const all = [...held, limited, chosen]
    expect(await everyReceipt(stores.ledger)).toEqual(all.map(asKept))
    expect(await balancesIn(stores.ledger)).toEqual(balancesOf(all))
    expect([...stores.limits.uses()]).toEqual([{ seq: 1, text: 'use' }])
    await stores.close()
    stores = await openSqliteStores({ directory })
    expect(stores.keys.keys()).toEqual([KEY, night])
    await stores.close()
  })

  /** Moves what is in a ledger to one as an earlier version made it. */
  function toVersion(version: number, path: string): void {
    const db = new DatabaseSync(`${path}.old`)
    db.exec(`${MIGRATIONS.slice(0, version).join(';')};
      PRAGMA user_version = ${version}; PRAGMA application_id = ${APPLICATION_ID}`)
    db.prepare('ATTACH ? AS new').get(path)
    for (const { name } of db.prepare("SELECT name FROM main.sqlite_schema WHERE type = 'table'").all()) {
      const columns = db.prepare(`PRAGMA main.table_info(${name})`).all()
      const list = columns.map(column => column.name).join(', ')
      // Some tables have a row from the beginning.
      db.exec(`DELETE FROM main.${name}; INSERT INTO main.${name} (${list}) SELECT ${list} FROM new.${name}`)
    }
    db.close()
    renameSync(`${path}.old`, path)
  }
})

describe('a ledger is refused in one sentence with its path', () => {
  it('when its directory can not be made', async () => {
    mkdirSync(join(home, 'deep'))
    writeFileSync(directory, 'a file')
    expect(await refusal()).toMatch(`can not write to the data directory ${directory}`)
  })

  it('when it was written by a newer version', async () => {
    const message = await refusalAfter(path => {
      const db = new DatabaseSync(path)
      db.exec(`PRAGMA user_version = ${MIGRATIONS.length + 1}`)
      db.close()
    })
    expect(message).toContain(join(directory, LEDGER_FILE))
    expect(message).toContain(`version ${MIGRATIONS.length + 1}`)
    expect(message).toContain('use a newer Penstock')
  })

  it('when the file is the database of another program', async () => {
    mkdirSync(directory, { recursive: true })
    const db = new DatabaseSync(join(directory, LEDGER_FILE))
    db.exec('CREATE TABLE theirs (x)')
    db.close()
    expect(await refusal()).toMatch(/ledger\.sqlite: the file is the database of another program/)
    expect(readFileSync(join(directory, LEDGER_FILE)).includes('theirs')).toBe(true)
  })

  it('when the file is no database', async () => {
    const message = await refusalAfter(path => writeFileSync(path, 'no database at all '.repeat(1_000)))
    expect(message).toContain(join(directory, LEDGER_FILE))
    expect(message).toContain('move it away')
  })

  it('when the file is damaged', async () => {
    const message = await refusalAfter(path => {
      const bytes = readFileSync(path)
      bytes.fill(0xa5, 100, 4_096)
      writeFileSync(path, bytes)
    })
    expect(message).toContain(join(directory, LEDGER_FILE))
    expect(message).toContain('restore it from a backup')
  })
})

describe('a ledger has one writer', () => {
  it('and a second process is told which one it is, until that one is gone, even by kill -9', async () => {
    const first = startChild(HOLD, directory)
    expect(await first.line()).toBe('open')
    const second = startChild(HOLD, directory)
    const message = await second.line()
    await second.kill()
    expect(message).toContain(directory)
    expect(message).toContain(`process ${first.pid}`)
    expect(await refusal()).toContain(`process ${first.pid}`)
    await first.kill()
    await (await openSqliteStores({ directory })).close()
  })

  it('and a second one in the same process is told so too', async () => {
    const stores = await openSqliteStores({ directory })
    expect(await refusal()).toContain(`process ${process.pid}`)
    await durably(stores.ledger, plainCall(1))
    expect(await stores.ledger.receipt(plainCall(1).id)).not.toBeNull()
    await stores.close()
  })
})

describe('a ledger without room', () => {
  const wide = (n: number) =>
    plainCall(n, { attempts: Array.from({ length: 50 }, () => plainAttempt()), model: `model ${n}` })

  it('fails appends with a reason, keeps what was durable, and takes records again once there is room', async () => {
    let stores = await openSqliteStores({ directory, maxBytes: 400_000 })
    const outcomes: boolean[] = []
    let reason = ''
    for (let n = 0; n < 200; n++) {
      const failure = await durably(stores.ledger, wide(n)).then(
        () => null,
        (error: Error) => error,
      )
      outcomes.push(failure === null)
      reason = failure?.message ?? reason
    }
    expect(reason).toContain(join(directory, LEDGER_FILE))
    expect(reason).toContain('the disk is full')
    expect(outcomes[0]).toBe(true)
    expect(outcomes.slice(-20)).not.toContain(true)
    const durable = outcomes.flatMap((ok, n) => (ok ? [asKept(wide(n))] : []))
    expect(await everyReceipt(stores.ledger)).toEqual(durable)
    expect(await balancesIn(stores.ledger)).toEqual(balancesOf(durable))
    await stores.close()

    stores = await openSqliteStores({ directory })
    await durably(stores.ledger, wide(199))
    expect(await everyReceipt(stores.ledger)).toEqual([...durable, asKept(wide(199))])
    await stores.close()
  })

  it('is not writable until there is room, and then by itself, with the uses of limits that had no room', async () => {
    const stores = await openSqliteStores({ directory, maxBytes: 800_000 })
    let failure: unknown = null
    let n = 0
    while (failure === null && n < 500) {
      expect(stores.ledger.writable).toBe(true)
      stores.limits.keepUse({ seq: n + 1, text: `use ${n}` })
      // The owner of the record that failed finds the ledger not writable already.
      failure = await new Promise(resolve => {
        stores.ledger.append(wide(n++), reason => resolve(reason && stores.ledger.writable === false))
      })
    }
    expect(failure).toBe(true)
    const untilProbed = () => new Promise(resolve => setTimeout(resolve, PROBE_INTERVAL_MS * 1.5))
    await untilProbed()
    expect(stores.ledger.writable).toBe(false)
    const db = new DatabaseSync(join(directory, LEDGER_FILE))
    db.exec('DELETE FROM attempts')
    db.close()
    for (let tries = 0; tries < 5 && !stores.ledger.writable; tries++) await untilProbed()
    expect(stores.ledger.writable).toBe(true)
    // Nobody asks twice for a use: that of the record that failed is there too.
    expect(Array.from(stores.limits.uses(), use => use.text)).toEqual(
      Array.from({ length: n }, (_, use) => `use ${use}`),
    )
    await durably(stores.ledger, wide(n))
    expect(await stores.ledger.receipt(wide(n).id)).toEqual(asKept(wide(n)))
    expect((await stores.ledger.balances()).map(({ account }) => account)).toEqual([
      'deployment:openai/gpt-5-mini',
      'key:ci',
    ])
    await stores.close()
    expect(stores.ledger.writable).toBe(false)
  })
})
