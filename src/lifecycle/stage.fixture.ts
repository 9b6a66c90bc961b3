import { Expectations } from '../policy/estimate/expectation.ts'
import { HealthBoard } from '../policy/health/board.ts'
import { LimitBook } from '../policy/limits/book.ts'
import type { Use } from '../policy/limits/hold.ts'
import { tariffFromOverride } from '../policy/pricing/tariff.ts'
import { Warmth } from '../policy/routing/warmth.ts'
import type { Clock } from '../ports/clock.ts'
import type { AttemptSink, EngineClient, RawHeaders, UpstreamRequest } from '../ports/engine.ts'
import type { LimitHold, Limits } from '../ports/limits.ts'
import type { CallTimings } from '../ports/observer.ts'
import type { Places } from '../ports/places.ts'
import type { Reply } from '../ports/reply.ts'
import type { ParsedBody } from '../ports/wire.ts'
import type { Deployment, Model } from '../vocabulary/deployment.ts'
import { declaredLimitId, type Limit } from '../vocabulary/limit.ts'
import { readLimitTerms } from '../vocabulary/limit-terms.ts'
import { limitsOfPlan } from '../vocabulary/plan.ts'
import { readPlan } from '../vocabulary/plan-terms.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { RefusalCause } from '../vocabulary/refusal.ts'
import { DEFAULT_RESILIENCE, NO_TIME_LIMITS, type Resilience, type TimeLimits } from '../vocabulary/resilience.ts'
import { NO_BLOCKS } from '../vocabulary/scheduling.ts'
import type { Call } from './call.ts'
import { LETTERS } from './letters.fixture.ts'
import { Life } from './life.ts'
import { LimitDesk } from './limits/desk.ts'
import { DEFAULT_BOUNDS, type World } from './world.ts'

export const DEPLOYMENT: Deployment = {
  name: 'u/m',
  upstream: 'u',
  model: 'm',
  dialects: ['openai'],
  engine: null,
  replicas: 1,
  grams: null,
}

export function bodyOf(streamed: boolean, maxOutputTokens: number): ParsedBody {
  return {
    model: 'fast',
    streamed,
    maxOutputTokens,
    choices: 1,
    wantsUsage: false,
    bytes: 40,
    promptBytes: 40,
    promptWeight: 30,
    forUpstream: () => [Buffer.from('{}')],
    opening: () => Buffer.from('{}'),
    blocks: () => NO_BLOCKS,
    release: () => {},
  }
}

/** A caller that notes what it is sent, in order. */
export class NotedReply implements Reply {
  readonly events: string[] = []
  headSent = false
  status = 0
  headers: RawHeaders = []
  text = ''
  full = false
  onDrain: (() => void) | null = null
  onLeft: (() => void) | null = null

  head(status: number, headers: RawHeaders): void {
    this.events.push('head')
    this.headSent = true
    this.status = status
    this.headers = headers
  }

  write(bytes: Uint8Array): boolean {
    this.events.push('write')
    this.text += Buffer.from(bytes).toString()
    return !this.full
  }

  end(bytes?: Uint8Array): void {
    this.events.push('end')
    if (bytes !== undefined) this.text += Buffer.from(bytes).toString()
  }

  cut(): void {
    this.events.push('cut')
  }

  header(name: string): string | undefined {
    const at = this.headers.indexOf(name)
    return at < 0 ? undefined : this.headers[at + 1]
  }
}

export interface StageOptions {
  readonly streamed?: boolean
  readonly priced?: boolean
  readonly writable?: boolean
  /** As configuration writes them; the key `ci` has 9,000,000 dollars besides, so that what it takes can be told. */
  readonly limits?: readonly Record<string, unknown>[]
  /** As configuration writes them, by name. */
  readonly plans?: Readonly<Record<string, unknown>>
  /** Models besides `fast`. */
  readonly models?: Readonly<Record<string, Model>>
  readonly maxOutputTokens?: number
  readonly timeLimits?: Partial<TimeLimits>
  readonly resilience?: Partial<Resilience>
  /** Of `fast`; one when not said. */
  readonly deployments?: readonly Deployment[]
  readonly call?: Partial<Call>
  /** Who gives places on owned engines. */
  readonly places?: Places | null
  /** So long it takes to hear whether there is room for more of a call, as from another thread; no time when not said. */
  readonly roomAfterMs?: number
}

