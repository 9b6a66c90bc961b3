import type { Deployment, Model } from '../../vocabulary/deployment.ts'
import type { Resilience } from '../../vocabulary/resilience.ts'
import type { Pool, SchedulingTerms } from '../../vocabulary/scheduling.ts'
import { DEFAULT_TIERS } from '../../vocabulary/tier.ts'
import { Draw } from '../outages/draw.fixture.ts'

/** What an engine says of itself, besides what is true. */
export type Telling = 'honest' | 'silent' | 'lying' | 'lagging'
const TELLINGS: readonly Telling[] = ['honest', 'honest', 'honest', 'silent', 'lying', 'lagging']

/** What becomes of a replica for a while. */
export const INCIDENTS = ['dies', 'hangs', 'refuses', 'slows', 'hides', 'drains', 'goes', 'isReplaced'] as const
export type IncidentKind = (typeof INCIDENTS)[number]

export interface Incident {
  readonly kind: IncidentKind
  readonly upstream: string
  readonly replica: number
  readonly atMs: number
  readonly forMs: number
}

export interface PlannedPool {
  readonly pool: Pool
  /** Of an engine: what it runs at once, and how many tokens its cache holds. */
  readonly slots: number
  readonly cacheTokens: number
  readonly telling: readonly Telling[]
  /** Of a token of a prompt, and between two of an answer. */
  readonly prefillTokenMs: number
  readonly stepMs: number
  /** Between two readings of its metrics. */
  readonly readMs: number
}

export interface PlannedCall {
  readonly id: string
  readonly atMs: number
  readonly key: string
  readonly team: string | null
  readonly model: string
  readonly tier: string
  readonly streamed: boolean
  readonly prompt: string
  readonly outputTokens: number
  readonly deadlineMs: number | null
  readonly leavesMs: number | null
  readonly slow: { readonly writes: number; readonly ms: number } | null
  /** Which thread has it. */
  readonly thread: number
}

/** All that is drawn for one history. */
export interface Plan {
  readonly seed: number
  readonly pools: readonly PlannedPool[]
  readonly models: readonly Model[]
  readonly terms: SchedulingTerms
  readonly incidents: readonly Incident[]
  /** Of the hosted deployment: the share of its calls that fail. */
  readonly hostedFails: number
  /** Dollars per million tokens there, as text. */
  readonly hostedPrice: string
  /** As configuration writes them. */
  readonly limits: readonly Record<string, unknown>[]
  readonly calls: readonly PlannedCall[]
  /** Calls that each model had answered before. */
  readonly answeredBefore: number
  /** How long a message takes between the threads of the data plane and the queue; null where all is one thread. */
  readonly lineMs: number | null
  /** When the second thread dies; null for never. */
  readonly threadDiesMs: number | null
}

/** What a history is about more than about anything else. */
export const LEANINGS = ['anything', 'calm', 'retries', 'crowds', 'spills', 'threads'] as const
export type Leaning = (typeof LEANINGS)[number]

export const HOSTED = 'hosted'
export const LENGTH_MS = 20_000

export function leaningOf(seed: number): Leaning {
  return LEANINGS[seed % LEANINGS.length]!
}

