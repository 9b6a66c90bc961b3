import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describeLedger } from '../ledger.contract.ts'
import { openSqliteStores } from './open.ts'

describeLedger('SQLite', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'penstock-ledger-'))
  return {
    open: options => openSqliteStores({ directory, ...options }),
    remove: async () => rmSync(directory, { recursive: true, force: true }),
  }
})
