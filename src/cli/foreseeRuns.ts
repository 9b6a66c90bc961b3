import { formatFaults } from '../app/configuration/fault.ts'
import { type LoadedFleet, loadFleet } from '../app/rehearsal/load.ts'
import { loadTrace } from '../replay/load.ts'
import { seededUniform } from '../traces/draws.ts'
import type { Trace, TraceRequest } from '../traces/trace.ts'
import type { Curves } from '../twin/curves.ts'
import type { Report } from '../twin/report.ts'
import { type Casting, castTraffic } from '../twin/traffic.ts'
import type { Policy } from '../twin/twin.ts'
import { Twin } from '../twin/twin.ts'
import { DEFAULT_TIER } from '../vocabulary/tier.ts'
import { CommandFailure, WRONG_USAGE } from './failure.ts'
import type { Draw, ForeseeOptions, Sweep } from './foreseeOptions.ts'

/** What is rehearsed: a recording, a fleet, and the variants of it. */
export interface Plan {
  readonly trace: Trace
  readonly fleet: LoadedFleet
  readonly variants: readonly Variant[]
}

/** One row of a report. */
export interface Variant {
  readonly policy: Policy
  /** What is varied and its value here; null where nothing is. */
  readonly varied: { readonly name: string; readonly value: number } | null
  readonly upstream: string | null
  readonly speed: number
}

export interface Row {
  readonly variant: Variant
  readonly report: Report
  readonly curves: Curves
}

/** Where a recording does not say who sent a request, all come from one. */
const EVERYBODY = 'all'
/** Streams of chance that have nothing to do with each other. */
const [TIER_STREAM, TENANT_STREAM] = [1, 2]
/** So many events until progress is told and signals are looked at: some milliseconds. */
const SLICE_EVENTS = 10_000
const PROGRESS_MS = 1_000

/**
 * Reads everything that a rehearsal needs.
 *
 * @throws CommandFailure with every fault of the fleet file, TraceError for the trace
 */
export async function prepare(path: string, options: ForeseeOptions, env: NodeJS.ProcessEnv): Promise<Plan> {
  const { loaded, faults } = loadFleet({ path: options.fleet, env })
  if (faults !== undefined) throw new CommandFailure(formatFaults(faults), WRONG_USAGE)
  checkNames(options, loaded)
  const trace = await loadTrace(path, {
    seed: options.seed,
    requests: options.requests,
    durationMs: options.duration,
    sessionsPerHour: options.sessionsPerHour,
    fromMs: options.from,
    lengthsPath: options.lengths,
  })
  const longest = { promptTokens: 0, outputTokens: 0 }
  for (const { inputTokens, outputTokens } of trace.requests) {
    longest.promptTokens = Math.max(longest.promptTokens, inputTokens)
    longest.outputTokens = Math.max(longest.outputTokens, outputTokens)
  }
  const notes = [...trace.notes, ...loaded.extrapolations(longest)]
  return { trace: { ...trace, notes }, fleet: loaded, variants: variantsOf(options, loaded) }
}

function checkNames({ model, tiers, fleet }: ForeseeOptions, { models, tiers: known }: LoadedFleet): void {
  if (model !== undefined && !models.includes(model)) {
    throw new CommandFailure(`--model ${model}: expected a model of ${fleet}: ${models.join(', ')}`, WRONG_USAGE)
  }
  const stranger = tiers?.find(({ name }) => !known.includes(name))
  if (stranger !== undefined) {
    throw new CommandFailure(`--tiers ${stranger.name}: expected tiers of ${fleet}: ${known.join(', ')}`, WRONG_USAGE)
  }
}

function variantsOf({ policy, sweep, speed, fleet }: ForeseeOptions, { upstreams }: LoadedFleet): readonly Variant[] {
  if (sweep === null) return policy.map(name => ({ policy: name, varied: null, upstream: null, speed }))
  const upstream = sweep.of === 'speed' ? null : sweptUpstream(sweep, upstreams, fleet)
  const name = upstream === null ? 'speed' : `${upstream}.replicas`
  return sweep.values.flatMap(value =>
    policy.map(each => ({
      policy: each,
      varied: { name, value },
      upstream,
      speed: sweep.of === 'speed' ? value : speed,
    })),
  )
}

