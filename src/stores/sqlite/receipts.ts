import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite'
import type { ReceiptPage, ReceiptQuery } from '../../ports/ledger.ts'
import { ENDPOINTS } from '../../vocabulary/dialect.ts'
import { type CallId, callIdFromInteger, callIdToInteger, ID_EPOCH_MS } from '../../vocabulary/id.ts'
import { ATTEMPT_OUTCOMES, CALL_OUTCOMES } from '../../vocabulary/outcome.ts'
import type { Rate } from '../../vocabulary/price.ts'
import type { AttemptRecord, CallRecord } from '../../vocabulary/record.ts'
import type { PlacementRecord } from '../../vocabulary/scheduling.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { smallestIdAt } from './callId.ts'
import { CALL_OUTCOME_CODES, type CallerIdentity, DIALECTS, type NameTable, SPILLS, USAGE_SOURCES } from './codes.ts'
import { checkPageSize } from './page.ts'
import { routeFrom } from './routeBytes.ts'

/** Texts that the reader remembers of each table of names; when they are more it starts anew. */
const MAX_TEXTS = 10_000
const ID_TIME_SHIFT = 22n

type Row = Record<string, SQLOutputValue>

function numberOrNull(value: SQLOutputValue): number | null {
  return value === null ? null : Number(value)
}

function amount(value: SQLOutputValue): bigint | null {
  return value === null ? null : (value as bigint)
}

function toMilliseconds(value: SQLOutputValue): number | null {
  return value === null ? null : Number(value) / 1_000
}

function placementOf(row: Row): PlacementRecord | null {
  if (row.expected === null && row.why === null) return null
  const spill =
    row.why === null
      ? null
      : {
          why: SPILLS[Number(row.why)]!,
          expectedMs: toMilliseconds(row.expected_us!),
          targetMs: toMilliseconds(row.target_us!),
          harmDollars: amount(row.harm!),
          moreDollars: amount(row.more!),
        }
  return { expectedCachedTokens: numberOrNull(row.expected!), spill }
}

/** Reads the texts behind the numbers of one table of names. */
class Texts<T> {
  readonly #find: StatementSync
  readonly #parse: (text: string) => T
  readonly #known = new Map<SQLOutputValue, T>()

  constructor(db: DatabaseSync, table: NameTable, parse: (text: string) => T) {
    this.#find = db.prepare(`SELECT text FROM ${table} WHERE id = ?`)
    this.#parse = parse
  }

  of(id: SQLOutputValue): T {
    const known = this.#known.get(id)
    if (known !== undefined) return known
    const row = this.#find.get(id)
    if (row === undefined) throw new Error(`a name of the ledger is missing: ${id}`)
    const parsed = this.#parse(String(row.text))
    if (this.#known.size >= MAX_TEXTS) this.#known.clear()
    this.#known.set(id, parsed)
    return parsed
  }
}

/** Records, put together again from their rows. */
export class Receipts {
  readonly #one: StatementSync
  readonly #page: StatementSync
  readonly #pageOfOutcome: StatementSync
  readonly #attempts: StatementSync
  readonly #models: Texts<string>
  readonly #deployments: Texts<string>
  readonly #callers: Texts<CallerIdentity>
  readonly #rates: Texts<Rate>
  readonly #circumstances: Texts<Readonly<Record<string, string>>>
  readonly #contenders: Texts<string>
  readonly #tiers: Texts<string>

