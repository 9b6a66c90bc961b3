import { describe, expect, it } from 'vitest'
import type { Deployment } from '../../vocabulary/deployment.ts'
import { ATTEMPT_OUTCOMES, type AttemptOutcome } from '../../vocabulary/outcome.ts'
import { refusalAfter } from './give-up.ts'
import { nextAttempt } from './next.ts'
import { outcomeOfFailure, outcomeOfStatus } from './outcome.ts'

describe('the outcome of an attempt', () => {
  it.each([
    [200, 'completed'],
    [201, 'completed'],
    [299, 'completed'],
    [400, 'rejected'],
    [401, 'rejected'],
    [404, 'rejected'],
    [422, 'rejected'],
    [428, 'rejected'],
    [429, 'rateLimited'],
    [499, 'rejected'],
    [500, 'serverError'],
    [502, 'serverError'],
    [503, 'overloaded'],
    [504, 'serverError'],
    [529, 'overloaded'],
    [599, 'serverError'],
    [301, 'malformed'],
    [304, 'malformed'],
    [100, 'malformed'],
    [0, 'malformed'],
    [600, 'malformed'],
  ] as const)('of status %d is %s', (status, outcome) => expect(outcomeOfStatus(status)).toBe(outcome))

  it.each(['unreachable', 'cut', 'timedOut'] as const)('of a transport that was %s is that', kind =>
    expect(outcomeOfFailure(kind)).toBe(kind),
  )
})

function deployment(name: string, ...dialects: Deployment['dialects']): Deployment {
  const [upstream = '', model = ''] = name.split('/')
  return { name, upstream, model, dialects, engine: null, replicas: 1, grams: null }
}

const OPENAI = deployment('openai/gpt', 'openai')
const CLAUDE = deployment('anthropic/claude', 'anthropic')
const BOTH = deployment('sim/llama', 'openai', 'anthropic')

describe('the next attempt', () => {
  it.each([
    ['openai', [OPENAI, BOTH], OPENAI],
    ['openai', [CLAUDE, BOTH, OPENAI], BOTH],
    ['anthropic', [OPENAI, CLAUDE, BOTH], CLAUDE],
  ] as const)('of a call in the %s dialect asks the first that speaks it', (dialect, deployments, first) => {
    expect(nextAttempt({ attempts: [], deployments, dialect })).toEqual({ kind: 'try', deployment: first })
  })

  it('is none where nobody speaks the dialect of the call', () => {
    const next = nextAttempt({ attempts: [], deployments: [CLAUDE], dialect: 'openai' })
    expect(next).toMatchObject({ kind: 'giveUp', refusal: { cause: 'modelNotAllowed' } })
  })

  it('is none where nothing serves the model', () => {
    const next = nextAttempt({ attempts: [], deployments: [], dialect: 'openai' })
    expect(next).toMatchObject({ kind: 'giveUp', refusal: { cause: 'noDeployment' } })
  })

  it('is none after the one that is allowed, whatever became of it', () => {
    for (const outcome of ATTEMPT_OUTCOMES) {
      const attempts = [{ deployment: OPENAI.name, outcome }]
      const next = nextAttempt({ attempts, deployments: [OPENAI, BOTH], dialect: 'openai' })
      expect(next).toEqual({ kind: 'giveUp', refusal: refusalAfter(outcome, null) })
    }
  })
})

describe('giving up', () => {
  const CAUSES: Readonly<Record<AttemptOutcome, string>> = {
    unreachable: 'upstreamFailed',
    cut: 'upstreamFailed',
    malformed: 'upstreamFailed',
    serverError: 'upstreamFailed',
    overloaded: 'upstreamFailed',
    rateLimited: 'upstreamFailed',
    rejected: 'upstreamFailed',
    firstTokenTimeout: 'upstreamTimeout',
    stalled: 'upstreamTimeout',
    timedOut: 'upstreamTimeout',
    callerLeft: 'internal',
    superseded: 'internal',
    completed: 'internal',
  }

  it.each(Object.entries(CAUSES) as [AttemptOutcome, string][])('after %s is %s', (outcome, cause) => {
    expect(refusalAfter(outcome, null).cause).toBe(cause)
  })

  it('says what the transport said', () => {
    expect(refusalAfter('unreachable', 'connect ECONNREFUSED 127.0.0.1:9')).toEqual({
      cause: 'upstreamFailed',
      message: 'the upstream could not be reached: connect ECONNREFUSED 127.0.0.1:9',
    })
  })
})
