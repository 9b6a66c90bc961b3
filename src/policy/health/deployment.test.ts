import { describe, expect, it } from 'vitest'
import type { DeploymentHealth } from './deployment.ts'
import { drawsOf, fail, healthOf, noDraw, START, succeed, TERMS, take } from './health.fixture.ts'

const { failures, openMs } = TERMS
const HOUR_MS = 3_600_000

/** Takes that one, by drawing until it comes; the others are given back. */
function takeReplica(health: DeploymentHealth, replica: number, now: number) {
  for (let i = 0; i < 1_000; i++) {
    const taken = health.take(now, drawsOf(i), [])
    if (taken === null) break
    if (taken.replica === replica) return taken
    taken.ended('none', now, null)
  }
  throw new Error(`replica ${replica} was never taken`)
}

function failReplica(health: DeploymentHealth, replica: number, now: number): void {
  for (let i = 0; i < failures; i++) takeReplica(health, replica, now).ended('failed', now, null)
}

describe('taking a replica', () => {
  it('shares the load of equal ones, whatever is drawn', () => {
    const health = healthOf(4)
    const random = drawsOf(1)
    const taken = Array.from({ length: 400 }, () => health.take(START, random, [])!.replica)
    const counts = [0, 1, 2, 3].map(replica => taken.filter(each => each === replica).length)
    for (const count of counts) expect(Math.abs(count - 100)).toBeLessThanOrEqual(6)
  })

  it('takes the one with fewer outstanding of the two drawn', () => {
    const health = healthOf(2)
    takeReplica(health, 0, START)
    for (let seed = 0; seed < 20; seed++) {
      const taken = health.take(START, drawsOf(seed), [])!
      expect(taken.replica).toBe(1)
      taken.ended('none', START, null)
    }
  })

  it('takes no dead one, and shares the load among the living', () => {
    const health = healthOf(3)
    failReplica(health, 1, START)
    const random = drawsOf(2)
    const taken = Array.from({ length: 100 }, () => health.take(START, random, [])!.replica)
    const counts = [0, 1, 2].map(replica => taken.filter(each => each === replica).length)
    expect(counts[1]).toBe(0)
    expect(Math.abs(counts[0]! - 50)).toBeLessThanOrEqual(2)
  })

  it.each([
    [[], [0, 1, 2]],
    [[0], [1, 2]],
    [[0, 2], [1]],
    [
      [0, 1, 2],
      [0, 1, 2],
    ],
  ])('after %j were tried takes one of %j', (tried, expected) => {
    const health = healthOf(3)
    const seen = new Set<number>()
    for (let seed = 0; seed < 100; seed++) {
      const taken = health.take(START, drawsOf(seed), tried)!
      seen.add(taken.replica)
      taken.ended('none', START, null)
    }
    expect([...seen].sort()).toEqual(expected)
  })

  it('prefers a tried one to a dead one', () => {
    const health = healthOf(2)
    failReplica(health, 1, START)
    expect(health.take(START, noDraw, [0])!.replica).toBe(0)
  })

  it('asks one that recovers only up to its share while another is well', () => {
    const health = healthOf(2)
    failReplica(health, 1, START)
    const now = START + openMs
    takeReplica(health, 1, now).ended('well', now, null)
    const random = drawsOf(3)
    const taken = Array.from({ length: 40 }, () => health.take(now, random, [])!.replica)
    expect(taken.filter(replica => replica === 1)).toHaveLength(2)
  })

  it('takes one that recovers when the other has been tried', () => {
    const health = healthOf(2)
    failReplica(health, 1, START)
    const now = START + openMs
    takeReplica(health, 1, now).ended('well', now, null)
    for (let i = 0; i < 5; i++) expect(health.take(now, noDraw, [0])!.replica).toBe(1)
  })

  it('is impossible once the only one is dead', () => {
    const health = healthOf()
    fail(health, START, failures)
    expect(health.take(START, noDraw, [])).toBeNull()
    expect(health.take(START, noDraw, [0])).toBeNull()
  })
})