  constructor(db: DatabaseSync) {
    const exact = { readBigInts: true }
    this.#one = db.prepare('SELECT * FROM calls WHERE id = ?', exact)
    this.#page = db.prepare('SELECT * FROM calls WHERE id >= ? AND id < ? ORDER BY id LIMIT ?', exact)
    // Written out for each outcome but `completed`, so that SQLite may use the index of those that did not complete.
    this.#pageOfOutcome = db.prepare(
      'SELECT * FROM calls WHERE outcome = ? AND outcome <> 0 AND id >= ? AND id < ? ORDER BY id LIMIT ?',
      exact,
    )
    this.#attempts = db.prepare(
      `SELECT a.*, choices.replica, choices.route, choices.expected, spills.why, spills.expected_us, spills.target_us,
          spills.harm, spills.more FROM attempts a
        LEFT JOIN choices ON choices.call = a.call AND choices.n = a.n
        LEFT JOIN spills ON spills.call = a.call AND spills.n = a.n WHERE a.call = ? ORDER BY a.n`,
      exact,
    )
    this.#models = new Texts(db, 'models', text => text)
    this.#deployments = new Texts(db, 'deployments', text => text)
    this.#callers = new Texts(db, 'callers', text => JSON.parse(text))
    this.#rates = new Texts(db, 'rates', text => JSON.parse(text))
    this.#circumstances = new Texts(db, 'circumstances', text => JSON.parse(text))
    this.#contenders = new Texts(db, 'contenders', text => text)
    this.#tiers = new Texts(db, 'tiers', text => text)
  }

  one(id: CallId): CallRecord | null {
    const integer = callIdToInteger(id)
    const row = integer === null ? undefined : this.#one.get(integer)
    return row === undefined ? null : this.#record(row)
  }

  /** @throws RangeError for a limit out of range or a cursor that this ledger never gave out */
  page(query: ReceiptQuery): ReceiptPage {
    const { limit, cursor, outcome } = query
    checkPageSize(limit)
    let from = query.since === undefined ? 0n : smallestIdAt(query.since)
    if (cursor !== undefined) {
      const after = callIdToInteger(cursor)
      if (after === null) throw new RangeError(`cursor: expected the cursor of the page before, got '${cursor}'`)
      if (after >= from) from = after + 1n
    }
    const until = smallestIdAt(query.until ?? Number.POSITIVE_INFINITY)
    const rows = this.#rows(outcome === undefined ? null : CALL_OUTCOME_CODES[outcome]!, from, until, limit + 1)
    const records = rows.slice(0, limit).map(row => this.#record(row))
    return { records, cursor: rows.length > limit ? records.at(-1)!.id : null }
  }

  #rows(outcome: number | null, from: bigint, until: bigint, count: number): readonly Row[] {
    if (outcome === null) return this.#page.all(from, until, count)
    if (outcome !== 0) return this.#pageOfOutcome.all(outcome, from, until, count)
    const found: Row[] = []
    // Most calls complete, so passing over the others is cheaper than an index of all.
    for (const row of this.#page.iterate(from, until, -1)) {
      if (row.outcome === 0n) found.push(row)
      if (found.length === count) break
    }
    return found
  }

  #record(row: Row): CallRecord {
    const id = row.id as bigint
    const at = Number(id >> ID_TIME_SHIFT) + ID_EPOCH_MS + Number(row.at_offset_ms)
    const [key, team, user, tags] = this.#callers.of(row.caller!)
    return {
      id: callIdFromInteger(id),
      at,
      model: this.#models.of(row.model!),
      dialect: DIALECTS[Number(row.dialect)]!,
      endpoint: ENDPOINTS[Number(row.endpoint)]!,
      caller: { key, team, user, tags, run: row.run as string | null },
      outcome: CALL_OUTCOMES[Number(row.outcome)]!,
      status: Number(row.status),
      streamed: row.streamed === 1n,
      heldDollars: amount(row.held!),
      dollars: amount(row.dollars!),
      durationMs: toMilliseconds(row.duration_us!)!,
      timeToFirstTokenMs: toMilliseconds(row.first_token_us!),
      limited: row.limited === 1n,
      overrunDollars: amount(row.overrun!),
      downgradedTo: row.downgraded === null ? null : this.#models.of(row.downgraded!),
      tier: row.tier === null ? null : this.#tiers.of(row.tier!),
      queueMs: toMilliseconds(row.queue_us!) ?? 0,
      attempts: this.#attempts.all(id).map(attempt => this.#attempt(attempt, at)),
    }
  }

  #attempt(row: Row, callAt: number): AttemptRecord {
    return {
      deployment: this.#deployments.of(row.deployment!),
      outcome: ATTEMPT_OUTCOMES[Number(row.outcome)]!,
      status: numberOrNull(row.status!),
      startedAt: callAt + Number(row.started_offset_ms),
      durationMs: toMilliseconds(row.duration_us!)!,
      timeToFirstTokenMs: toMilliseconds(row.first_token_us!),
      usage: row.source === null ? null : this.#usage(row),
      rate: row.rate === null ? null : this.#rates.of(row.rate!),
      dollars: amount(row.dollars!),
      replica: numberOrNull(row.replica!),
      route: row.route === null ? null : routeFrom(row.route as Uint8Array, name => this.#contenders.of(name)),
      placement: placementOf(row),
    }
  }

  #usage(row: Row): Usage {
    const counts = row.counts === null ? {} : JSON.parse(String(row.counts))
    const special =
      row.circumstances === null ? {} : { special: { ...this.#circumstances.of(row.circumstances!), ...counts } }
    return {
      inputTokens: Number(row.input),
      cachedInputTokens: Number(row.cached),
      cacheWrite5mTokens: Number(row.written_5m),
      cacheWrite1hTokens: Number(row.written_1h),
      outputTokens: Number(row.output),
      reasoningTokens: Number(row.reasoning),
      source: USAGE_SOURCES[Number(row.source)]!,
      ...special,
    }
  }
}
