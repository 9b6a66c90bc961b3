import { describe, expect, it } from 'vitest'
import type { DeploymentHealth } from './deployment.ts'
import { fail, healthOf, noDraw, QUICK, START, succeed, TERMS, take } from './health.fixture.ts'

const { failures, withinMs, openMs } = TERMS
const OPENED = START + openMs

function kindAt(health: DeploymentHealth, now: number): string {
  return health.standing(now).kind
}

/** One that has just opened, and its probe, which was taken as soon as it could be. */
function probed() {
  const health = healthOf()
  fail(health, START, failures)
  return { health, probe: take(health, OPENED) }
}

describe('a breaker', () => {
  it('opens with the last of its failures, for its time, and says until when', () => {
    const health = healthOf()
    fail(health, START, failures - 1)
    expect(kindAt(health, START)).toBe('ready')
    fail(health, START)
    expect(health.standing(START)).toEqual({ kind: 'open', until: OPENED })
    expect(health.take(OPENED - 1, noDraw, [])).toBeNull()
    expect(kindAt(health, OPENED)).toBe('ready')
  })

  it.each([
    ['as far apart as the window is long', withinMs / (failures - 1), 'open'],
    ['much further apart', withinMs, 'ready'],
  ])('counts failures that are %s', (_, apartMs, kind) => {
    const health = healthOf()
    for (let i = 0; i < failures; i++) fail(health, START + i * apartMs)
    expect(kindAt(health, START + (failures - 1) * apartMs)).toBe(kind)
  })

  it('counts failures with successes between them', () => {
    const health = healthOf()
    for (let i = 0; i < failures; i++) {
      succeed(health, START + i)
      fail(health, START + i)
    }
    expect(kindAt(health, START + failures)).toBe('open')
  })

  it('of a busy deployment that dies opens with the last of its failures all the same', () => {
    const health = healthOf()
    succeed(health, START, 10_000)
    fail(health, START + 1, failures - 1)
    expect(kindAt(health, START + 1)).toBe('ready')
    fail(health, START + 1)
    expect(kindAt(health, START + 1)).toBe('open')
  })

  it.each([
    [40, 'ready'],
    [15, 'open'],
  ])('of a deployment that fails once after %d successes is %s', (between, kind) => {
    const health = healthOf()
    for (let i = 0; i < 20; i++) {
      const now = START + 10 * i
      if (kindAt(health, now) === 'open') break
      succeed(health, now, between)
      fail(health, now)
    }
    expect(kindAt(health, START + 200)).toBe(kind)
  })

  it.each(['well', 'limited', 'none'] as const)('does not open by attempts that end %s', verdict => {
    const health = healthOf()
    for (let i = 0; i < 100; i++) take(health, START).ended(verdict, START, null)
    expect(kindAt(health, START)).toBe('ready')
  })

  it('opens by streams that break after their first content', () => {
    const health = healthOf()
    succeed(health, START, 1_000)
    for (let i = 0; i < failures; i++) {
      const taken = take(health, START)
      taken.answered(START, QUICK)
      taken.ended('failed', START, null)
    }
    expect(kindAt(health, START)).toBe('open')
  })

  it('opens once when a hundred streams die in a moment, and is not kept open by those that die later', () => {
    const health = healthOf()
    const streams = Array.from({ length: 100 }, () => take(health, START))
    for (const stream of streams.slice(0, 50)) stream.ended('failed', START, null)
    for (const stream of streams.slice(50, 75)) stream.ended('failed', OPENED - 1, null)
    expect(health.standing(OPENED - 1)).toEqual({ kind: 'open', until: OPENED })
    const probe = take(health, OPENED)
    for (const stream of streams.slice(75, 90)) stream.ended('failed', OPENED, null)
    expect(kindAt(health, OPENED)).toBe('probing')
    probe.answered(OPENED + 1, QUICK)
    probe.ended('well', OPENED + 1, null)
    for (const stream of streams.slice(90)) stream.ended('failed', OPENED + 2, null)
    expect(kindAt(health, OPENED + 2)).toBe('ready')
  })

  it('is not closed by an old stream that goes on to a good end', () => {
    const health = healthOf()
    const old = take(health, START)
    fail(health, START, failures)
    old.answered(START, QUICK)
    old.ended('well', START + 1, null)
    expect(kindAt(health, START + 1)).toBe('open')
  })
})

