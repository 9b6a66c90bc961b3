import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Deployment } from '../../vocabulary/deployment.ts'
import { ATTEMPT_OUTCOMES, type AttemptOutcome } from '../../vocabulary/outcome.ts'
import type { Standing } from '../health/replica.ts'
import { type EndedAttempt, fateOf, healthVerdict } from './fate.ts'
import { type AttemptState, MAX_WAIT_MS, mayDoBetter, nextStep } from './next.ts'
import { forbidsRetry, quietUntil } from './retry-after.ts'

const NOW = 1_800_000_000_000
const READY: Standing = { kind: 'ready', until: null }

function deployment(name: string, replicas = 1): Deployment {
  return { name: `${name}/m`, upstream: name, model: 'm', dialects: ['openai'], engine: null, replicas, grams: null }
}

const A = deployment('a')
const B = deployment('b')
const POOL = deployment('pool', 3)

function ended(of: Deployment, outcome: AttemptOutcome, more: Partial<EndedAttempt> = {}): EndedAttempt {
  const status = { rejected: 400, rateLimited: 429, overloaded: 503, serverError: 500 }[outcome as string] ?? null
  return {
    deployment: of.name,
    replica: 0,
    outcome,
    status,
    quietUntil: null,
    isTooLong: false,
    isFinal: false,
    isContinuation: false,
    endedAt: NOW,
    ...more,
  }
}

interface Asked extends Partial<Omit<AttemptState, 'running'>> {
  readonly among?: readonly (Deployment | readonly [Deployment, Standing])[]
  /** Deployments and replicas under way. */
  readonly running?: readonly (readonly [Deployment, number])[]
}

function next({ among = [A, B], running = [], ended = [], ...state }: Asked) {
  const optionOf = (deployment: Deployment, standing: Standing) => {
    const tried = [
      ...ended.filter(attempt => attempt.deployment === deployment.name).map(({ replica }) => replica),
      ...running.filter(([asked]) => asked === deployment).map(([, replica]) => replica),
    ]
    return { deployment, standing, tried, untried: mayDoBetter(deployment, tried, ended) ? standing : null }
  }
  return nextStep({
    ended,
    running: running.length,
    options: among.map(each => ('name' in each ? optionOf(each, READY) : optionOf(each[0], each[1]))),
    mostAttempts: 3,
    endsAt: null,
    now: NOW,
    ...state,
  })
}

const DEPLOYMENTS_FAULTS: readonly AttemptOutcome[] = [
  'rateLimited',
  'overloaded',
  'serverError',
  'unreachable',
  'firstTokenTimeout',
  'stalled',
  'timedOut',
  'cut',
  'malformed',
]

