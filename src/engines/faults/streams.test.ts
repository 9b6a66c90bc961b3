import { describe, expect, it } from 'vitest'
import type { Fault, FaultKind } from './plan.ts'
import {
  CONNECT_MS,
  ENDPOINTS,
  faultOf,
  framesOf,
  type Heard,
  played,
  typeOf,
  whole,
  wordsOf,
} from './stage.fixture.ts'

describe.each(ENDPOINTS)('a fault in a stream of %s', endpoint => {
  const good = whole(endpoint, true)
  const run = (kind: FaultKind, over: Partial<Fault> = {}, ms?: number) =>
    played(faultOf(kind, over), endpoint, true, ms)

  it('does not concern an upstream of another name', () => {
    expect([good.end, good.asked, good.status]).toEqual(['ended', 1, 200])
    expect(good.words.length).toBe(40)
  })

  it.each<[FaultKind, Heard['end'], number | null]>([
    ['refuse', 'unreachable', null],
    ['reset', 'unreachable', null],
    ['neverAccept', 'unreachable', null],
    ['silence', 'open', null],
    ['silenceAfterHeaders', 'open', 200],
    ['emptyBody', 'ended', 200],
    ['noEvents', 'ended', 200],
  ])('%s says nothing, never asks the upstream, and is %s', (kind, end, status) => {
    const heard = run(kind)
    expect([heard.end, heard.status, heard.text, heard.asked]).toEqual([end, status, '', 0])
    expect(run('neverAccept', {}, CONNECT_MS - 1).end).toBe('open')
  })

  it.each<[FaultKind, RegExp, RegExp]>([
    ['html', /^text\/html/, /^<!doctype html>/],
    ['errorInside200', /^application\/json$/, /"error":\{/],
    ['errorEvent', /^text\/event-stream/, /^(event: error\n)?data: \{.*"(error|code)":.*\}\n\n$/],
  ])('%s is a 200 without an answer', (kind, type, text) => {
    const heard = run(kind)
    expect([heard.end, heard.status, heard.asked]).toEqual(['ended', 200, 0])
    expect(typeOf(heard)).toMatch(type)
    expect(heard.text).toMatch(text)
  })

  it('keepAlives comes at its pace, for ever', () => {
    const heard = run('keepAlives', { waitMs: 250 }, 2_000)
    expect(heard.text).toMatch(/^(: still here\n\n){9}$/)
    expect([heard.end, heard.at]).toEqual(['open', [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000]])
  })

  it.each<[FaultKind, Heard['end']]>([
    ['cutBeforeContent', 'cut'],
    ['roleOnly', 'open'],
  ])('%s shows what stands before the content, frees the upstream, and is %s', (kind, end) => {
    const heard = run(kind)
    expect([heard.end, heard.words, heard.idle, heard.status]).toEqual([end, [], true, 200])
    expect(framesOf(heard.text).length).toBeGreaterThan(0)
    expect(good.text.startsWith(heard.text.slice(0, 20))).toBe(true)
  })

  it.each<[FaultKind, Heard['end']]>([
    ['cut', 'cut'],
    ['endWithoutTerminal', 'ended'],
    ['stall', 'open'],
    ['errorEvent', 'ended'],
    ['halfFrame', 'ended'],
  ])('%s strikes behind so many frames with content, frees the upstream, and is %s', (kind, end) => {
    for (const tokens of [1, 7]) {
      const heard = run(kind, { tokens })
      expect([heard.end, heard.words, heard.idle]).toEqual([end, good.words.slice(0, tokens), true])
      const last = framesOf(heard.text).at(-1)!
      if (kind === 'errorEvent') expect(last).toMatch(/"error"/)
      else expect(wordsOf(last).length === 1).toBe(kind !== 'halfFrame')
      expect(heard.text.endsWith('\n\n')).toBe(kind !== 'halfFrame')
    }
  })

  it.each<[FaultKind, Heard['end']]>([
    ['truncatedJson', 'ended'],
    ['shortBody', 'cut'],
  ])('%s breaks in the first frame', (kind, end) => {
    const heard = run(kind)
    expect([heard.end, heard.words, framesOf(heard.text).length]).toEqual([end, [], 1])
    expect(heard.text).not.toContain('\n\n')
  })

  it('garbage stands between frames that are all there', () => {
    const heard = run('garbage', { tokens: 7 })
    expect([heard.end, heard.words]).toEqual(['ended', good.words])
    const frames = framesOf(heard.text)
    const at = frames.findIndex(frame => frame.includes('rehearsed'))
    expect(wordsOf(frames.slice(0, at).join('\n\n'))).toEqual(good.words.slice(0, 7))
    expect(frames.length).toBe(framesOf(good.text).length + 1)
  })

  it('noDone lacks nothing but the terminal event', () => {
    const heard = run('noDone')
    expect([heard.end, framesOf(heard.text).length]).toEqual(['ended', framesOf(good.text).length - 1])
    expect(framesOf(good.text).at(-1)).toMatch(/\[DONE\]|message_stop|response\.completed|response\.incomplete/)
    expect(heard.text).not.toMatch(/\[DONE\]|message_stop|response\.completed|response\.incomplete/)
  })

  it('slow comes whole, but late', () => {
    const heard = run('slow', { waitMs: 3_000 })
    expect([heard.end, heard.words]).toEqual(['ended', good.words])
    expect(heard.at[0]! - good.at[0]!).toBeCloseTo(3_000, -1)
    expect(run('slow', { waitMs: 3_000 }, 2_999).asked).toBe(0)
  })

  it('slowTokens comes whole, word by word at its pace', () => {
    const heard = run('slowTokens', { waitMs: 100, tokens: 3 })
    expect([heard.end, heard.words]).toEqual(['ended', good.words])
    expect(heard.at.at(-1)! - good.at[0]!).toBeGreaterThan(37 * 100)
    expect(heard.at[2]! - heard.at[0]!).toBeLessThan(100)
  })

  it('leaves an answer whole that is shorter than what is to come before the fault', () => {
    for (const kind of ['cut', 'stall', 'halfFrame', 'garbage'] as const) {
      const heard = run(kind, { tokens: 41 })
      expect([heard.end, heard.words]).toEqual(['ended', good.words])
    }
  })
})