describe('the probe of a breaker', () => {
  it('is one call, however many ask', () => {
    const { health, probe } = probed()
    expect(probe.isProbe).toBe(true)
    expect(health.standing(OPENED)).toEqual({ kind: 'probing', until: null })
    expect(health.take(OPENED, noDraw, [])).toBeNull()
    expect(health.outstanding()).toBe(1)
  })

  it.each(['answered', 'well', 'limited'] as const)('closes it when it was %s', how => {
    const { health, probe } = probed()
    if (how === 'answered') probe.answered(OPENED, QUICK)
    else probe.ended(how, OPENED, null)
    expect(kindAt(health, OPENED)).toBe('ready')
    expect(take(health, OPENED).isProbe).toBe(false)
  })

  it('opens it anew for the same time when it fails', () => {
    const { health, probe } = probed()
    probe.ended('failed', OPENED + 10, null)
    expect(health.standing(OPENED + 10)).toEqual({ kind: 'open', until: OPENED + 10 + openMs })
    expect(take(health, OPENED + 10 + openMs).isProbe).toBe(true)
  })

  it('opens it anew when it breaks after its first content and no other call was well meanwhile', () => {
    const { health, probe } = probed()
    probe.answered(OPENED, QUICK)
    probe.ended('failed', OPENED + 10, null)
    expect(kindAt(health, OPENED + 10)).toBe('open')
  })

  it('is one failure among others when another call was well before it broke', () => {
    const { health, probe } = probed()
    probe.answered(OPENED, QUICK)
    succeed(health, OPENED)
    probe.ended('failed', OPENED + 10, null)
    expect(kindAt(health, OPENED + 10)).toBe('ready')
  })

  it('is for the next call when it found nothing out', () => {
    const { health, probe } = probed()
    probe.ended('none', OPENED, null)
    const next = take(health, OPENED)
    expect(next.isProbe).toBe(true)
    probe.ended('none', OPENED, null)
    expect(health.take(OPENED, noDraw, [])).toBeNull()
  })

  it('may be tried by another call after its lease, and what becomes of the first then disturbs nothing', () => {
    const { health, probe } = probed()
    expect(health.take(OPENED + 59_999, noDraw, [])).toBeNull()
    const second = take(health, OPENED + 60_000)
    expect(second.isProbe).toBe(true)
    probe.ended('failed', OPENED + 60_001, null)
    expect(kindAt(health, OPENED + 60_001)).toBe('probing')
    second.ended('well', OPENED + 60_002, null)
    expect(kindAt(health, OPENED + 60_002)).toBe('ready')
  })

  it('has a lease as long as the breaker is open, where that is long', () => {
    const health = healthOf(1, { ...TERMS, openMs: 300_000 })
    fail(health, START, failures)
    take(health, START + 300_000)
    expect(kindAt(health, START + 599_999)).toBe('probing')
    expect(kindAt(health, START + 600_000)).toBe('ready')
  })

  it('leaves a closed breaker that opens only after all its failures', () => {
    const { health, probe } = probed()
    probe.ended('well', OPENED, null)
    fail(health, OPENED, failures - 1)
    expect(kindAt(health, OPENED)).toBe('ready')
    fail(health, OPENED)
    expect(kindAt(health, OPENED)).toBe('open')
  })
})

describe('slow start', () => {
  /** How many of so many calls at once find it ready. */
  function crowd(health: DeploymentHealth, now: number, size: number): number {
    const taken = []
    for (let i = 0; i < size; i++) if (kindAt(health, now) === 'ready') taken.push(take(health, now))
    for (const each of taken) {
      each.answered(now, QUICK)
      each.ended('well', now, null)
    }
    return taken.length
  }

  it('doubles with each round of calls, until it is out of the way', () => {
    const { health, probe } = probed()
    probe.ended('well', OPENED, null)
    const rounds = Array.from({ length: 7 }, (_, i) => crowd(health, OPENED + i, 200))
    expect(rounds).toEqual([2, 4, 8, 16, 32, 200, 200])
  })

  it('is over after half a minute without calls', () => {
    const { health, probe } = probed()
    probe.ended('well', OPENED, null)
    expect(crowd(health, OPENED + 29_999, 0)).toBe(0)
    take(health, OPENED)
    take(health, OPENED)
    expect(health.standing(OPENED)).toEqual({ kind: 'recovering', until: OPENED + 30_000 })
    expect(crowd(health, OPENED + 30_000, 200)).toBe(200)
  })

  it('refuses nobody where there is nobody else', () => {
    const { health, probe } = probed()
    probe.ended('well', OPENED, null)
    const taken = Array.from({ length: 20 }, () => take(health, OPENED))
    expect(kindAt(health, OPENED)).toBe('recovering')
    expect(taken.every(({ isProbe }) => !isProbe)).toBe(true)
  })
})