describe('what stands of a deployment', () => {
  it('is what the best of its replicas allows', () => {
    const health = healthOf(2)
    failReplica(health, 0, START)
    expect(health.standing(START).kind).toBe('ready')
    failReplica(health, 1, START + 1_000)
    expect(health.standing(START + 1_000)).toEqual({ kind: 'open', until: START + openMs })
    health.take(START + openMs, noDraw, [])
    expect(health.standing(START + openMs)).toEqual({ kind: 'probing', until: null })
    expect(health.standing(START + openMs + 1_000).kind).toBe('ready')
  })

  it('is quiet until the latest time that it was told', () => {
    const health = healthOf()
    const [one, two, three] = [take(health, START), take(health, START), take(health, START)]
    one.ended('limited', START, START + 5_000)
    two.ended('limited', START, START + 2_000)
    three.ended('failed', START, START + 6_000)
    expect(health.standing(START)).toEqual({ kind: 'quiet', until: START + 6_000 })
    expect(health.take(START + 5_999, noDraw, [])).toBeNull()
    expect(health.standing(START + 6_000).kind).toBe('ready')
    expect(health.take(START + 6_000, noDraw, [])).not.toBeNull()
  })

  it('is quiet for an hour at most', () => {
    const health = healthOf()
    take(health, START).ended('limited', START, START + 365 * 24 * HOUR_MS)
    expect(health.standing(START)).toEqual({ kind: 'quiet', until: START + HOUR_MS })
  })

  it('is ready where it was told to be quiet until a time that has passed', () => {
    const health = healthOf()
    take(health, START).ended('limited', START, START)
    expect(health.standing(START).kind).toBe('ready')
  })

  it('is quiet by one replica alone where the others said nothing', () => {
    const health = healthOf(2)
    takeReplica(health, 0, START).ended('limited', START, START + 5_000)
    expect(health.standing(START).kind).toBe('ready')
    for (let i = 0; i < 5; i++) expect(health.take(START, noDraw, [])!.replica).toBe(1)
  })

  it('is quiet after a probe that was limited, and needs no probe then', () => {
    const health = healthOf()
    fail(health, START, failures)
    const now = START + openMs
    take(health, now).ended('limited', now, now + 1_000)
    expect(health.standing(now)).toEqual({ kind: 'quiet', until: now + 1_000 })
    expect(take(health, now + 1_000).isProbe).toBe(false)
  })

  it('is open until both breaker and quiet are over', () => {
    const health = healthOf()
    const last = take(health, START)
    fail(health, START, failures - 1)
    last.ended('failed', START, START + openMs + 5_000)
    expect(health.standing(START)).toEqual({ kind: 'open', until: START + openMs + 5_000 })
    expect(health.standing(START + openMs)).toEqual({ kind: 'quiet', until: START + openMs + 5_000 })
  })
})

describe('a clock that is put back a year', () => {
  const EARLIER = START - 365 * 24 * HOUR_MS

  it('leaves no deployment alone for that year', () => {
    const health = healthOf()
    fail(health, START, failures)
    expect(health.standing(EARLIER).kind).toBe('ready')
    take(health, EARLIER).ended('well', EARLIER, EARLIER + 1_000)
    expect(health.standing(EARLIER).kind).toBe('quiet')
    expect(health.standing(EARLIER - HOUR_MS * 24).kind).toBe('ready')
  })

  it('keeps counting failures as they come', () => {
    const health = healthOf()
    fail(health, START, failures - 1)
    fail(health, EARLIER)
    expect(health.standing(EARLIER).kind).toBe('ready')
    fail(health, EARLIER, failures - 1)
    expect(health.standing(EARLIER).kind).toBe('open')
  })
})

describe('outstanding calls', () => {
  it('are those that have not ended, each ending once', () => {
    const health = healthOf()
    const [one, two] = [take(health, START), take(health, START)]
    expect(health.outstanding()).toBe(2)
    one.ended('well', START, null)
    one.ended('failed', START, null)
    expect(health.outstanding()).toBe(1)
    two.ended('none', START, null)
    succeed(health, START)
    expect(health.outstanding()).toBe(0)
  })
})
