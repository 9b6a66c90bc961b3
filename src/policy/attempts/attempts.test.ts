import { describe, expect, it } from 'vitest'
import type { AttemptOutcome } from '../../vocabulary/outcome.ts'
import { refusalAfter } from './give-up.ts'
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