export function planOf(seed: number): Plan {
  const draw = new Draw(seed)
  const leaning = leaningOf(seed)
  const isCalm = leaning === 'calm' || leaning === 'crowds'
  const pools = Array.from({ length: isCalm ? 1 : 1 + draw.below(2) }, (_, i) => poolOf(draw, i, leaning))
  const isHosted = leaning === 'spills' || (!isCalm && draw.may(0.3))
  const names = isCalm || draw.may(0.6) ? ['m'] : ['m', 'n']
  const models = names.map(name => modelOf(draw, name, { pools, isHosted, leaning }))
  const most = leaning === 'calm' ? 130 : leaning === 'crowds' ? 80 : 60
  const threads = leaning === 'threads' ? 2 : 1
  return {
    seed,
    pools,
    models,
    terms: {
      tiers: DEFAULT_TIERS,
      shares: draw.may(0.3) ? { 'team:red': 3 } : {},
      queue: {
        maxCalls: leaning === 'calm' ? 200 : leaning === 'crowds' ? draw.of([6, 20]) : draw.of([4, 30, 200]),
        maxBytes: leaning === 'calm' ? 10_000_000 : draw.of([6_000, 60_000, 10_000_000]),
        maxWaitMs: leaning === 'calm' ? 60_000 : draw.of([1_500, 6_000, 30_000]),
      },
    },
    incidents: isCalm ? [] : Array.from({ length: 1 + draw.below(5) }, () => incidentOf(draw, pools, leaning)),
    hostedFails: draw.of([0, 0.3, 0.8]),
    hostedPrice: draw.of(['0.1', '2', '500']),
    limits: LIMITS.filter(() => draw.may(0.25)),
    calls: callsOf(draw, { most, models, leaning, threads }),
    answeredBefore: draw.may(0.5) ? 100 + draw.below(200) : 0,
    lineMs: threads > 1 ? draw.of([0, 1, 7, 60]) : null,
    threadDiesMs: threads > 1 && draw.may(0.5) ? 2_000 + draw.below(12_000) : null,
  }
}

/** Some that are reached, and waited for. */
const LIMITS: readonly Record<string, unknown>[] = [
  { scope: 'key:a', unit: 'concurrency', amount: 2, onReached: 'queue', wait: '4s' },
  { scope: 'key:b', unit: 'concurrency', amount: 3 },
  { scope: 'team:red', unit: 'dollars', amount: '0.02', window: 'total' },
  { scope: 'key:c', unit: 'dollars', amount: '0.002', window: { sliding: '5s' } },
]

/** Of everybody, and never reached: what they hold is what is under way. */
export const COUNTING: readonly Record<string, unknown>[] = [
  { scope: 'organisation', unit: 'dollars', amount: '9000000', window: 'total' },
  { scope: 'organisation', unit: 'requests', amount: 1_000_000_000, window: 'total' },
  { scope: 'organisation', unit: 'concurrency', amount: 1_000_000 },
]

function poolOf(draw: Draw, place: number, leaning: Leaning): PlannedPool {
  // Shares show where few places are wanted by many.
  const replicas = leaning === 'calm' ? 1 : 1 + draw.below(leaning === 'retries' ? 4 : 3)
  const slots = leaning === 'calm' ? 1 + draw.below(2) : draw.of([1, 2, 4])
  const isTold = draw.may(0.8) || leaning === 'calm' || leaning === 'crowds'
  const isHonest = leaning === 'calm' || draw.may(0.4)
  const spare = leaning === 'calm' ? 0 : draw.below(2)
  return {
    pool: {
      upstream: `pool${place}`,
      engine: 'vllm',
      maxRunning: isTold ? slots : null,
      slots: replicas + spare,
      costs: null,
      kvTokens: draw.may(0.2) ? 3_000 : null,
      dollarsPerHour: null,
      watts: null,
    },
    slots,
    cacheTokens: draw.of([600, 4_000, 100_000]),
    telling: Array.from({ length: replicas + spare }, () => (isHonest ? 'honest' : draw.of(TELLINGS))),
    prefillTokenMs: draw.of([0.05, 0.3]),
    stepMs: draw.of([4, 15]),
    readMs: draw.of([200, 900]),
  }
}

interface Circumstances {
  readonly pools: readonly PlannedPool[]
  readonly isHosted: boolean
  readonly leaning: Leaning
}

