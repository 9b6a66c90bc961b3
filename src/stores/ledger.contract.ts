import { afterEach, beforeEach } from 'vitest'
import { describeCheckpoints } from './checkpoints.contract.ts'
import { Ground, type Home } from './ground.contract.ts'
import { describeKeys } from './keys.contract.ts'
import { describeAudits, describeLimits, describeUses } from './limits.contract.ts'
import { describePages, describeRecords } from './records.contract.ts'
import { describeRetention, describeUsage } from './usage.contract.ts'

/** What every adapter of LedgerStore, KeyStore and LimitStore has to hold; each test has a home of its own. */
export function describeLedger(name: string, makeHome: () => Promise<Home>): void {
  const ground = new Ground(makeHome)
  beforeEach(() => ground.prepare())
  afterEach(() => ground.clear())
  describeRecords(name, ground)
  describePages(name, ground)
  describeUsage(name, ground)
  describeRetention(name, ground)
  describeKeys(name, ground)
  describeLimits(name, ground)
  describeUses(name, ground)
  describeCheckpoints(name, ground)
  describeAudits(name, ground)
}
