import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Trace, TraceRequest } from '../traces/trace.ts'
import { Agenda } from './agenda.ts'

function traceOf(times: readonly { at: number; follows?: { request: number; thinkMs: number } }[]): Trace {
  const requests = times.map(
    ({ at, follows }): TraceRequest => ({
      atMs: at,
      model: null,
      inputTokens: 1,
      outputTokens: 1,
      blocks: null,
      tenant: null,
      session: null,
      follows: follows ?? null,
    }),
  )
  return { format: 'sessions', requests, blockTokens: null, blockIds: 0, notes: [] }
}

describe('an agenda', () => {
  it('gives each request at its recorded time divided by the speed, whatever has ended', () => {
    const agenda = new Agenda(
      traceOf([{ at: 0 }, { at: 100, follows: { request: 0, thinkMs: 900 } }, { at: 300 }]),
      'recorded',
      2,
    )
    expect(agenda.take(0)).toEqual({ request: 0, dueMs: 0 })
    expect(agenda.nextMs).toBe(50)
    expect(agenda.take(49)).toBeNull()
    expect(agenda.take(160)).toEqual({ request: 1, dueMs: 50 })
    expect(agenda.take(160)).toEqual({ request: 2, dueMs: 150 })
    expect(agenda.empty).toBe(true)
    expect(agenda.nextMs).toBeNull()
  })

  it('lets a request think after the end of the one it follows, when conversations are to wait', () => {
    const agenda = new Agenda(traceOf([{ at: 0 }, { at: 100, follows: { request: 0, thinkMs: 40 } }]), 'thinking', 2)
    expect(agenda.take(0)?.request).toBe(0)
    expect(agenda.take(10_000)).toBeNull()
    expect({ next: agenda.nextMs, empty: agenda.empty }).toEqual({ next: null, empty: false })
    agenda.ended(0, 500)
    expect(agenda.nextMs).toBe(520)
    expect(agenda.take(519)).toBeNull()
    expect(agenda.take(520)).toEqual({ request: 1, dueMs: 520 })
    expect(agenda.empty).toBe(true)
  })

  it('gives every request once, none before it is due, in order of time, at either pace', () => {
    const drawn = fc.array(fc.record({ gap: fc.nat(30), back: fc.nat(3), think: fc.nat(50) }), {
      minLength: 1,
      maxLength: 40,
    })
    fc.assert(
      fc.property(
        drawn,
        fc.constantFrom('recorded' as const, 'thinking' as const),
        fc.nat(20),
        (steps, pace, serviceMs) => {
          let at = 0
          const trace = traceOf(
            steps.map(({ gap, back, think }, i) => {
              at += gap
              return back && i - back >= 0 ? { at, follows: { request: i - back, thinkMs: think } } : { at }
            }),
          )
          const agenda = new Agenda(trace, pace, 1)
          const given: number[] = []
          const ends: { at: number; request: number }[] = []
          for (let now = 0; !agenda.empty || ends.length; now++) {
            for (const end of ends.filter(end => end.at <= now)) agenda.ended(end.request, now)
            ends.splice(0, ends.length, ...ends.filter(end => end.at > now))
            for (let due = agenda.take(now); due; due = agenda.take(now)) {
              expect(due.dueMs).toBeLessThanOrEqual(now)
              given.push(due.request)
              ends.push({ at: now + serviceMs, request: due.request })
            }
          }
          expect(given.toSorted((a, b) => a - b)).toEqual(trace.requests.map((_, i) => i))
          if (pace === 'recorded') expect(given).toEqual(trace.requests.map((_, i) => i))
        },
      ),
      { numRuns: 60 },
    )
  })
})
