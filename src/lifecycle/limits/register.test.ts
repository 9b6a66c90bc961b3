import { describe, expect, it } from 'vitest'
import { LimitBook } from '../../policy/limits/book.ts'
import type { AuditEntry, StoredLimit } from '../../ports/ledger.ts'
import type { LimitTerms } from '../../vocabulary/limit.ts'
import { readLimitTerms } from '../../vocabulary/limit-terms.ts'
import { LimitRegister } from './register.ts'

const NOW = Date.UTC(2026, 5, 1)
const BY = { name: 'admin', address: null }

function termsOf(value: Record<string, unknown>): LimitTerms {
  const read = readLimitTerms(value)
  if ('faults' in read) throw new Error(JSON.stringify(read.faults))
  return read.terms
}

const TERMS = termsOf({ scope: 'key:ci', unit: 'requests', amount: 5, window: 'total' })

/** A register over a store that takes a turn for each change, in order, as the ledger does. */
async function stage() {
  const kept = new Map<string, StoredLimit>()
  const audit: (AuditEntry | null)[] = []
  let isFull = false
  const written = async (write: () => void, entry: AuditEntry | null) => {
    await new Promise(resolve => setImmediate(resolve))
    if (isFull) throw new Error('the disk is full')
    write()
    audit.push(entry)
  }
  const book = new LimitBook(NOW)
  const register = await LimitRegister.open([], [], {
    book,
    store: {
      limits: () => [...kept.values()],
      putLimit: (limit, entry) => written(() => kept.set(limit.id, limit), entry),
      removeLimit: (id, entry) => written(() => kept.delete(id), entry),
    },
    clock: { now: () => NOW },
    changed: () => {},
  })
  const made = await register.create(TERMS, BY)
  if (made === 'taken') throw new Error('expected a limit')
  return { register, kept, audit, book, id: made.id, fill: (full: boolean) => (isFull = full) }
}

describe('changes of limits that are asked for at once', () => {
  it('leave nothing on disk of a limit that is changed while it is taken away', async () => {
    const { register, kept, id } = await stage()
    const answers = await Promise.all([register.remove(id, BY), register.change(id, { amount: 9 }, BY)])
    expect(answers).toEqual(['removed', 'unknown'])
    expect([register.limits(), [...kept]]).toEqual([[], []])
  })

  it('keep each other: what one says of the amount and another of its end both hold', async () => {
    const { register, kept, id } = await stage()
    await Promise.all([
      register.change(id, { amount: 9 }, BY),
      register.change(id, { onReached: { kind: 'warn' } }, BY),
    ])
    expect(register.limits()).toMatchObject([{ amount: 9, onReached: { kind: 'warn' } }])
    expect(kept.get(id)!.terms).toMatchObject({ amount: 9, onReached: 'warn' })
  })

  it('take a limit away once, and make one of two that are the same', async () => {
    const { register, audit, id } = await stage()
    expect(await Promise.all([register.remove(id, BY), register.remove(id, BY)])).toEqual(['removed', 'unknown'])
    const made = await Promise.all([register.create(TERMS, BY), register.create(TERMS, BY)])
    expect(made.map(limit => (limit === 'taken' ? limit : limit.id))).toEqual([id, 'taken'])
    expect(audit.map(entry => entry?.action)).toEqual(['create', 'delete', 'create'])
  })

  it('make one beside another that does something else when it is reached: a warning before the stop', async () => {
    const { register, book, id } = await stage()
    const warning = await register.create({ ...TERMS, amount: 3, onReached: { kind: 'warn' } }, BY)
    if (warning === 'taken') throw new Error('expected a limit')
    expect(warning.id).not.toBe(id)
    expect(await register.create({ ...TERMS, amount: 4, onReached: { kind: 'warn' } }, BY)).toBe('taken')
    const caller = { key: 'ci', team: null, user: null, tags: {}, run: null }
    expect(book.view(caller, NOW).map(({ limit, amount }) => [limit, amount])).toEqual([
      [id, 5],
      [warning.id, 3],
    ])
  })

  it('go on after one that the disk did not take, which changed nothing', async () => {
    const { register, id, fill, book } = await stage()
    fill(true)
    await expect(register.change(id, { amount: 9 }, BY)).rejects.toThrow('full')
    await expect(register.remove(id, BY)).rejects.toThrow('full')
    fill(false)
    expect([...book.members(id, NOW)]).toMatchObject([{ amount: 5 }])
    expect(await register.change(id, { amount: 9 }, BY)).toMatchObject({ amount: 9 })
  })
})
