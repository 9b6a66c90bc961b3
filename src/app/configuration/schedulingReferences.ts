import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import type { Configuration, DeclaredKey } from './configuration.ts'
import type { ConfigurationDocument } from './document.ts'
import { type Fault, formatPath } from './fault.ts'
import { isKeyName, isLabel, isShortName, SHORT_NAME_RULE } from './names.ts'
import { at, checkReference, entries, type Faults, items, type Spot } from './walk.ts'

/** Tiers that a file may have besides the default ones. */
const MAX_TIERS = 32

interface Tenant {
  readonly kind: 'team' | 'key'
  readonly name: string
}

/** @returns null for what names no tenant */
function tenantOf(text: string): Tenant | null {
  const found = /^(team|key):(.+)$/su.exec(text)
  if (found === null) return null
  const [, kind, name] = found as unknown as [string, Tenant['kind'], string]
  return (kind === 'team' ? isLabel(name) : isKeyName(name)) ? { kind, name } : null
}

/** Checks names of tiers and of tenants, and the tiers that keys are limited to. */
export function checkScheduling(faults: Faults, root: Spot): void {
  const tiers = entries(at(root, 'tiers'))
  for (const { name, spot } of tiers) {
    if (!isShortName(name)) faults.addToName(spot, 'cannot be the name of a tier', SHORT_NAME_RULE)
  }
  if (tiers.length > MAX_TIERS) faults.addToName(at(root, 'tiers'), 'has too many tiers', `at most ${MAX_TIERS}`)
  for (const { name, spot } of entries(at(root, 'shares'))) {
    if (tenantOf(name) === null) faults.addToName(spot, 'is no tenant', 'team:NAME or key:NAME')
  }
  const known = [...new Set([...DEFAULT_TIERS.map(({ name }) => name), ...tiers.map(({ name }) => name)])]
  for (const key of items(at(root, 'keys'))) {
    for (const tier of items(at(key, 'tiers'))) checkReference(faults, tier, { known, what: 'tier' })
  }
}

/** A key with a team shares that team's part and has none of its own. */
function isTenant({ kind, name }: Tenant, key: DeclaredKey): boolean {
  return kind === 'team' ? key.team === name : key.name === name && key.team === null
}

/**
 * Shares that no declared key has: right where keys are made in the admin API, and else a slip of the pen that leaves a
 * tenant with less than it was meant to have.
 */
export function shareWarnings(
  { scheduling, keys, source }: Configuration,
  document: Pick<ConfigurationDocument, 'placeOfName'>,
): readonly Fault[] {
  if (keys.length === 0) return []
  return Object.keys(scheduling.shares).flatMap((share): Fault[] => {
    const tenant = tenantOf(share)
    if (tenant === null || keys.some(key => isTenant(tenant, key))) return []
    const path = ['shares', share]
    const whole = keys.find(key => tenant.kind === 'key' && key.name === tenant.name)
    const problem = whole
      ? `does nothing: the key is of the team ${whole.team}, whose share it has`
      : 'is the share of nobody in this file: only of a key that the admin API makes'
    return [{ file: source, ...document.placeOfName(path), path: formatPath(path), problem, expected: '' }]
  })
}
