/** How one attempt ended. */
export type AttemptOutcome =
  | 'completed'
  | 'rejected'
  | 'rateLimited'
  | 'overloaded'
  | 'serverError'
  | 'unreachable'
  | 'firstTokenTimeout'
  | 'stalled'
  | 'timedOut'
  | 'cut'
  | 'malformed'
  | 'callerLeft'
  | 'superseded'

/** How a call ended. */
export type CallOutcome = 'completed' | 'refused' | 'failed' | 'callerLeft'

/** Every outcome of an attempt, in the order of their codes in the ledger: append only. */
export const ATTEMPT_OUTCOMES: readonly AttemptOutcome[] = [
  'completed',
  'rejected',
  'rateLimited',
  'overloaded',
  'serverError',
  'unreachable',
  'firstTokenTimeout',
  'stalled',
  'timedOut',
  'cut',
  'malformed',
  'callerLeft',
  'superseded',
]

/** Every outcome of a call, in the order of their codes in the ledger: append only. */
export const CALL_OUTCOMES: readonly CallOutcome[] = ['completed', 'refused', 'failed', 'callerLeft']
