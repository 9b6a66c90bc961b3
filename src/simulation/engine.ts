import type { Joules } from '../units/energy.ts'
import type { DurationMs } from '../units/time.ts'
import { decodeRun, planRun, type RunLimits } from './decode-run.ts'
import { KvCache } from './kv-cache.ts'
import { busyMs, energy, type PowerModel } from './power.ts'
import { type Queues, type Schedule, type SchedulerLimits, schedule } from './scheduler.ts'
import { knownTokens, newSequence, type Sequence, type SequenceRequest } from './sequence.ts'
import { type Batch, type StepCosts, stepTime } from './step-time.ts'
import { WaitingQueue } from './waiting.ts'

/** What an engine is made of. */
export interface EngineOptions {
  readonly costs: StepCosts
  readonly power: PowerModel
  readonly limits: SchedulerLimits
  /** Blocks of the KV cache, with vLLM's null block; Infinity for a cache without bound. */
  readonly kvBlocks: number
  readonly blockTokens: number
  /** Whether every step tells each sequence's new tokens; a rehearsal needs only the first and the last. */
  readonly tokenEvents: boolean
}

/** What happened to a sequence at the end of a step. */
export type EngineEvent =
  /** The prompt is computed: the first token is there. */
  | { readonly kind: 'firstToken'; readonly id: number; readonly cachedTokens: number }
  /** So many tokens more, the first one not among them. */
  | { readonly kind: 'tokens'; readonly id: number; readonly count: number }
  /** The last token is there too. Comes after the event of that token. */
  | {
      readonly kind: 'finished'
      readonly id: number
      readonly cachedTokens: number
      readonly outputTokens: number
      readonly preemptions: number
    }
  /** Its blocks were taken at the beginning of the step; it waits to be computed again. Tokens that it has told remain. */
  | { readonly kind: 'preempted'; readonly id: number }

/** What the engine did. */
export interface StepOutcome {
  /** From the beginning of the first step to the end of the last one; 0 when there was nothing to do. */
  readonly durationMs: DurationMs
  /** Steps of the model; more than one when nothing happened between them. 0 when there was nothing to do. */
  readonly steps: number
  /** Of all accelerators of the replica over that time. */
  readonly joules: Joules
  readonly events: readonly EngineEvent[]
}

/** One replica of a simulated engine. Everything in it changes only by the functions below, and without chance. */
export interface Engine extends Queues {
  readonly options: EngineOptions
  readonly sequences: Map<number, Sequence>
}

/** Limits of a step that is watched as it goes: one at a time. */
export const ONE_STEP: RunLimits = { maxSteps: 1, horizonMs: 0 }

const NOTHING: StepOutcome = { durationMs: 0, steps: 0, joules: 0, events: [] }

export function createEngine(options: EngineOptions): Engine {
  return {
    options,
    waiting: new WaitingQueue(),
    running: [],
    cache: new KvCache(options.kvBlocks, options.blockTokens),
    limits: options.limits,
    windowTokens: options.costs.shape.model.windowTokens,
    admissionBlocked: false,
    sequences: new Map(),
  }
}

/**
 * Queues a request.
 *
 * @returns false, with nothing changed, when prompt and output together could never fit into the cache
 * @throws RangeError for a request without tokens or with an id that is in use
 */
export function submit(engine: Engine, request: SequenceRequest): boolean {
  const { promptTokens, outputTokens, id } = request
  if (!(promptTokens >= 1) || !(outputTokens >= 1)) throw new RangeError('a sequence needs a prompt and an output')
  if (engine.sequences.has(id)) throw new RangeError(`sequence ${id} is under way already`)
  if (engine.cache.blocksFor(promptTokens + outputTokens) > engine.cache.capacity) return false
  const sequence = newSequence(request)
  engine.sequences.set(id, sequence)
  engine.waiting.push(sequence)
  return true
}

/** Ends a sequence at once and frees its blocks. Harmless when it has ended or never was. */
export function abort(engine: Engine, id: number): void {
  const sequence = engine.sequences.get(id)
  if (sequence === undefined) return
  if (sequence.state === 'waiting') engine.waiting.remove()
  else engine.running.splice(engine.running.indexOf(sequence), 1)
  end(engine, sequence)
}

/** Holds a sequence back, or lets it go on: a paused one keeps its blocks and gets no tokens. */
export function setPaused(engine: Engine, id: number, paused: boolean): void {
  const sequence = engine.sequences.get(id)
  if (sequence !== undefined) sequence.paused = paused
}

/**
 * Does the next step, or as many as pass without an event. What it returns is true at the end of the time that it
 * says; requests that come meanwhile are scheduled after that, as with a real engine.
 *
 * @param limits how many steps may be joined, and for how long
 */
