import type { CallRecord } from '../vocabulary/record.ts'
import type { Learnt } from './messages.ts'

/** Lengths of answers that wait to be told to the other threads; more are as good as none of these. */
const MAX_WAITING = 256

/** What each thread learns of the length of answers, for all the others. */
export class Lessons<Thread> {
  readonly #waiting: { readonly from: Thread; readonly learnt: Learnt }[] = []

  add(from: Thread, record: CallRecord): void {
    const learnt = learntOf(record)
    if (learnt !== null && this.#waiting.length < MAX_WAITING) this.#waiting.push({ from, learnt })
  }

  /** What others have learnt than this thread, for each of those given; then all of it is told. */
  tell(threads: Iterable<Thread>, say: (thread: Thread, answers: readonly Learnt[]) => void): void {
    if (this.#waiting.length === 0) return
    for (const thread of threads) {
      const answers = this.#waiting.filter(({ from }) => from !== thread).map(({ learnt }) => learnt)
      if (answers.length > 0) say(thread, answers)
    }
    this.#waiting.length = 0
  }
}

/** As in the thread that had it: answers that came whole, and whose length the upstream told. */
function learntOf({ caller, model, downgradedTo, outcome, limited, attempts }: CallRecord): Learnt | null {
  const usage = attempts.at(-1)?.usage
  if (outcome !== 'completed' || limited || usage?.source !== 'reported') return null
  return { key: caller.key, model: downgradedTo ?? model, outputTokens: usage.outputTokens }
}
