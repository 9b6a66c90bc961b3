import type { AuditEntry, AuditLog, KeptBalance, KeptUse, LimitStore, StoredLimit } from '../../ports/ledger.ts'
import type { EpochMs } from '../../units/time.ts'
import type { Balance } from '../../vocabulary/limit.ts'
import type { AuditQuery, NumberedAudit } from './audits.ts'
import type { Command } from './command.ts'
import type { Journal } from './journal.ts'
import type { KeptLimits } from './keptLimits.ts'
import type { Reading } from './reading.ts'
import { MAX_TEXT_BYTES } from './ring.ts'

/** Balances that one transaction takes at most: some 3 ms, which is what a record may have to wait for it. */
export const BALANCES_PER_PIECE = 500
/** A command of so many characters fits whatever they are. */
const CHARACTERS_PER_PIECE = MAX_TEXT_BYTES / 3 - 1_024

/** What the store held when it was opened. */
export interface OpenedLimits {
  readonly limits: readonly StoredLimit[]
  readonly lastSeq: number
  readonly kept: KeptLimits
}

/** Limits on disk: changes and uses go to the writer's thread, in order with the records. */
export class SqliteLimits implements LimitStore, AuditLog {
  readonly #journal: Pick<Journal, 'command' | 'keepUse'>
  readonly #reading: Pick<Reading, 'ask'>
  readonly #opened: OpenedLimits
  /** The end of what is done one after the other: checkpoints, and changes that must wait for them. */
  #line: Promise<void> = Promise.resolve()
  #inLine = 0
  /** Limits that were removed while something was in line. */
  readonly #removed = new Set<string>()

  constructor(journal: Pick<Journal, 'command' | 'keepUse'>, reading: Pick<Reading, 'ask'>, opened: OpenedLimits) {
    this.#journal = journal
    this.#reading = reading
    this.#opened = opened
  }

  get lastSeq(): number {
    return this.#opened.lastSeq
  }

  limits(): readonly StoredLimit[] {
    return this.#opened.limits
  }

  balances(): Iterable<KeptBalance> {
    return this.#opened.kept.balances()
  }

  uses(): Iterable<KeptUse> {
    return this.#opened.kept.uses()
  }

  putLimit(limit: StoredLimit, audit: AuditEntry | null): Promise<void> {
    return this.#change(limit.id, { do: 'putLimit', limit, audit })
  }

  removeLimit(id: string, audit: AuditEntry | null): Promise<void> {
    const removed = this.#change(id, { do: 'removeLimit', id, audit })
    if (this.#inLine > 0) this.#removed.add(id)
    return removed
  }

  note(audit: AuditEntry): Promise<void> {
    return this.#journal.command({ do: 'note', audit })
  }

  keepUse(use: KeptUse): void {
    this.#journal.keepUse(use)
  }

  checkpoint(balances: readonly Balance[], asOf: number, now: EpochMs): Promise<void> {
    return this.#queue(async () => {
      for (const piece of piecesOf(balances)) {
        await this.#journal.command({ do: 'putBalances', balances: piece, asOf })
      }
      await this.#journal.command({ do: 'cover', asOf, now })
    })
  }

  audits(query: AuditQuery): Promise<readonly NumberedAudit[]> {
    return this.#reading.ask('audits', query)
  }

  /**
   * Changes go at once, also between the pieces of a checkpoint. But one that was removed meanwhile may come back only
   * after the checkpoint: its last pieces would bring what was used before the removal.
   */
  #change(id: string, command: Command): Promise<void> {
    return this.#removed.has(id) ? this.#queue(() => this.#journal.command(command)) : this.#journal.command(command)
  }

  #queue(step: () => Promise<void>): Promise<void> {
    this.#inLine++
    const done = this.#line.then(step)
    const left = () => {
      this.#inLine--
      if (this.#inLine === 0) this.#removed.clear()
    }
    this.#line = done.then(left, left)
    return done
  }
}

function* piecesOf(balances: readonly Balance[]): Generator<readonly Balance[]> {
  let piece: Balance[] = []
  let characters = 0
  for (const balance of balances) {
    const length = JSON.stringify(balance).length + 1
    const isFull = piece.length === BALANCES_PER_PIECE || characters + length > CHARACTERS_PER_PIECE
    if (isFull && piece.length > 0) {
      yield piece
      piece = []
      characters = 0
    }
    piece.push(balance)
    characters += length
  }
  if (piece.length > 0) yield piece
}