export function step(engine: Engine, limits: RunLimits = ONE_STEP): StepOutcome {
  const run = mayRun(engine) ? decodeRun(engine, engine.options.costs, limits) : null
  if (run !== null) {
    const events: EngineEvent[] = []
    settle(engine, events)
    return outcome(engine, run, events)
  }
  return scheduledStep(engine)
}

const WHOLE_RUN: RunLimits = { maxSteps: Number.MAX_SAFE_INTEGER, horizonMs: Number.POSITIVE_INFINITY }

/**
 * How long nothing but decoding happens if nobody asks for anything meanwhile. Changes nothing: `step` with a horizon
 * carries the run out as far as it got, and its whole length at most.
 *
 * @returns 0 when the next step has to be scheduled by itself, or when there is nothing to do
 */
export function quietMs(engine: Engine): DurationMs {
  return mayRun(engine) ? (planRun(engine, engine.options.costs, WHOLE_RUN)?.durationMs ?? 0) : 0
}

/** Whether a request that comes now waits until one of the running sequences has ended, whatever it is. */
export function isFull({ waiting, running, limits, admissionBlocked }: Engine): boolean {
  return waiting.length > 0 && (running.length >= limits.maxSequences || admissionBlocked)
}

/** Whether nothing can be admitted before one of the running sequences ends. */
function mayRun({ waiting, running, limits, admissionBlocked }: Engine): boolean {
  return running.length > 0 && (waiting.length === 0 || running.length >= limits.maxSequences || admissionBlocked)
}

function scheduledStep(engine: Engine): StepOutcome {
  const events: EngineEvent[] = []
  let plan = schedule(engine)
  tellPreempted(plan, events)
  // Where everybody was preempted for a sequence that had to go itself, the next schedule admits again.
  if (isEmpty(plan) && plan.preempted.length > 0) {
    plan = schedule(engine)
    tellPreempted(plan, events)
  }
  if (isEmpty(plan)) return events.length > 0 ? { ...NOTHING, events } : NOTHING
  const durationMs = stepTime(engine.options.costs, plan)
  for (const sequence of engine.running) {
    sequence.computed += sequence.scheduled
    if (sequence.scheduled > 0 && sequence.computed === knownTokens(sequence)) sequence.generated++
    else sequence.scheduled = 0
  }
  settle(engine, events)
  return outcome(engine, { steps: 1, durationMs, batch: plan }, events)
}

function isEmpty(plan: Schedule): boolean {
  return plan.decodeSequences === 0 && plan.prefillTokens === 0
}

function tellPreempted(plan: Schedule, events: EngineEvent[]): void {
  for (const { id } of plan.preempted) events.push({ kind: 'preempted', id })
}

/** Tells what the sequences got, and lets those go that have all. `scheduled` is not 0 for those that got tokens. */
function settle(engine: Engine, events: EngineEvent[]): void {
  const { running } = engine
  let kept = 0
  for (const sequence of running) {
    if (sequence.scheduled > 0) tellTokens(sequence, engine.options.tokenEvents, events)
    sequence.scheduled = 0
    if (sequence.generated >= sequence.outputTokens) end(engine, sequence)
    else running[kept++] = sequence
  }
  running.length = kept
}

function tellTokens(sequence: Sequence, everyToken: boolean, events: EngineEvent[]): void {
  const { id, cachedTokens, generated, outputTokens } = sequence
  // A step that computes a prompt gives one token, whatever it scheduled; a run of decode steps gives one each.
  if (generated === 1) events.push({ kind: 'firstToken', id, cachedTokens })
  else if (everyToken) events.push({ kind: 'tokens', id, count: generated - sequence.told })
  sequence.told = generated
  if (generated >= outputTokens) {
    events.push({ kind: 'finished', id, cachedTokens, outputTokens: generated, preemptions: sequence.preemptions })
  }
}

function end(engine: Engine, sequence: Sequence): void {
  sequence.state = 'ended'
  engine.admissionBlocked = false
  engine.cache.release(sequence.lease)
  engine.sequences.delete(sequence.id)
}

interface Done {
  readonly steps: number
  readonly durationMs: DurationMs
  readonly batch: Batch
}

function outcome(engine: Engine, { steps, durationMs, batch }: Done, events: readonly EngineEvent[]): StepOutcome {
  const { costs, power } = engine.options
  const accelerators = costs.shape.tensorParallel * costs.shape.dataParallel
  const joules = accelerators * energy(power, { durationMs, ...busyMs(costs, batch, steps) })
  return { durationMs, steps, joules, events }
}
