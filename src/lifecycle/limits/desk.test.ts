import { describe, expect, it } from 'vitest'
import { LimitBook } from '../../policy/limits/book.ts'
import type { Clock } from '../../ports/clock.ts'
import type { LimitAnswer } from '../../ports/limits.ts'
import { declaredLimitId } from '../../vocabulary/limit.ts'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import type { LimitedCall } from '../../vocabulary/limited-call.ts'
import { LimitDesk } from './desk.ts'

const NOW = Date.UTC(2026, 5, 1)
const USED = { dollars: 1n, inputTokens: 1, outputTokens: 1 }

const LIMITS = [
  ['upstream:a', 'concurrency', 1],
  ['upstream:b', 'concurrency', 1],
  ['key:large', 'outputTokens', 10],
] as const

class CountingBook extends LimitBook {
  wakes = 0

  override wake(now: number) {
    this.wakes++
    return super.wake(now)
  }
}

function stage() {
  const book = new CountingBook(NOW)
  for (const [scope, unit, amount] of LIMITS) {
    const window = unit === 'concurrency' ? undefined : 'total'
    const read = readLimitTerms({ scope, unit, amount, window, onReached: 'queue', wait: '1h' })
    if ('faults' in read) throw new Error(JSON.stringify(read.faults))
    book.put({ ...read.terms, id: declaredLimitId(read.terms), createdAt: NOW, readOnly: true }, NOW)
  }
  const timers = new Map<() => void, number>()
  const clock: Clock = {
    now: () => NOW,
    monotonic: () => NOW,
    after(delayMs, callback) {
      timers.set(callback, delayMs)
      return () => timers.delete(callback)
    },
  }
  const passMoment = () => {
    for (const [callback, delayMs] of timers) if (delayMs <= 1 && timers.delete(callback)) callback()
  }
  const desk = new LimitDesk(book, clock, { keep: () => {}, keepBudget: () => {} })
  const answers: LimitAnswer[] = []
  const ask = (key: string, outputTokens = 1, changes: Partial<LimitedCall> = {}) => {
    const caller = { key, team: null, user: null, tags: {}, run: null }
    const call = { caller, model: 'fast', upstreams: ['u'], runBudget: null, maxDollars: null, skip: [], ...changes }
    const worst = { ...USED, outputTokens }
    return desk.admit(call, { worst, expected: null, isLearnt: false }, answer => answers.push(answer))
  }
  const end = (n: number) => {
    const answer = answers[n]!
    if (answer.kind !== 'admit') throw new Error(`expected an admission, got ${answer.kind}`)
    answer.hold.post(USED)
  }
  return { book, answers, ask, end, passMoment }
}

describe('calls that wait', () => {
  it('go on where another upstream than the one they wait for has room again', () => {
    const { answers, ask, end } = stage()
    const either = { upstreams: ['a', 'b'] }
    for (const upstreams of [['a'], ['b']]) ask('free', 1, { upstreams })
    ask('free', 1, either)
    end(1)
    expect(answers).toMatchObject([{ excluded: [] }, { excluded: [] }, { excluded: ['a'] }])
  })

  it('go on a moment after those before them left, looked through once however many left', () => {
    const { book, answers, ask, passMoment } = stage()
    ask('large', 6)
    const large = Array.from({ length: 50 }, () => ask('large', 9))
    ask('large', 4)
    for (const leave of large) leave!()
    expect([answers.length, book.wakes]).toEqual([1, 0])
    passMoment()
    expect([answers.length, book.wakes]).toEqual([2, 1])
  })
})
