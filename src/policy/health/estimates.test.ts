import { describe, expect, it } from 'vitest'
import type { DeploymentHealth } from './deployment.ts'
import { fail, healthOf, START, succeed, TERMS, take } from './health.fixture.ts'

const FRESH_MS = 300_000
const MINUTE_MS = 60_000

function stream(health: DeploymentHealth, now: number, waitedMs: number): void {
  const taken = take(health, now)
  taken.answered(now, { waitedMs, streamed: true })
  taken.ended('well', now, null)
}

function giveUp(health: DeploymentHealth, now: number, waitedMs: number): void {
  const taken = take(health, now)
  taken.unanswered(now, waitedMs)
  taken.ended('none', now, null)
}

describe('the learnt time to the first token', () => {
  it('is unknown while nothing was learnt', () => {
    const health = healthOf()
    expect(health.timeToFirstTokenMs(START)).toBeNull()
    take(health, START).ended('well', START, null)
    expect(health.timeToFirstTokenMs(START)).toBeNull()
  })

  it.each([
    [[40], 40],
    [[40, 60], 50],
    [[300, 100, 200], 200],
    [[100, 100, 100, 90_000], 100],
    [[90_000, 100, 110, 90_000, 120, 130, 140], 130],
  ])('of %j is their median %d', (samples, median) => {
    const health = healthOf()
    for (const each of samples) stream(health, START, each)
    expect(health.timeToFirstTokenMs(START)).toBe(median)
  })

  it('follows a change within the last sixteen streams', () => {
    const health = healthOf()
    for (let i = 0; i < 100; i++) stream(health, START + i, 5_000)
    for (let i = 0; i < 9; i++) stream(health, START + 100 + i, 200)
    expect(health.timeToFirstTokenMs(START + 200)).toBe(200)
  })

  it('is forgotten after five minutes without a stream', () => {
    const health = healthOf()
    stream(health, START, 5_000)
    expect(health.timeToFirstTokenMs(START + FRESH_MS - 1)).toBe(5_000)
    expect(health.timeToFirstTokenMs(START + FRESH_MS)).toBeNull()
  })

  it('counts no stream that was older than five minutes when the last one came', () => {
    const health = healthOf()
    for (let i = 0; i < 10; i++) stream(health, START, 5_000)
    stream(health, START + FRESH_MS, 100)
    expect(health.timeToFirstTokenMs(START + FRESH_MS)).toBe(100)
  })

  it('is not learnt from plain answers, whose whole time is known apart', () => {
    const health = healthOf()
    const taken = take(health, START)
    taken.answered(START, { waitedMs: 9_000, streamed: false })
    taken.ended('well', START, null)
    expect(health.timeToFirstTokenMs(START)).toBeNull()
    expect(health.timeToAnswerMs(START)).toBe(9_000)
    stream(health, START, 100)
    expect(health.timeToFirstTokenMs(START)).toBe(100)
    expect(health.timeToAnswerMs(START)).toBe(9_000)
  })

  it.each([
    ['nothing is known and it was long', [], 3_000, 3_000],
    ['nothing is known and it was short', [], 5, null],
    ['it was longer than what is known', [200], 3_000, 1_600],
    ['it was shorter than what is known', [200], 150, 200],
  ])('learns from a wait that was given up where %s', (_, samples, waitedMs, expected) => {
    const health = healthOf()
    for (const each of samples) stream(health, START, each)
    giveUp(health, START, waitedMs)
    expect(health.timeToFirstTokenMs(START)).toBe(expected)
  })

  it('learns once from an attempt', () => {
    const health = healthOf()
    const taken = take(health, START)
    taken.answered(START, { waitedMs: 100, streamed: true })
    taken.answered(START, { waitedMs: 900, streamed: true })
    taken.unanswered(START, 5_000)
    taken.ended('failed', START, null)
    taken.answered(START, { waitedMs: 900, streamed: true })
    expect(health.timeToFirstTokenMs(START)).toBe(100)
  })

  it('is forgotten when a probe finds the deployment well again: it was learnt before the outage, under another load', () => {
    const health = healthOf()
    for (let i = 0; i < 16; i++) stream(health, START, 5_000)
    fail(health, START, TERMS.failures)
    const now = START + TERMS.openMs
    const probe = take(health, now)
    expect([probe.isProbe, health.timeToFirstTokenMs(now)]).toEqual([true, 5_000])
    probe.answered(now, { waitedMs: 40, streamed: true })
    expect(health.timeToFirstTokenMs(now)).toBe(40)
  })
})

describe('the learnt share of failures', () => {
  const patient = () => healthOf(1, { failures: 1_000_000, withinMs: 30_000, openMs: 15_000 })

  it('is unknown while nothing was learnt, and by what says nothing', () => {
    const health = patient()
    take(health, START).ended('none', START, null)
    take(health, START).ended('limited', START, null)
    expect(health.failureShare(START)).toBeNull()
  })

  it('comes near to what happened lately, from below', () => {
    const health = patient()
    for (let i = 0; i < 1_000; i++) {
      if (i % 4 === 0) fail(health, START)
      else succeed(health, START)
    }
    const share = health.failureShare(START)!
    expect(share).toBeGreaterThan(0.24)
    expect(share).toBeLessThan(0.25)
  })

  it('forgets what happened hundreds of attempts ago', () => {
    const health = patient()
    fail(health, START, 1_000)
    succeed(health, START, 500)
    expect(health.failureShare(START)!).toBeLessThan(0.01)
  })

  it('fades while nothing is heard, until nothing is known', () => {
    const health = patient()
    fail(health, START, 1_000)
    const shares = [0, 1, 5, 10].map(minutes => health.failureShare(START + minutes * MINUTE_MS)!)
    expect(shares).toEqual([...shares].sort((a, b) => b - a))
    expect(shares[0]).toBeGreaterThan(0.98)
    expect(shares[3]).toBeLessThan(0.1)
    expect(health.failureShare(START + 60 * MINUTE_MS)).toBeNull()
  })
})
