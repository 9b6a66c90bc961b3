/** Names that limits may be about. */
export interface Bound {
  readonly team: string
  readonly user: string
  readonly key: string
  readonly tag: string
  readonly model: string
}

const UNITS = ['requests', 'tokens', 'inputTokens', 'dollars'] as const
/** After so many the same scopes, units and windows come round again. */
const ROUND = 140

/** Limits of all counted units and all windows that bind every call of one caller and model, with room for everything. */
export function roomyLimits(count: number, { team, user, key, tag, model }: Bound): readonly object[] {
  if (count > 2 * ROUND) throw new RangeError(`no more than ${2 * ROUND} different limits`)
  const scopes = [
    'organisation',
    `team:${team}`,
    `user:${user}`,
    `key:${key}`,
    `tag:${tag}`,
    'each:key',
    `model:${model}`,
  ]
  return Array.from({ length: count }, (_, i) => {
    const unit = UNITS[i % UNITS.length]!
    const windows = [
      i < ROUND ? 'total' : { calendar: 'week' },
      { sliding: `${i + 1}m` },
      { anchored: `${i + 1}h` },
      { calendar: i < ROUND ? 'month' : 'day', timezone: 'America/New_York' },
      { cycle: 'month', from: `2026-01-${String(1 + (Math.floor(i / UNITS.length) % 28)).padStart(2, '0')}` },
    ]
    const amount = unit === 'dollars' ? '9000000' : 9_000_000_000_000_000
    return { scope: scopes[i % scopes.length], unit, amount, window: windows[Math.floor(i / 4) % windows.length] }
  })
}