describe('the next step of a call', () => {
  it('asks the first that may be asked', () => {
    expect(next({})).toEqual({ kind: 'try', deployment: A, tried: [] })
    expect(next({ among: [[A, { kind: 'open', until: NOW + 9 }], B] })).toMatchObject({ kind: 'try', deployment: B })
  })

  it.each(DEPLOYMENTS_FAULTS)('after %s asks the next deployment at once', outcome => {
    expect(next({ ended: [ended(A, outcome)] })).toEqual({ kind: 'try', deployment: B, tried: [] })
  })

  it.each([401, 402, 403, 404, 408, 409])(
    'after a %i asks the next deployment, and never the same one again',
    status => {
      const refused = ended(A, 'rejected', { status })
      expect(next({ ended: [refused] })).toMatchObject({ kind: 'try', deployment: B })
      expect(next({ ended: [refused], among: [A] })).toMatchObject({ kind: 'giveUp' })
    },
  )

  it.each([400, 413, 422])('after a %i asks nobody: the request is at fault', status => {
    expect(next({ ended: [ended(A, 'rejected', { status })] })).toEqual({ kind: 'giveUp', retryAt: null })
  })

  it('asks elsewhere when a conversation is too long for one model, or one does not go on with another answer', () => {
    for (const why of [{ isTooLong: true }, { isContinuation: true }]) {
      expect(next({ ended: [ended(A, 'rejected', why)] })).toMatchObject({ kind: 'try', deployment: B })
      expect(next({ ended: [ended(POOL, 'rejected', why)], among: [POOL] })).toMatchObject({ kind: 'giveUp' })
    }
  })

  it('asks another replica before another deployment', () => {
    const step = next({ ended: [ended(POOL, 'unreachable', { replica: 2 })], among: [POOL, B] })
    expect(step).toEqual({ kind: 'try', deployment: POOL, tried: [2] })
  })

  it('asks a lone deployment again after a 5xx, with growing pauses', () => {
    const first = ended(A, 'serverError')
    expect(next({ ended: [first], among: [A] })).toEqual({ kind: 'wait', until: NOW + 100 })
    expect(next({ ended: [first], among: [A], now: NOW + 100 })).toMatchObject({ kind: 'try', deployment: A })
    expect(next({ ended: [first, first], among: [A] })).toEqual({ kind: 'wait', until: NOW + 200 })
  })

  it.each(['unreachable', 'malformed', 'cut', 'firstTokenTimeout'] as const)(
    'does not ask a lone deployment again after %s',
    outcome => expect(next({ ended: [ended(A, outcome)], among: [A] })).toMatchObject({ kind: 'giveUp' }),
  )

  it('does not ask again whoever said that it can not help', () => {
    expect(next({ ended: [ended(A, 'overloaded', { isFinal: true })], among: [A] })).toMatchObject({ kind: 'giveUp' })
  })

  it('waits as long as a lone deployment asked for, if that is soon', () => {
    const limited = (ms: number) => next({ ended: [ended(A, 'rateLimited', { quietUntil: NOW + ms })], among: [A] })
    expect(limited(MAX_WAIT_MS)).toEqual({ kind: 'wait', until: NOW + MAX_WAIT_MS })
    expect(limited(MAX_WAIT_MS + 1)).toEqual({ kind: 'giveUp', retryAt: NOW + MAX_WAIT_MS + 1 })
    expect(next({ ended: [ended(A, 'rateLimited')], among: [A] })).toEqual({ kind: 'giveUp', retryAt: null })
  })

  it('begins no wait that would outlast the call', () => {
    const limited = ended(A, 'rateLimited', { quietUntil: NOW + 1_000 })
    expect(next({ ended: [limited], among: [A], endsAt: NOW + 1_000 })).toMatchObject({ kind: 'giveUp' })
    expect(next({ ended: [limited], among: [A], endsAt: NOW + 1_001 })).toMatchObject({ kind: 'wait' })
  })

  it('waits for one that asked for quiet of other calls too, but for no breaker', () => {
    expect(next({ among: [[A, { kind: 'quiet', until: NOW + 500 }]] })).toEqual({ kind: 'wait', until: NOW + 500 })
    for (const kind of ['open', 'probing'] as const) {
      const step = next({ among: [[A, { kind, until: NOW + 500 }]] })
      expect(step).toEqual({ kind: 'giveUp', retryAt: NOW + 500 })
    }
  })

  it('is none when the attempts are used up or the call has to be over', () => {
    expect(next({ ended: [ended(A, 'unreachable')], mostAttempts: 1 })).toMatchObject({ kind: 'giveUp' })
    expect(next({ endsAt: NOW })).toMatchObject({ kind: 'giveUp' })
  })

  it('gives an attempt under way a rival elsewhere, within its attempts', () => {
    const running = [[A, 0]] as const
    expect(next({ running })).toEqual({ kind: 'hedge', deployment: B, tried: [] })
    expect(next({ running, mostAttempts: 1 })).toMatchObject({ kind: 'giveUp' })
    expect(next({ running, among: [A] })).toMatchObject({ kind: 'giveUp' })
    const ofPool = [[POOL, 1]] as const
    expect(next({ running: ofPool, among: [POOL] })).toEqual({ kind: 'hedge', deployment: POOL, tried: [1] })
  })

  it('comes to an end whatever happens, within its attempts', () => {
    const outcomes = fc.constantFrom(...ATTEMPT_OUTCOMES.filter(outcome => outcome !== 'superseded'))
    fc.assert(
      fc.property(
        fc.array(outcomes, { minLength: 12, maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        (fates, most) => {
          const done: EndedAttempt[] = []
          let now = NOW
          for (const outcome of fates) {
            let step = next({ ended: done, mostAttempts: most, now, among: [A, POOL] })
            if (step.kind === 'wait') {
              expect(step.until - now).toBeLessThanOrEqual(MAX_WAIT_MS)
              now = step.until
              step = next({ ended: done, mostAttempts: most, now, among: [A, POOL] })
            }
            if (step.kind !== 'try') {
              expect(step.kind).toBe('giveUp')
              return
            }
            expect(done.length).toBeLessThan(most)
            const replica = [0, 1, 2].find(place => !step.tried.includes(place)) ?? 0
            done.push(ended(step.deployment, outcome, { replica, endedAt: now }))
          }
        },
      ),
    )
  })
})

describe('when an upstream may be asked again', () => {
  const until = (headers: string[]) => quietUntil(headers, NOW, Date.parse)
  it.each([
    [['retry-after', '2'], NOW + 2_000],
    [['retry-after', '1.5'], NOW + 1_500],
    [['retry-after-ms', '1500', 'retry-after', '9'], NOW + 1_500],
    [['retry-after', new Date(NOW + 4_000).toUTCString()], NOW + 4_000],
    [['retry-after', new Date(NOW - 4_000).toUTCString()], NOW],
    [['retry-after', 'soon'], null],
    [['retry-after', '-3'], null],
    [['x-other', '2'], null],
  ])('%j says %s', (headers, at) => expect(until(headers)).toBe(at))

  it('is never, where it says so', () => {
    expect(forbidsRetry(['x-should-retry', 'false'])).toBe(true)
    expect(forbidsRetry(['x-should-retry', 'true'])).toBe(false)
  })
})

describe('what an attempt says of the health of a replica', () => {
  it('is nothing bad for what callers ask for, and nothing at all for what we broke off', () => {
    for (const status of [400, 403, 404, 413, 422]) expect(healthVerdict('rejected', status, false)).toBe('well')
    expect(healthVerdict('rejected', 401, false)).toBe('failed')
    for (const outcome of ATTEMPT_OUTCOMES) expect(healthVerdict(outcome, null, true)).toBe('none')
    expect(healthVerdict('rateLimited', 429, false)).toBe('limited')
  })

  it('is a failure for every fault of a deployment but a limited rate', () => {
    for (const outcome of DEPLOYMENTS_FAULTS.slice(1)) {
      expect([outcome, healthVerdict(outcome, null, false)]).toEqual([outcome, 'failed'])
      expect(fateOf(ended(A, outcome))).not.toBe('answer')
    }
  })
})