function sweptUpstream({ upstream }: Sweep, upstreams: readonly string[], fleet: string): string {
  const [only, ...others] = upstreams
  if (upstream === null && others.length === 0) return only!
  if (upstream !== null && upstreams.includes(upstream)) return upstream
  const asked = upstream === null ? '--sweep replicas' : `--sweep ${upstream}.replicas`
  throw new CommandFailure(`${asked}: expected an upstream of ${fleet}: ${upstreams.join(', ')}`, WRONG_USAGE)
}

/** Rehearses every variant, one after the other. */
export async function rehearse(plan: Plan, options: ForeseeOptions): Promise<readonly Row[]> {
  const progress = await openProgress(options.progress === true)
  try {
    const rows: Row[] = []
    for (const [place, variant] of plan.variants.entries()) {
      const name = plan.variants.length > 1 ? `${place + 1} of ${plan.variants.length}, ${nameOf(variant)}: ` : ''
      const twin = await rehearseOne(plan, { variant, options }, text => progress.tell(name + text))
      rows.push({ variant, report: twin.report(), curves: twin.curves() })
    }
    return rows
  } finally {
    progress.stop()
  }
}

export function nameOf({ policy, varied }: Variant): string {
  return varied === null ? policy : `${policy}, ${varied.name} ${varied.value}`
}

async function rehearseOne(
  { trace, fleet }: Plan,
  { variant, options }: { readonly variant: Variant; readonly options: ForeseeOptions },
  tell: (text: string) => void,
): Promise<Twin> {
  const { upstream, varied, policy, speed } = variant
  const counts = upstream === null ? {} : { [upstream]: varied!.value }
  const twin = new Twin({
    fleet: fleet.fleet(counts),
    traffic: castTraffic([castingOf(trace, { fleet, options, speed })]),
    targets: fleet.targets,
    policy,
    seed: options.seed,
  })
  while (!twin.run(SLICE_EVENTS)) {
    const { ended, requests, virtualMs } = twin.progress
    tell(`${ended} of ${requests} requests, ${Math.round(virtualMs / 1000)} virtual seconds`)
    await new Promise(resolve => setImmediate(resolve))
  }
  return twin
}

function castingOf(
  trace: Trace,
  of: { readonly fleet: LoadedFleet; readonly options: ForeseeOptions; readonly speed: number },
): Casting {
  const { models } = of.fleet
  const { seed, tiers, tenants, model } = of.options
  const only = model ?? (models.length === 1 ? models[0]! : null)
  const tierOf = drawing(tiers, seed, TIER_STREAM)
  const tenantOf = drawing(tenants, seed, TENANT_STREAM)
  return {
    trace,
    speed: of.speed,
    model: recorded => only ?? (recorded !== null && models.includes(recorded) ? recorded : null),
    tier: request => tierOf?.(request) ?? DEFAULT_TIER,
    tenant: request => tenantOf?.(request) ?? request.tenant ?? EVERYBODY,
  }
}

/** Draws a name for each conversation, or for each request that belongs to none. */
function drawing(draw: Draw | undefined, seed: number, stream: number): ((request: TraceRequest) => string) | null {
  if (draw === undefined) return null
  const uniform = seededUniform(seed, stream)
  const whole = draw.reduce((sum, { share }) => sum + share, 0)
  const known = new Map<string, string>()
  const next = () => {
    let left = uniform() * whole
    for (const { name, share } of draw) {
      left -= share
      if (left < 0) return name
    }
    return draw.at(-1)!.name
  }
  return ({ session }) => {
    if (session === null) return next()
    const name = known.get(session) ?? next()
    known.set(session, name)
    return name
  }
}

interface ProgressView {
  tell(text: string): void
  stop(): void
}

/** A line that changes on a terminal; elsewhere a line every second where that is wanted, and else nothing. */
async function openProgress(isWanted: boolean): Promise<ProgressView> {
  // One that does not know its width would get line after line.
  const isTerminal = process.stderr.isTTY && process.stderr.columns > 0
  if (isTerminal) {
    const { default: ora } = await import('ora')
    const spinner = ora({ stream: process.stderr, discardStdin: false }).start('reading')
    return {
      tell: text => {
        spinner.text = text
      },
      stop: () => spinner.stop(),
    }
  }
  if (!isWanted) return { tell: () => {}, stop: () => {} }
  let toldAt = performance.now()
  return {
    tell: text => {
      if (performance.now() - toldAt < PROGRESS_MS) return
      toldAt = performance.now()
      process.stderr.write(`${text}\n`)
    },
    stop: () => {},
  }
}
