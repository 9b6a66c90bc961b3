import type { IncomingHttpHeaders } from 'node:http'
import type { Key } from '../vocabulary/caller.ts'
import type { Refusal } from '../vocabulary/refusal.ts'
import { DEFAULT_TIER, type Tier } from '../vocabulary/tier.ts'

/** The class of service that a call is made in. */
export interface KnownTier {
  readonly tier: string
}

/**
 * Reads `x-penstock-tier`; without it a call is made in the first tier of its key, else in the default one.
 *
 * @param tiers all that there are
 * @returns a refusal where there is no such tier, or the key may not use it
 */
export function tierOf(headers: IncomingHttpHeaders, key: Key, tiers: readonly Tier[]): KnownTier | Refusal {
  const header = headers['x-penstock-tier']
  if (header === undefined) return ownTier(key, tiers)
  const tier = String(header).trim()
  if (!isTier(tier, tiers)) {
    const shown = JSON.stringify(tier.slice(0, 80))
    const message = `x-penstock-tier: expected one of ${tiers.map(({ name }) => name).join(', ')}; got ${shown}`
    return { cause: 'malformed', message }
  }
  if (key.tiers === null || key.tiers.includes(tier)) return { tier }
  const message = `the key '${key.name}' may not use the tier '${tier}': it may use ${key.tiers.join(', ')}`
  return { cause: 'tierNotAllowed', message }
}

/** A key that was made for tiers which the configuration has no more may not slip into another one. */
function ownTier(key: Key, tiers: readonly Tier[]): KnownTier | Refusal {
  if (key.tiers === null) return { tier: DEFAULT_TIER }
  const tier = key.tiers.find(name => isTier(name, tiers))
  if (tier !== undefined) return { tier }
  const message = `the key '${key.name}' may use only tiers that there are no more: ${key.tiers.join(', ')}`
  return { cause: 'tierNotAllowed', message }
}

function isTier(name: string, tiers: readonly Tier[]): boolean {
  return tiers.some(tier => tier.name === name)
}
