import { wireOf } from '../../dialects/index.ts'
import { randomFrom } from '../../engines/faults/choose.ts'
import { CALLER_DIALECTS } from '../../gateway/dialects.ts'
import type { Call } from '../../lifecycle/call.ts'
import { Disk } from '../../lifecycle/history.fixture.ts'
import { Life } from '../../lifecycle/life.ts'
import { type OpenLimits, openLimits } from '../../lifecycle/limits/open.ts'
import { DEFAULT_BOUNDS, type World } from '../../lifecycle/world.ts'
import { Expectations } from '../../policy/estimate/expectation.ts'
import { HealthBoard } from '../../policy/health/board.ts'
import { tariffFromOverride } from '../../policy/pricing/tariff.ts'
import { Warmth } from '../../policy/routing/warmth.ts'
import type { Limits } from '../../ports/limits.ts'
import type { Caller } from '../../vocabulary/caller.ts'
import { dialectOf } from '../../vocabulary/dialect.ts'
import type { LimitView } from '../../vocabulary/limit.ts'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import { NotingCaller } from './caller.fixture.ts'
import type { CalledEndpoint, Plan, PlannedCall } from './draw.fixture.ts'
import { VirtualTime } from './time.fixture.ts'
import { Upstreams } from './upstream.fixture.ts'

/** Nothing is under way so long after the last call began. */
const LONGEST_MS = 200_000

export interface Lived {
  readonly planned: PlannedCall
  readonly caller: NotingCaller
  /** Extensions of its hold that had no room. */
  readonly denied: { readonly event: number }[]
}

/** A gateway without sockets before upstreams without sockets, on a time of its own. */
export class Outage {
  readonly plan: Plan
  readonly time = new VirtualTime()
  readonly upstreams: Upstreams
  readonly lived = new Map<string, Lived>()
  readonly records = new Map<string, CallRecord>()
  /** Standings of deployments whenever a call began. */
  readonly standings: string[] = []
  readonly health: HealthBoard
  readonly #disk = new Disk()
  #limits: OpenLimits | null = null
  #admitting: Lived | null = null

  constructor(plan: Plan) {
    this.plan = plan
    this.upstreams = new Upstreams(plan, this.time)
    this.health = new HealthBoard([plan.model], HealthBoard.memoryFor([plan.model]), 0)
    for (let i = 0; i < plan.answeredBefore; i++) this.health.hedges(plan.model).called()
  }

  async play(): Promise<void> {
    this.#limits = await openLimits({ limits: this.plan.limits.map(termsOf), plans: [] }, this.#disk.store(), this.time)
    const world = this.#world()
    for (const planned of this.plan.calls) this.time.after(planned.atMs, () => this.#begin(planned, world))
    await this.time.pass(LONGEST_MS)
  }

  views(): Promise<readonly LimitView[]> {
    return this.#limits!.registry.states({ limit: 1_000 })
  }

  /** Timers that are left when limits are kept no more. */
  async timersLeft(): Promise<number> {
    const closed = this.#limits!.close()
    for (let turns = 0; turns < 50; turns++) {
      this.#disk.commit()
      await null
    }
    await closed
    return this.time.timers
  }

  #begin(planned: PlannedCall, world: World): void {
    const caller = new NotingCaller(this.time, planned.slow)
    const lived = { planned, caller, denied: [] }
    this.lived.set(planned.id, lived)
    const { model } = this.plan
    for (const deployment of model.deployments) {
      this.standings.push(this.health.of(model, deployment).standing(this.time.now()).kind)
    }
    this.#admitting = lived
    new Life(this.#callOf(planned), caller, world).start()
    this.#admitting = null
    if (planned.leavesMs !== null) this.time.after(planned.leavesMs, () => caller.leave())
  }

  #callOf(planned: PlannedCall): Call {
    const { id, endpoint, key, deadlineMs } = planned
    const now = this.time.now()
    const body = wireOf(endpoint).parseBody(Buffer.from(bodyOf(planned)))
    if ('fault' in body) throw new Error(body.fault)
    return {
      id,
      arrivedAt: now,
      arrived: this.time.monotonic(),
      wire: wireOf(endpoint),
      dialect: CALLER_DIALECTS[dialectOf(endpoint)],
      model: this.plan.model,
      caller: callerOf(key),
      body,
      query: '',
      headers: ['x-call', id],
      traceparent: null,
      runBudget: null,
      maxDollars: null,
      deadlineAt: deadlineMs === null ? null : now + deadlineMs,
      tier: 'standard',
    }
  }

