import { expect, it } from 'vitest'
import { queueRefusal } from './queue.ts'

const CALL = { model: 'fast', tier: 'batch', hasDeadline: false }

it.each([
  ['queueFull', 0, false, "every place for the model 'fast' is taken and the queue for one is full: ask again in 1 s"],
  [
    'queueTimeout',
    1_000.5,
    false,
    "no place for the model 'fast' comes free for the tier 'batch' within the longest wait: ask again in 2 s",
  ],
  [
    'queueTimeout',
    59_000,
    true,
    "no place for the model 'fast' comes free for the tier 'batch' before the call's deadline: ask again in 59 s",
  ],
] as const)(
  'a refusal by the queue, %s after %d ms, says why and when to ask again',
  (cause, retryAfterMs, hasDeadline, message) => {
    expect(queueRefusal({ ...CALL, cause, retryAfterMs, hasDeadline })).toEqual({ cause, message, retryAfterMs })
  },
)
