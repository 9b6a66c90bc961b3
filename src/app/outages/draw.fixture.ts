import { randomFrom } from '../../engines/faults/choose.ts'
import {
  DEFAULT_TOKENS,
  DEFAULT_WAIT_MS,
  FAULT_KINDS,
  type Fault,
  type FaultKind,
  RETRY_AFTER_FORMS,
} from '../../engines/faults/plan.ts'
import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import type { Resilience } from '../../vocabulary/resilience.ts'
import { ROUTES } from '../../vocabulary/route.ts'

/** How an upstream is besides what a plan does to it. */
export type Way =
  | 'well'
  /** It gives other answers than all others. */
  | 'stranger'
  /** It takes no conversation that ends with an assistant's message. */
  | 'noPrefill'
  /** It takes no long prompts. */
  | 'short'

const WAYS: readonly Way[] = ['stranger', 'stranger', 'noPrefill', 'short']

export interface Upstream {
  readonly deployment: Deployment
  readonly way: Way
  /** Simulated seconds in a second. */
  readonly speed: number
  /** Nano-dollars a token, whole. */
  readonly price: { readonly input: number; readonly cachedInput: number; readonly output: number }
}

export interface PlannedCall {
  readonly id: string
  /** After the start. */
  readonly atMs: number
  readonly key: string
  readonly endpoint: CalledEndpoint
  readonly streamed: boolean
  readonly prompt: string
  readonly maxTokens: number | null
  readonly deadlineMs: number | null
  /** When the caller leaves, after it asked; null for a patient one. */
  readonly leavesMs: number | null
  /** After every so many writes it is full, for so long; null for one that reads at once. */
  readonly slow: { readonly writes: number; readonly ms: number } | null
}

export type CalledEndpoint = Extract<Endpoint, 'chat/completions' | 'messages' | 'responses'>

/** All that is drawn for one history. */
export interface Plan {
  readonly seed: number
  readonly upstreams: readonly Upstream[]
  readonly model: Model
  readonly faults: readonly Fault[]
  /** As configuration writes them. */
  readonly limits: readonly Record<string, unknown>[]
  readonly calls: readonly PlannedCall[]
  /** Calls that the model had answered before. */
  readonly answeredBefore: number
  /** How long the disk takes for a record. */
  readonly commitMs: number
}

const ENDPOINTS: readonly CalledEndpoint[] = ['chat/completions', 'messages', 'responses']
const KEYS = ['a', 'b', 'c', 'd'] as const
/** Of everybody, and never reached: what they count is what all records say. */
export const COUNTING = [
  { scope: 'organisation', unit: 'dollars', amount: '9000000', window: 'total' },
  { scope: 'organisation', unit: 'tokens', amount: 1_000_000_000, window: 'total' },
  { scope: 'organisation', unit: 'requests', amount: 1_000_000_000, window: 'total' },
]

export class Draw {
  readonly #random: () => number

  constructor(seed: number) {
    this.#random = randomFrom(seed)
  }

