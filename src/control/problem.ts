import type { z } from '@hono/zod-openapi'

/** One thing that is wrong with what was sent: where, and what was expected there. */
export interface Fault {
  /** Name of a query parameter, or the path of a field in the body: `models.0`. */
  readonly place: string
  readonly message: string
}

/** An error as the admin API tells it: OpenAI's form, and every fault of the input when it was that. */
export interface Problem {
  readonly error: {
    readonly message: string
    readonly type: 'invalid_request_error' | 'server_error'
    readonly code: string
    readonly faults?: readonly Fault[]
  }
}

export function problem(code: string, message: string): Problem {
  return { error: { message, type: 'invalid_request_error', code } }
}

export function serverProblem(message: string): Problem {
  return { error: { message, type: 'server_error', code: 'internal' } }
}

/** All faults at once, in the message too, so that a reader of the message alone misses none. */
export function invalidInput(faults: readonly Fault[]): Problem {
  const message = faults.map(({ place, message }) => (place === '' ? message : `${place}: ${message}`)).join('; ')
  return { error: { message, type: 'invalid_request_error', code: 'invalid_input', faults } }
}

type Issue = z.core.$ZodIssue

/** Faults in the order in which zod found them; an unknown field is told by its own name. */
export function faultsOf(issues: readonly Issue[]): readonly Fault[] {
  return issues.flatMap((issue): readonly Fault[] => {
    const place = issue.path.map(String).join('.')
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map(key => ({ place: place === '' ? key : `${place}.${key}`, message: issue.message }))
    }
    return [{ place, message: issue.message.replace(/^Invalid input: /, '') }]
  })
}
