const UNITS: Readonly<Record<string, number>> = { KB: 1_000, MB: 1_000_000, GB: 1_000_000_000 }

/**
 * Reads a size as configuration writes it: `200KB`, `512MB`, `1.5GB`; decimal, so that 1 MB is 1,000,000 bytes.
 *
 * @returns whole bytes, or null when the text is no size
 */
export function parseSize(text: string): number | null {
  const found = /^(\d{1,9}(?:\.\d{1,3})?)(KB|MB|GB)$/.exec(text.trim())
  return found ? Math.round(Number(found[1]) * UNITS[found[2]!]!) : null
}