function modelOf(draw: Draw, name: string, { pools, isHosted, leaning }: Circumstances): Model {
  const deployments: Deployment[] = pools.map(({ pool: { upstream, slots } }) => ({
    name: `${upstream}/${name}`,
    upstream,
    model: name,
    dialects: ['openai'],
    engine: 'vllm',
    replicas: slots,
    grams: null,
  }))
  const owned = pools.length > 1 && name === 'n' && draw.may(0.5) ? deployments.slice(1) : deployments
  const hosted: Deployment = {
    name: `${HOSTED}/${name}`,
    upstream: HOSTED,
    model: name,
    dialects: ['openai'],
    engine: null,
    replicas: 1,
    grams: null,
  }
  return {
    name,
    deployments: isHosted ? [...owned, hosted] : owned,
    route: 'inOrder',
    maxOutputTokens: 200,
    resilience: resilienceOf(draw, leaning),
    createdAt: 0,
  }
}

function resilienceOf(draw: Draw, leaning: Leaning): Resilience {
  const isCalm = leaning === 'calm' || leaning === 'crowds'
  return {
    attempts: (leaning === 'retries' ? 2 : 1) + draw.below(4),
    connectMs: 500,
    timeLimits: {
      firstTokenMs: isCalm ? null : draw.of([2_000, 8_000]),
      idleMs: isCalm ? null : draw.of([700, 3_000]),
      totalMs: draw.of([10_000, 40_000]),
    },
    hedgeAfterMs: isCalm ? null : draw.of([null, 100, 700]),
    onCut: draw.may(leaning === 'retries' ? 0.9 : 0.6) ? 'continue' : 'fail',
    drainMs: draw.of([null, null, 1_500]),
    breaker: { failures: draw.of([1, 3, 6]), withinMs: 10_000, openMs: draw.of([800, 4_000]) },
  }
}

function incidentOf(draw: Draw, pools: readonly PlannedPool[], leaning: Leaning): Incident {
  const { pool } = draw.of(pools)
  const isFailing = leaning === 'retries' && draw.may(0.6)
  return {
    kind: isFailing ? draw.of(['dies', 'dies', 'hangs', 'refuses'] as const) : draw.of(INCIDENTS),
    upstream: pool.upstream,
    replica: draw.below(pool.slots),
    atMs: draw.below(LENGTH_MS),
    forMs: draw.of([400, 2_500, 9_000]),
  }
}

const KEYS = [
  { key: 'a', team: null },
  { key: 'b', team: null },
  { key: 'c', team: 'red' },
  { key: 'd', team: 'red' },
  { key: 'e', team: 'blue' },
] as const

const TIERS = ['interactive', 'standard', 'standard', 'batch'] as const

/** What many prompts begin with. */
const DOCUMENTS = ['tide', 'sluice', 'weir', 'lock'].map((word, i) => `${word} `.repeat(60 + 150 * i))

function callsOf(
  draw: Draw,
  of: {
    readonly most: number
    readonly models: readonly Model[]
    readonly leaning: Leaning
    readonly threads: number
  },
): readonly PlannedCall[] {
  const { most, models, leaning, threads } = of
  const length = Math.floor(most / 2) + draw.below(most / 2)
  const bursts = Array.from({ length: leaning === 'calm' ? 1 : 3 }, () => draw.below(LENGTH_MS - 4_000))
  const isInBursts = leaning === 'crowds' || leaning === 'calm' || draw.may(0.5)
  const isPatient = leaning === 'calm'
  return Array.from({ length }, (_, place) => {
    const id = `pen_${place.toString().padStart(14, '0')}`
    return {
      id,
      atMs: isInBursts ? draw.of(bursts) + draw.below(1_500) : draw.below(LENGTH_MS),
      ...draw.of(KEYS),
      model: draw.of(models).name,
      tier: draw.of(TIERS),
      streamed: draw.may(0.7),
      prompt: `${draw.may(0.8) ? draw.of(DOCUMENTS) : ''}${id}?`,
      outputTokens: draw.of([3, 12, 40, 90]),
      deadlineMs: !isPatient && draw.may(0.15) ? draw.of([0, 40, 400, 3_000]) : null,
      leavesMs: !isPatient && draw.may(0.2) ? draw.below(3_000) : null,
      slow: draw.may(0.1) ? { writes: 1 + draw.below(5), ms: draw.of([10, 100]) } : null,
      thread: draw.below(threads),
    }
  })
}