/** Limits whose answers about more of a call take their time. */
function lateLimits(limits: Pick<Limits, 'admit'>, clock: Clock, delayMs: number): Pick<Limits, 'admit'> {
  return {
    admit: (call, need, answer) =>
      limits.admit(call, need, said => {
        if (said.kind !== 'admit') return answer(said)
        const { hold } = said
        let isEnded = false
        const end = (how: () => void) => {
          isEnded = true
          how()
        }
        const late: LimitHold = {
          get held() {
            return hold.held
          },
          extend: (more, granted) =>
            void clock.after(delayMs, () => (isEnded ? granted(false) : hold.extend(more, granted))),
          post: actual => end(() => hold.post(actual)),
          void: () => end(() => hold.void()),
        }
        answer({ ...said, hold: late })
      }),
  }
}

function limitOf(value: Record<string, unknown>, createdAt: number): Limit {
  const read = readLimitTerms(value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return { ...read.terms, id: declaredLimitId(read.terms), createdAt, readOnly: true }
}

function limitsOf(name: string, value: unknown, createdAt: number): readonly Limit[] {
  const read = readPlan(name, value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return limitsOfPlan(read.plan).map(limit => ({ ...limit, createdAt, readOnly: true }))
}

/** One life before an upstream, a ledger and a caller that a test plays by hand. */
export function stageLife(over: StageOptions = {}) {
  const stage = {
    uses: [] as Use[],
    reply: new NotedReply(),
    records: [] as CallRecord[],
    refused: [] as RefusalCause[],
    lost: [] as CallRecord[],
    ended: 0,
    aborted: 0,
    /** Whether attempts are still on their way to be sent. */
    unsent: false,
    paused: false,
    now: 1_800_000_000_000,
    sink: null as AttemptSink | null,
    request: null as UpstreamRequest | null,
    /** Every attempt that was begun, in order; null in the place of a sink that was broken off. */
    asked: [] as { readonly request: UpstreamRequest; sink: AttemptSink | null }[],
    durable: null as ((failure: Error | null) => void) | null,
    timers: [] as { readonly at: number; readonly callback: () => void }[],
    /** What the key `ci`, or whoever is asked for, has taken. */
    limit(scope = 'key:ci', unit = 'dollars') {
      const { caller, model } = call
      const found = book
        .view(caller, stage.now, { models: [model.name] })
        .find(view => view.scope === scope && view.unit === unit)
      if (found === undefined) throw new Error(`no limit of ${scope} in ${unit}`)
      return { used: found.used, held: found.held }
    },
    /** Lets time go by. */
    pass(ms: number) {
      stage.now += ms
      for (const timer of [...stage.timers]) {
        if (timer.at > stage.now || !stage.timers.includes(timer)) continue
        stage.timers.splice(stage.timers.indexOf(timer), 1)
        timer.callback()
      }
    },
  }
  const engine: EngineClient = {
    attempt(request, sink) {
      stage.request = request
      stage.sink = sink
      const entry: (typeof stage.asked)[number] = { request, sink }
      stage.asked.push(entry)
      return {
        get isUnsent() {
          return stage.unsent
        },
        pause: () => {
          stage.paused = true
        },
        resume: () => {
          stage.paused = false
        },
        abort: () => {
          stage.aborted++
          stage.sink = null
          entry.sink = null
        },
      }
    },
    close: async () => {},
  }
  const book = new LimitBook(stage.now)
  const purse = { scope: 'key:ci', unit: 'dollars', amount: '9000000', window: { anchored: '3653d' } }
  for (const limit of [...(over.priced === false ? [] : [purse]), ...(over.limits ?? [])]) {
    book.put(limitOf(limit, stage.now), stage.now)
  }
  for (const [name, plan] of Object.entries(over.plans ?? {})) {
    for (const limit of limitsOf(name, plan, stage.now)) book.put(limit, stage.now)
  }
  const clock: Clock = {
    now: () => stage.now,
    monotonic: () => stage.now - 1_700_000_000_000,
    after(delay, callback) {
      const timer = { at: stage.now + delay, callback }
      stage.timers.push(timer)
      return () => {
        if (stage.timers.includes(timer)) stage.timers.splice(stage.timers.indexOf(timer), 1)
      }
    },
  }
  const desk = new LimitDesk(book, clock, {
    keep: (_, uses) => stage.uses.push(...uses),
    keepBudget: () => {},
  })
  const tariff = over.priced === false ? null : tariffFromOverride({ input: '1', output: '2' }, 'test')
  const world: World = {
    clock,
    random: { next: () => 0.5 },
    get health() {
      return health
    },
    warmth: new Warmth(Warmth.memory()),
    places: over.places ?? null,
    ledger: {
      get writable() {
        return over.writable ?? true
      },
      append(record, durable) {
        stage.records.push(record)
        stage.durable = durable
      },
    },
    limits: over.roomAfterMs === undefined ? desk : lateLimits(desk, clock, over.roomAfterMs),
    expectations: new Expectations(),
    model: name => (name === 'fast' ? call.model : over.models?.[name]),
    observer: {
      callStarted: () => {},
      callEnded: (_record: CallRecord, _timings: CallTimings) => {
        stage.ended++
      },
      recordLost: record => {
        stage.lost.push(record)
      },
      callRefused: cause => stage.refused.push(cause),
    },
    engine: () => engine,
    tariff: () => tariff,
    bounds: { ...DEFAULT_BOUNDS, answerBytes: 1_000 },
  }
  const call: Call = {
    id: 'pen_00000000000000',
    arrivedAt: stage.now,
    arrived: world.clock.monotonic(),
    wire: LETTERS,
    dialect: {
      name: 'openai',
      requestIdHeader: 'x-request-id',
      refusal: refusal => ({ status: 502, headers: [], body: Buffer.from(refusal.cause) }),
      answerHeaders: headers => headers,
      rateLimitHeaders: view => ['x-rate', `${view.left}`],
    },
    model: {
      name: 'fast',
      deployments: over.deployments ?? [DEPLOYMENT],
      route: 'inOrder',
      maxOutputTokens: null,
      resilience: {
        ...DEFAULT_RESILIENCE,
        attempts: 1,
        timeLimits: { ...NO_TIME_LIMITS, ...over.timeLimits },
        ...over.resilience,
      },
      createdAt: 0,
    },
    caller: { key: 'ci', team: null, user: null, tags: {}, run: null },
    body: bodyOf(over.streamed ?? false, over.maxOutputTokens ?? 100),
    query: '',
    headers: [],
    traceparent: null,
    runBudget: null,
    maxDollars: null,
    deadlineAt: null,
    tier: 'standard',
    ...over.call,
  }
  const models = [call.model, ...Object.values(over.models ?? {})]
  const health = new HealthBoard(models, HealthBoard.memoryFor(models), 0)
  /** Another call of the same caller; its reply. */
  const another = (changes: Partial<Call> = {}) => {
    const reply = new NotedReply()
    new Life({ ...call, ...changes }, reply, world).start()
    return reply
  }
  /** Calls that are under way at the deployments of `fast`, as its health knows. */
  const outstanding = () =>
    call.model.deployments.reduce((sum, deployment) => sum + health.of(call.model, deployment).outstanding(), 0)
  const life = new Life(call, stage.reply, world)
  life.start()
  return { stage, life, another, outstanding }
}
