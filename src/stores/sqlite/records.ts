import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { ChoiceRows } from './choiceRows.ts'
import type { Dictionary } from './dictionary.ts'
import { isDuplicate } from './fault.ts'
import { ATTEMPT, CALL, NO_AMOUNT, type RingViews } from './ring.ts'
import { saturated, saturatedSql } from './sums.ts'
import { orNull } from './whole.ts'

const INSERT_CALL = `INSERT INTO calls (id, at_offset_ms, model, caller, dialect, endpoint, outcome, status, streamed, held,
  dollars, duration_us, first_token_us, run, limited, overrun, downgraded, tier, queue_us)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`
const INSERT_ATTEMPT = `INSERT INTO attempts (call, n, deployment, outcome, status, started_offset_ms, duration_us,
  first_token_us, rate, dollars, source, input, cached, written_5m, written_1h, output, reasoning, circumstances, counts)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

/**
 * Inserts records as they lie in the ring, and gathers their postings. Prepared statements without a query builder:
 * this runs for every call. `get` is `run` without the object that tells of changes, which nobody here asks for.
 */
export class Records {
  readonly #views: RingViews
  readonly #dictionary: Dictionary
  readonly #insertCall: StatementSync
  readonly #insertAttempt: StatementSync
  readonly #updateBalance: StatementSync
  readonly #choices: ChoiceRows
  /** What the group at hand, or one entry written alone, adds to each account. */
  readonly #postings = new Map<number, bigint>()

  constructor(db: DatabaseSync, views: RingViews, dictionary: Dictionary) {
    this.#views = views
    this.#dictionary = dictionary
    this.#insertCall = db.prepare(INSERT_CALL)
    this.#insertAttempt = db.prepare(INSERT_ATTEMPT)
    this.#choices = new ChoiceRows(db, views, dictionary)
    this.#updateBalance = db.prepare(`UPDATE accounts SET balance = ${saturatedSql('balance + ?')} WHERE id = ?`)
  }

  /** Inserts the record of the entry at this word. One that is there already stays as it is and is not posted again. */
  insert(at: number): void {
    const { numbers, integers } = this.#views
    const id = integers[at + CALL.id]!
    const attempts = numbers[at + CALL.attempts]!
    const choicesAt = at + CALL.words + attempts * ATTEMPT.words
    const choices = numbers[at + CALL.choices]!
    let text = (choicesAt + choices) * 8
    const runBytes = numbers[at + CALL.runBytes]!
    try {
      this.#call(at, id, Number.isNaN(runBytes) ? null : this.#text(text, runBytes))
    } catch (error) {
      if (isDuplicate(error)) return
      throw error
    }
    if (!Number.isNaN(runBytes)) text += runBytes
    for (let n = 0; n < attempts; n++) {
      const attempt = at + CALL.words + n * ATTEMPT.words
      const countsBytes = numbers[attempt + ATTEMPT.counts]!
      this.#attempt(attempt, id, n, Number.isNaN(countsBytes) ? null : this.#text(text, countsBytes))
      if (!Number.isNaN(countsBytes)) text += countsBytes
    }
    if (choices > 0) this.#choices.insert(choicesAt, id, attempts)
    this.#post(at, attempts)
  }

  /**
   * Adds what was gathered to the balances, once for each account. A balance ends at what 64 bits hold, some 9.2
   * thousand million dollars: one that is wrong at that size is better than records that are lost for it.
   */
  settle(): void {
    for (const [account, amount] of this.#postings) {
      if (amount !== 0n) this.#updateBalance.get(saturated(amount), account)
    }
    this.#postings.clear()
  }

  /** Drops what was gathered. */
  drop(): void {
    this.#postings.clear()
  }

  #text(start: number, bytes: number): string {
    return this.#views.bytes.toString('utf8', start, start + bytes)
  }

  #amount(at: number): bigint | null {
    const amount = this.#views.integers[at]!
    return amount === NO_AMOUNT ? null : amount
  }

  #call(at: number, id: bigint, run: string | null): void {
    const { numbers } = this.#views
    const downgraded = numbers[at + CALL.downgraded]!
    const tier = numbers[at + CALL.tier]!
    this.#insertCall.get(
      id,
      numbers[at + CALL.atOffset]!,
      this.#dictionary.row(numbers[at + CALL.model]!),
      this.#dictionary.row(numbers[at + CALL.caller]!),
      orNull(numbers[at + CALL.dialect]!),
      orNull(numbers[at + CALL.endpoint]!),
      orNull(numbers[at + CALL.outcome]!),
      orNull(numbers[at + CALL.status]!),
      numbers[at + CALL.streamed]!,
      this.#amount(at + CALL.held),
      this.#amount(at + CALL.dollars),
      orNull(numbers[at + CALL.duration]!),
      orNull(numbers[at + CALL.firstToken]!),
      run,
      orNull(numbers[at + CALL.limited]!),
      this.#amount(at + CALL.overrun),
      Number.isNaN(downgraded) ? null : this.#dictionary.row(downgraded),
      Number.isNaN(tier) ? null : this.#dictionary.row(tier),
      orNull(numbers[at + CALL.queue]!),
    )
  }

  #attempt(at: number, call: bigint, n: number, counts: string | null): void {
    const { numbers } = this.#views
    const rate = numbers[at + ATTEMPT.rate]!
    const circumstances = numbers[at + ATTEMPT.circumstances]!
    this.#insertAttempt.get(
      call,
      n,
      this.#dictionary.row(numbers[at + ATTEMPT.deployment]!),
      orNull(numbers[at + ATTEMPT.outcome]!),
      orNull(numbers[at + ATTEMPT.status]!),
      orNull(numbers[at + ATTEMPT.startedOffset]!),
      orNull(numbers[at + ATTEMPT.duration]!),
      orNull(numbers[at + ATTEMPT.firstToken]!),
      Number.isNaN(rate) ? null : this.#dictionary.row(rate),
      this.#amount(at + ATTEMPT.dollars),
      orNull(numbers[at + ATTEMPT.source]!),
      orNull(numbers[at + ATTEMPT.input]!),
      orNull(numbers[at + ATTEMPT.cached]!),
      orNull(numbers[at + ATTEMPT.written5m]!),
      orNull(numbers[at + ATTEMPT.written1h]!),
      orNull(numbers[at + ATTEMPT.output]!),
      orNull(numbers[at + ATTEMPT.reasoning]!),
      Number.isNaN(circumstances) ? null : this.#dictionary.row(circumstances),
      counts,
    )
  }

  #post(at: number, attempts: number): void {
    const { numbers, integers } = this.#views
    const key = this.#dictionary.account(numbers[at + CALL.caller]!)
    for (let n = 0; n < attempts; n++) {
      const attempt = at + CALL.words + n * ATTEMPT.words
      const dollars = integers[attempt + ATTEMPT.dollars]!
      if (dollars === NO_AMOUNT || dollars === 0n) continue
      const deployment = this.#dictionary.account(numbers[attempt + ATTEMPT.deployment]!)
      this.#postings.set(key, (this.#postings.get(key) ?? 0n) - dollars)
      this.#postings.set(deployment, (this.#postings.get(deployment) ?? 0n) + dollars)
    }
  }
}
