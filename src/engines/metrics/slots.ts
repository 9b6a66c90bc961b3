import type { EngineLoad } from '../../ports/fleet.ts'
import type { Tokens } from '../../units/tokens.ts'

/** What llama.cpp's slots say: how many there are, how many are taken, what their contexts hold together. */
export interface Slots {
  readonly count: number
  /** Null where only their number is told. */
  readonly taken: number | null
  readonly tokens: Tokens | null
}

/** No server has more. */
const MAX_SLOTS = 65_536

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const wholeOf = (value: unknown): number | null =>
  Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : null

/** Reads the answer of `GET /props`; null where it says nothing of slots. */
export function readProps(text: string): Slots | null {
  const props = parsed(text)
  if (!isRecord(props)) return null
  const count = wholeOf(props.total_slots)
  if (count === null || count > MAX_SLOTS) return null
  const settings = props.default_generation_settings
  const context = isRecord(settings) ? wholeOf(settings.n_ctx) : null
  return { count, taken: null, tokens: context === null ? null : context * count }
}

/** Reads the answer of `GET /slots`; null where it is no list of slots. Older versions say `state`, 0 for idle. */
export function readSlots(text: string): Slots | null {
  const slots = parsed(text)
  if (!Array.isArray(slots) || slots.length === 0 || slots.length > MAX_SLOTS || !slots.every(isRecord)) return null
  const busy = slots.map(slot => (typeof slot.state === 'number' ? slot.state !== 0 : slot.is_processing))
  const contexts = slots.map(slot => wholeOf(slot.n_ctx))
  return {
    count: slots.length,
    taken: busy.every(one => typeof one === 'boolean') ? busy.filter(one => one).length : null,
    tokens: contexts.some(context => context === null) ? null : contexts.reduce<number>((all, one) => all + one!, 0),
  }
}

/** What metrics and slots say together; the metrics go first. Null where neither says anything. */
export function withSlots(load: EngineLoad | null, slots: Slots | null): EngineLoad | null {
  if (slots === null) return load
  return {
    running: load?.running ?? slots.taken,
    waiting: load?.waiting ?? null,
    kvUse: load?.kvUse ?? null,
    kvTokens: load?.kvTokens ?? slots.tokens,
    maxRunning: load?.maxRunning ?? slots.count,
  }
}
