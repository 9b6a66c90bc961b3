import { describe, expect, it } from 'vitest'
import { Work } from './work.ts'

describe('what a replica did', () => {
  it('is busy and idle energy until the last completion, and the share of the cache over that time', () => {
    const work = new Work(100)
    work.add({ from: 0, until: 1_000, joules: 500, kvUse: 0.5 }, 1_000)
    work.add({ from: 3_000, until: 4_000, joules: 300, kvUse: 0.25 }, 4_000)
    expect(work.until(4_000)).toEqual({ busyMs: 2_000, joules: 800 + 200, kvUse: 0.1875, mostKvUse: 0.5 })
  })

  it('leaves out what came after the last completion, and of what was under way then the rest', () => {
    const work = new Work(0)
    work.add({ from: 0, until: 1_000, joules: 100, kvUse: 1 }, 0)
    work.add({ from: 1_000, until: 2_000, joules: 100, kvUse: 1 }, 0)
    work.add({ from: 2_000, until: 3_000, joules: 100, kvUse: 1 }, 0)
    expect(work.until(1_500)).toEqual({ busyMs: 1_500, joules: 150, kvUse: 1, mostKvUse: 1 })
  })

  it('counts what was put off once a later completion is known', () => {
    const work = new Work(0)
    work.add({ from: 0, until: 1_000, joules: 100, kvUse: 0 }, 0)
    work.add({ from: 1_000, until: 2_000, joules: 100, kvUse: 0 }, 2_000)
    expect(work.until(2_000)).toMatchObject({ busyMs: 2_000, joules: 200 })
  })

  it('is nothing where nothing was completed', () => {
    expect(new Work(100).until(0)).toEqual({ busyMs: 0, joules: 0, kvUse: 0, mostKvUse: 0 })
  })
})
