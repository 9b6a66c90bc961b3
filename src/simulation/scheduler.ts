import type { KvCache } from './kv-cache.ts'
import { knownTokens, type Sequence } from './sequence.ts'
import type { Batch } from './step-time.ts'
import type { WaitingQueue } from './waiting.ts'

/** Bounds of vLLM's scheduler. */
export interface SchedulerLimits {
  /** Tokens that a step computes at most (`max_num_batched_tokens`). */
  readonly stepTokens: number
  /** Sequences that run at once at most (`max_num_seqs`). */
  readonly maxSequences: number
  /** Longest chunk of one prompt in a step (`long_prefill_token_threshold`); 0 for no bound but the step's. */
  readonly longPrefillTokens: number
  /** Admit a sequence only if all it has so far fits (`scheduler_reserve_full_isl`). */
  readonly reserveFullPrompt: boolean
}

const DATACENTRE_GIB = 70

/**
 * vLLM's own defaults for a server: a large step and many sequences on an accelerator with at least 70 GiB that is no
 * A100, a small step and fewer sequences on others. Source: `get_batch_defaults` in vllm/engine/arg_utils.py.
 */
export function defaultLimits(accelerator: { readonly name: string; readonly memoryGib: number }): SchedulerLimits {
  const large = accelerator.memoryGib >= DATACENTRE_GIB && !accelerator.name.startsWith('A100')
  return {
    stepTokens: large ? 8192 : 2048,
    maxSequences: large ? 1024 : 256,
    longPrefillTokens: 0,
    reserveFullPrompt: true,
  }
}

/** What the scheduler works on. */
export interface Queues {
  readonly waiting: WaitingQueue
  /** In the order of their admission. */
  readonly running: Sequence[]
  readonly cache: KvCache
  readonly limits: SchedulerLimits
  /** Attention window of the model's windowed layers. */
  readonly windowTokens: number
  /** The first waiting sequence found no room: nothing changes that before blocks are given back. */
  admissionBlocked: boolean
}

/** What one step computes, and who was preempted for it. */
export interface Schedule extends Batch {
  decodeSequences: number
  prefillTokens: number
  contextTokens: number
  windowedContextTokens: number
  prefillPairs: number
  windowedPrefillPairs: number
  readonly preempted: Sequence[]
}

/**
 * Decides what the next step computes, as vLLM v1 does: first the running sequences in their order, then the waiting
 * ones, but those only if nobody was preempted. Each gets what it lacks, as far as the step's budget goes; when the
 * blocks run out, the newest running sequence is preempted, and the first waiting one that cannot be admitted ends the
 * admission.
 *
 * Source: vllm/v1/core/sched/scheduler.py.
 */
export function schedule(queues: Queues): Schedule {
  const plan: Schedule = {
    decodeSequences: 0,
    prefillTokens: 0,
    contextTokens: 0,
    windowedContextTokens: 0,
    prefillPairs: 0,
    windowedPrefillPairs: 0,
    preempted: [],
  }
  const left = scheduleRunning(queues, plan)
  if (plan.preempted.length === 0) admitWaiting(queues, plan, left)
  return plan
}

function scheduleRunning(queues: Queues, plan: Schedule): number {
  const { running, limits } = queues
  let budget = limits.stepTokens
  for (const sequence of running) sequence.scheduled = 0
  for (let i = 0; i < running.length && budget > 0; i++) {
    const sequence = running[i]!
    if (sequence.paused) continue
    const tokens = chunkOf(sequence, budget, limits)
    if (!makeRoom(queues, plan, { sequence, blocks: blocksAfter(queues, sequence, tokens) })) break
    take(queues, plan, sequence, tokens)
    budget -= tokens
  }
  return budget
}

function blocksAfter({ cache }: Queues, sequence: Sequence, tokens: number): number {
  return cache.blocksFor(sequence.computed + tokens)
}

function chunkOf(sequence: Sequence, budget: number, limits: SchedulerLimits): number {
  const lacking = knownTokens(sequence) - sequence.computed
  const most = limits.longPrefillTokens > 0 ? Math.min(budget, limits.longPrefillTokens) : budget
  return lacking < most ? lacking : most
}

/** Lends blocks, preempting the newest until there are enough. @returns false when the sequence itself had to go */
function makeRoom(queues: Queues, plan: Schedule, need: { sequence: Sequence; blocks: number }): boolean {
  const { cache, running, waiting } = queues
  while (!cache.extend(need.sequence.lease, need.blocks)) {
    // The newest never has been scheduled in this step yet, unless it is the one that needs the room.
    const newest = running.pop()!
    cache.release(newest.lease)
    queues.admissionBlocked = false
    newest.state = 'waiting'
    newest.computed = 0
    newest.preemptions++
    newest.scheduled = 0
    waiting.pushFront(newest)
    plan.preempted.push(newest)
    if (newest === need.sequence) return false
  }
  return true
}

function admitWaiting(queues: Queues, plan: Schedule, left: number): void {
  const { waiting, running, limits } = queues
  let budget = left
  while (budget > 0 && running.length < limits.maxSequences) {
    const sequence = waiting.peek()
    if (sequence === null) return
    const tokens = admit(queues, sequence, budget)
    queues.admissionBlocked = tokens === 0
    if (tokens === 0) return
    waiting.shift()
    sequence.state = 'running'
    running.push(sequence)
    take(queues, plan, sequence, tokens)
    budget -= tokens
  }
}

/** Lends a waiting sequence what is cached of it and the blocks of its first chunk. @returns 0 when there is no room */
function admit({ cache, limits }: Queues, sequence: Sequence, budget: number): number {
  const { lease } = sequence
  const known = knownTokens(sequence)
  const matched = cache.match(lease, known)
  const cached = matched * cache.blockTokens
  sequence.computed = cached
  const tokens = chunkOf(sequence, budget, limits)
  const needed = cache.blocksFor(limits.reserveFullPrompt ? known : cached + tokens)
  if (needed - matched + cache.freeAmong(lease, matched) > cache.free) {
    sequence.computed = 0
    return 0
  }
  cache.share(lease, matched)
  cache.extend(lease, cache.blocksFor(cached + tokens))
  if (sequence.cachedTokens < 0) sequence.cachedTokens = cached
  return tokens
}

/** Enters a sequence's tokens into the step and makes the blocks that it fills findable at once, as vLLM does. */
function take({ cache, windowTokens }: Queues, plan: Schedule, sequence: Sequence, tokens: number): void {
  const past = sequence.computed
  sequence.scheduled = tokens
  cache.index(sequence.lease, past + tokens)
  if (tokens === 1 && sequence.generated > 0 && past + 1 === knownTokens(sequence)) {
    const context = past + 1
    plan.decodeSequences++
    plan.contextTokens += context
    plan.windowedContextTokens += context < windowTokens ? context : windowTokens
    return
  }
  const middle = past + tokens / 2
  plan.prefillTokens += tokens
  plan.prefillPairs += tokens * middle
  plan.windowedPrefillPairs += tokens * (middle < windowTokens ? middle : windowTokens)
}