  #world(): World {
    const { plan, time, health, upstreams } = this
    const tariffs = new Map(
      plan.upstreams.map(({ deployment, price }) => {
        const { input, cachedInput, output } = price
        const text = (nano: number) => (nano / 1_000).toString()
        const prices = { input: text(input), cachedInput: text(cachedInput), output: text(output) }
        return [deployment.name, tariffFromOverride(prices, 'test')]
      }),
    )
    const random = randomFrom(plan.seed + 1)
    return {
      clock: time,
      random: { next: random },
      health,
      warmth: new Warmth(Warmth.memory()),
      places: null,
      ledger: { writable: true, append: (record, durable) => this.#append(record, durable) },
      limits: this.#spying(this.#limits!.desk),
      expectations: new Expectations(),
      model: name => (name === plan.model.name ? plan.model : undefined),
      observer: { callStarted: () => {}, callEnded: () => {}, recordLost: () => {}, callRefused: () => {} },
      engine: deployment => upstreams.engine(deployment),
      tariff: deployment => tariffs.get(deployment.name)!,
      bounds: DEFAULT_BOUNDS,
    }
  }

  #append(record: CallRecord, durable: (failure: Error | null) => void): void {
    if (this.records.has(record.id)) throw new Error(`${record.id} has two records`)
    this.records.set(record.id, record)
    this.#disk.append(record, durable)
    this.time.after(this.plan.commitMs, () => this.#disk.commit())
  }

  /** Notes which extensions have no room. */
  #spying(desk: Pick<Limits, 'admit'>): Pick<Limits, 'admit'> {
    return {
      admit: (call, need, answer) => {
        const lived = this.#admitting!
        return desk.admit(call, need, said => {
          if (said.kind !== 'admit') return answer(said)
          const { hold } = said
          const spied = {
            get held() {
              return hold.held
            },
            extend: (more: Parameters<typeof hold.extend>[0], granted: (granted: boolean) => void) =>
              hold.extend(more, isGranted => {
                if (!isGranted) lived.denied.push({ event: this.time.event() })
                granted(isGranted)
              }),
            post: (actual: Parameters<typeof hold.post>[0]) => hold.post(actual),
            void: () => hold.void(),
          }
          answer({ ...said, hold: spied })
        })
      },
    }
  }
}

function termsOf(text: Record<string, unknown>) {
  const read = readLimitTerms(text)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

/** One for each key, since limits remember callers by who they are. */
const CALLERS = new Map<string, Caller>(
  ['a', 'b', 'c', 'd'].map(key => [key, { key, team: null, user: key === 'd' ? 'ana' : null, tags: {}, run: null }]),
)

function callerOf(key: string): Caller {
  return CALLERS.get(key)!
}

/** What a caller asks, as it is sent. */
export function bodyOf({ endpoint, streamed, prompt, maxTokens }: PlannedCall): string {
  return JSON.stringify({ model: 'fast', ...questionOf(endpoint, prompt, maxTokens), stream: streamed })
}

/** Natural answers are no longer than this. */
export const ENOUGH_TOKENS = 400

export function questionOf(endpoint: CalledEndpoint, prompt: string, maxTokens: number | null): object {
  const messages = [{ role: 'user', content: prompt }]
  switch (endpoint) {
    case 'chat/completions':
      return { messages, ...(maxTokens === null ? {} : { max_tokens: maxTokens }) }
    case 'messages':
      return { messages, max_tokens: maxTokens ?? ENOUGH_TOKENS }
    case 'responses':
      return { input: prompt, ...(maxTokens === null ? {} : { max_output_tokens: maxTokens }) }
  }
}
