import { describe, expect, it } from 'vitest'
import type { Key } from '../vocabulary/caller.ts'
import { Callers, MAX_TAGS } from './caller.ts'

const KEY: Key = {
  name: 'ci',
  team: 'search',
  user: 'ana',
  tags: { project: 'atlas' },
  models: null,
  tiers: null,
  secretHash: 'abc',
  createdAt: 0,
  declared: true,
}

const of = (headers: Record<string, string>) => new Callers().of(KEY, headers)

describe('a caller', () => {
  it.each<[string, Record<string, string>, Record<string, string>]>([
    ['without a header has the tags of its key', {}, { project: 'atlas' }],
    [
      'adds tags',
      { 'x-penstock-tag': 'feature=search, sprint=7' },
      { feature: 'search', sprint: '7', project: 'atlas' },
    ],
    ['never replaces a tag of its key', { 'x-penstock-tag': 'project=mine' }, { project: 'atlas' }],
    ['may use = in a value', { 'x-penstock-tag': 'q=a=b' }, { q: 'a=b', project: 'atlas' }],
    [
      'may use names that objects have',
      { 'x-penstock-tag': 'fault=1,constructor=2' },
      { fault: '1', constructor: '2', project: 'atlas' },
    ],
    ['may end with a comma', { 'x-penstock-tag': 'a=1,' }, { a: '1', project: 'atlas' }],
  ])('%s', (_, headers, tags) => {
    expect(of(headers)).toEqual({ caller: { key: 'ci', team: 'search', user: 'ana', tags, run: null } })
  })

  it.each([
    'feature',
    '=x',
    'a=',
    `${'n'.repeat(65)}=1`,
    `a=${'v'.repeat(257)}`,
    Array.from({ length: MAX_TAGS + 1 }, (_, i) => `t${i}=1`).join(','),
  ])('is told what is wrong with the tag %j', tag => {
    expect(of({ 'x-penstock-tag': tag })).toEqual({ fault: expect.stringContaining('x-penstock-tag') })
  })

  it.each<[Record<string, string>, string | null]>([
    [{ 'x-penstock-run': 'r1', 'session-id': 's1' }, 'r1'],
    [{ 'x-claude-code-session-id': 'c1', 'session-id': 's1' }, 'c1'],
    [{ 'session-id': 's1' }, 's1'],
    [{ 'x-penstock-run': '  ' }, null],
  ])('of %j is in the run %j', (headers, run) => {
    expect(of(headers)).toMatchObject({ caller: { run } })
  })

  it('whose run has a name without bound is refused', () => {
    expect(of({ 'x-penstock-run': 'r'.repeat(257) })).toEqual({ fault: expect.stringContaining('x-penstock-run') })
  })

  it('is the same object when it comes again', () => {
    const callers = new Callers()
    const first = callers.of(KEY, { 'x-penstock-tag': 'a=1' })
    expect(callers.of(KEY, { 'x-penstock-tag': 'a=1' })).toBe(first)
  })

  it("of a key that was made again has the new key's team", () => {
    const callers = new Callers()
    callers.of(KEY, {})
    expect(callers.of({ ...KEY, secretHash: 'def', team: 'ads' }, {})).toMatchObject({ caller: { team: 'ads' } })
  })
})
