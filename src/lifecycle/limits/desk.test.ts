import { describe, expect, it } from 'vitest'
import { LimitBook } from '../../policy/limits/book.ts'
import type { LimitAnswer } from '../../ports/limits.ts'
import { declaredLimitId } from '../../vocabulary/limit.ts'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import { LimitDesk } from './desk.ts'

const NOW = Date.UTC(2026, 5, 1)
const USED = { dollars: 1n, inputTokens: 1, outputTokens: 1 }

class CountingBook extends LimitBook {
  wakes = 0

  override wake(now: number) {
    this.wakes++
    return super.wake(now)
  }
}

function stage() {
  const book = new CountingBook(NOW)
  for (const scope of ['key:crowd', 'key:other']) {
    const read = readLimitTerms({ scope, unit: 'concurrency', amount: 1, onReached: 'queue', wait: '1h' })
    if ('faults' in read) throw new Error(JSON.stringify(read.faults))
    book.put({ ...read.terms, id: declaredLimitId(read.terms), createdAt: NOW, readOnly: true }, NOW)
  }
  const clock = { now: () => NOW, monotonic: () => NOW, after: () => () => {} }
  const desk = new LimitDesk(book, clock, { keep: () => {}, keepBudget: () => {} })
  const answers: LimitAnswer[] = []
  const ask = (key: string) => {
    const caller = { key, team: null, user: null, tags: {}, run: null }
    const call = { caller, model: 'fast', upstreams: ['u'], runBudget: null, maxDollars: null, skip: [] }
    desk.admit(call, { worst: USED, expected: null, isLearnt: false }, answer => answers.push(answer))
  }
  const end = (n: number) => {
    const answer = answers[n]!
    if (answer.kind !== 'admit') throw new Error(`expected an admission, got ${answer.kind}`)
    answer.hold.post(USED)
  }
  return { book, answers, ask, end }
}

describe('calls that wait', () => {
  it('are looked through when a call ends that took what they wait for, and cost other calls nothing', () => {
    const { book, answers, ask, end } = stage()
    for (const key of ['crowd', 'crowd', 'other']) ask(key)
    end(1)
    expect([answers.length, book.wakes]).toEqual([2, 0])
    end(0)
    expect([answers.length, book.wakes]).toEqual([3, 1])
  })
})