  below(count: number): number {
    return Math.floor(this.#random() * count)
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }

  /** In this share of cases. */
  may(share: number): boolean {
    return this.#random() < share
  }
}

/** What a history is about more than about anything else, so that what is rare alone meets what it needs. */
const LEANINGS = ['anything', 'breaks', 'retries', 'limits'] as const
type Leaning = (typeof LEANINGS)[number]

/** How callers come. */
interface Manner {
  readonly leaning: Leaning
  /** Many calls of few words. */
  readonly isLong: boolean
  readonly isInBursts: boolean
}

export function planOf(seed: number): Plan {
  const draw = new Draw(seed)
  const leaning = LEANINGS[seed % LEANINGS.length]!
  const manner = { leaning, isLong: draw.may(0.1), isInBursts: draw.may(0.3) }
  const upstreams = Array.from({ length: leaning === 'breaks' ? 3 : 1 + draw.below(3) }, (_, place) =>
    upstreamOf(draw, place, leaning),
  )
  const length = manner.isLong ? 50 : 8 + draw.below(12)
  const calls = Array.from({ length }, (_, place) => callOf(draw, place, manner))
  return {
    seed,
    upstreams,
    model: {
      name: 'fast',
      deployments: upstreams.map(({ deployment }) => deployment),
      route: draw.of(ROUTES),
      maxOutputTokens: draw.may(0.3) ? 400 : null,
      resilience: resilienceOf(draw, leaning, upstreams.length),
      createdAt: 0,
    },
    faults: Array.from({ length: draw.below(4) }, () => faultOf(draw, upstreams, leaning)),
    limits: [...COUNTING, ...limitsOf(draw, leaning)],
    calls,
    answeredBefore: draw.may(0.5) ? 40 + draw.below(200) : 0,
    commitMs: draw.of([0, 1, 30]),
  }
}

function upstreamOf(draw: Draw, place: number, leaning: Leaning): Upstream {
  const upstream = `up${place}`
  const grams = draw.may(0.7) ? { perInputToken: draw.below(5) / 1_000, perOutputToken: draw.below(9) / 1_000 } : null
  const input = 1_000 * (1 + draw.below(3))
  return {
    deployment: {
      name: `${upstream}/m`,
      upstream,
      model: 'm',
      dialects: place > 0 && draw.may(0.1) ? ['openai'] : ['openai', 'anthropic'],
      engine: draw.may(0.1) ? 'trtllm' : draw.may(0.5) ? 'simulated' : null,
      replicas: 1 + draw.below(3),
      grams,
    },
    way: draw.may(leaning === 'breaks' ? 0.4 : 0.6) ? 'well' : draw.of(WAYS),
    speed: draw.of([0.5, 2, 10]),
    price: { input, cachedInput: input / 4, output: input * draw.of([1, 4, 5]) },
  }
}

function resilienceOf(draw: Draw, leaning: Leaning, deployments: number): Resilience {
  return {
    attempts: 1 + draw.below(5),
    connectMs: 500,
    timeLimits: {
      // Where somebody else can be asked nobody is waited for without a bound.
      firstTokenMs: draw.of([deployments > 1 ? 800 : null, 300, 2_000]),
      idleMs: draw.of([null, 300, 2_000]),
      totalMs: draw.of([3_000, 12_000, 40_000]),
    },
    hedgeAfterMs: draw.of([null, 20, 200, 900]),
    onCut: draw.may(leaning === 'breaks' ? 0.9 : 0.5) ? 'continue' : 'fail',
    drainMs: draw.of([null, 100, 1_500, 20_000]),
    breaker: { failures: draw.of([1, 2, 3, 5]), withinMs: 10_000, openMs: draw.of([1_000, 4_000]) },
  }
}

const STATUSES = [400, 401, 403, 404, 413, 422, 429, 429, 429, 500, 502, 503, 503, 529]

/** By which streams break that have shown something. */
const BREAKS: readonly FaultKind[] = ['cut', 'endWithoutTerminal', 'halfFrame', 'errorEvent', 'stall']

function faultOf(draw: Draw, upstreams: readonly Upstream[], leaning: Leaning): Fault {
  const isLeaning = draw.may(0.6)
  const kind = isLeaning && leaning === 'breaks' ? draw.of(BREAKS) : draw.of(FAULT_KINDS)
  if (isLeaning && leaning === 'breaks') return { ...anyFault(draw, upstreams, kind), tokens: draw.of(BREAK_TOKENS) }
  if (isLeaning && leaning === 'retries') return { ...anyFault(draw, upstreams, 'status'), ...refusing(draw) }
  return anyFault(draw, upstreams, kind)
}

const BREAK_TOKENS = [3, 21, 25, 30, 40, 110]

/** Upstreams that ask to be left alone for a while. */
function refusing(draw: Draw): Partial<Fault> {
  const retryAfter = { ms: draw.of([300, 1_500, 2_000, 9_000]), form: draw.of(RETRY_AFTER_FORMS) }
  return { status: draw.of([429, 503, 500]), share: draw.of([0.3, 0.7]), retryAfter: draw.may(0.7) ? retryAfter : null }
}

function anyFault(draw: Draw, upstreams: readonly Upstream[], kind: FaultKind): Fault {
  const { deployment } = draw.of(upstreams)
  const forMs = draw.of([null, 3_000, 10_000])
  const status = draw.of(STATUSES)
  const retryAfter = { ms: draw.of([300, 1_500, 2_000, 9_000]), form: draw.of(RETRY_AFTER_FORMS) }
  return {
    upstream: draw.may(0.2) ? '*' : draw.may(0.5) ? deployment.upstream : deployment.name,
    replica: draw.may(0.2) ? draw.below(deployment.replicas) : null,
    kind,
    share: draw.of([0.3, 0.7, 1]),
    afterMs: draw.of([0, 0, 5_000]),
    forMs,
    everyMs: forMs !== null && draw.may(0.5) ? forMs + draw.of([1_000, 5_000]) : null,
    tokens: draw.may(0.6) ? draw.of([draw.below(30), draw.below(30), 110]) : (DEFAULT_TOKENS[kind] ?? 0),
    waitMs: draw.may(0.5) ? draw.of([50, 400]) : (DEFAULT_WAIT_MS[kind] ?? 0),
    status,
    retryAfter: draw.may(status === 429 || status === 503 ? 0.7 : 0.1) ? retryAfter : null,
  }
}

/** Limits that are tight for some keys. */
function limitsOf(draw: Draw, leaning: Leaning): readonly Record<string, unknown>[] {
  const all = [
    { scope: 'key:a', unit: 'dollars', amount: draw.of(['0.002', '0.006', '0.03']), window: 'total' },
    { scope: 'key:b', unit: 'outputTokens', amount: draw.of([60, 200, 700]), window: { anchored: '10s' } },
    { scope: 'each:user', unit: 'tokens', amount: draw.of([250, 900]), window: { sliding: '20s' } },
    { scope: 'key:c', unit: 'inputTokens', amount: draw.of([200, 900]), window: 'total' },
    { scope: 'upstream:up0', unit: 'dollars', amount: draw.of(['0.002', '0.01']), window: 'total' },
  ]
  return all.filter(() => draw.may(leaning === 'limits' ? 0.8 : 0.2))
}

const PROMPTS = [
  'Is the pump well?',
  'How high does the water stand?',
  'Who opened the second gate, and when was that?',
]
const LONG_PROMPT = `${'Of all the gates along this river, count those that are open. '.repeat(6)}How many?`

function callOf(draw: Draw, place: number, { leaning, isLong, isInBursts }: Manner): PlannedCall {
  const isWhole = draw.may(leaning === 'breaks' ? 0.4 : 0.2)
  const most = leaning === 'limits' && draw.may(0.3) ? 300 : 5 + draw.below(60)
  return {
    id: `pen_${place.toString().padStart(14, '0')}`,
    atMs: isInBursts ? draw.of([2_000, 8_000, 14_000, 19_000]) + draw.below(20) : draw.below(20_000),
    key: draw.of(KEYS),
    endpoint: draw.of(ENDPOINTS),
    streamed: draw.may(leaning === 'breaks' ? 0.9 : 0.65),
    prompt: draw.may(0.2) ? LONG_PROMPT : draw.of(PROMPTS),
    maxTokens: isLong ? 4 + draw.below(8) : isWhole ? null : most,
    deadlineMs: draw.may(0.12) ? draw.of([20, 150, 1_000, 2_500]) : null,
    leavesMs: draw.may(0.15) ? draw.below(1_200) : null,
    slow: draw.may(0.15) ? { writes: 1 + draw.below(5), ms: draw.of([10, 100, 600]) } : null,
  }
}
