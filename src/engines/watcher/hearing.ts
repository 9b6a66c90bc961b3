import type { Clock } from '../../ports/clock.ts'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { DurationMs, MonotonicMs } from '../../units/time.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import { loadOf } from '../metrics/load.ts'
import { readProps, readSlots, type Slots, withSlots } from '../metrics/slots.ts'
import type { Ask } from './ask.ts'

/** Asks an engine in its own way how it is; null where it does not say. Never fails. */
export type Hear = () => Promise<EngineLoad | null>

/** Where metrics are, the likeliest first. trtllm-serve has statistics in JSON at `/metrics`; Triton has Prometheus there. */
const PATHS: Readonly<Record<Exclude<EngineKind, 'simulated'>, readonly string[]>> = {
  vllm: ['/metrics'],
  sglang: ['/metrics'],
  trtllm: ['/prometheus/metrics', '/metrics'],
  llamacpp: ['/metrics'],
}

/** The number of slots is fixed when llama.cpp starts, and another may have started in its place. */
const SLOTS_KEPT_MS: DurationMs = 10_000

/** How an engine of that kind is asked. */
export function hearerOf(kind: Exclude<EngineKind, 'simulated'>, ask: Ask, clock: Clock): Hear {
  const metrics = askMetrics(kind, ask)
  return kind === 'llamacpp' ? besideSlots(metrics, ask, clock) : metrics
}

/** Stays with the path that last said something. */
function askMetrics(kind: Exclude<EngineKind, 'simulated'>, ask: Ask): Hear {
  let paths = PATHS[kind]
  return async () => {
    for (const path of paths) {
      const text = await ask(path)
      const load = text === null ? null : loadOf(kind, text)
      if (load === null) continue
      paths = [path, ...paths.filter(other => other !== path)]
      return load
    }
    return null
  }
}

/**
 * llama.cpp has no metrics unless it is told to, and never says there how many calls it runs at most: that `/props` says, and
 * `/slots` says besides what is taken. `/slots?fail_on_no_slot` says less than `/slots`, so it isn't asked.
 */
function besideSlots(metrics: Hear, ask: Ask, clock: Clock): Hear {
  let kept: Slots | null = null
  let askedAt: MonotonicMs = Number.NEGATIVE_INFINITY

  async function keptSlots(): Promise<Slots | null> {
    if (clock.monotonic() - askedAt < SLOTS_KEPT_MS) return kept
    askedAt = clock.monotonic()
    kept = (await read('/props', readProps)) ?? (await read('/slots', readSlots))
    return kept
  }

  async function read(path: string, parse: (text: string) => Slots | null): Promise<Slots | null> {
    const text = await ask(path)
    return text === null ? null : parse(text)
  }

  return async () => {
    const load = await metrics()
    if (load === null) return withSlots(null, (await read('/slots', readSlots)) ?? (await read('/props', readProps)))
    const slots = await keptSlots()
    // What was taken when the slots were counted is over.
    return withSlots(load, slots === null ? null : { ...slots, taken: null })
  }
}
