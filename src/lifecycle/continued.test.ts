import { describe, expect, it } from 'vitest'
import { livesOn } from './lives.fixture.ts'

describe('a stream that breaks after something was shown', () => {
  const cut = (lives: ReturnType<typeof livesOn>, n: number) =>
    lives.stage.asked[n]!.sink!.fail({ kind: 'cut', message: 'reset' })

  it('is gone on with by another deployment, which is told what was shown', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'abc')
    cut(lives, 0)
    expect(Buffer.concat([...lives.stage.asked[1]!.request.body]).toString()).toMatch(/^b\/m prefill abc \d+$/)
    lives.stream(1, 'deU.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abcdeU\[[\d.]+\]\.$/)
    expect(lives.stage.reply.events.filter(event => event === 'head')).toHaveLength(1)
    expect([lives.outcomes(), lives.stage.records[0]!.outcome]).toEqual([['cut', 'completed'], 'completed'])
  })

  it('is asked anew where a prefill is refused, and joined where its text agrees', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'abc')
    cut(lives, 0)
    lives.answer(1, 400, 'no prefill')
    expect([lives.whom(), Buffer.concat([...lives.stage.asked[2]!.request.body]).toString()]).toEqual([
      'a0 b0 b0',
      expect.stringMatching(/^b\/m anew abc/),
    ])
    lives.stream(2, 'abcdeU.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abcdeU\[[\d.]+\]\.$/)
    expect(lives.outcomes()).toEqual(['cut', 'rejected', 'completed'])
  })

  it('ends in an honest error where nobody can go on as it began', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'abc')
    cut(lives, 0)
    lives.answer(1, 400, 'no prefill')
    lives.stream(2, 'xyz.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abc\[[\d.]+\]<upstreamFailed>$/)
    expect(lives.outcomes()).toEqual(['cut', 'rejected', 'malformed'])
    expect(lives.stage.records[0]!.outcome).toBe('failed')
  })

  it.each([
    ['onCut says so', 'fail', 'abc'],
    ['a tool call was shown', 'continue', 'abT'],
  ] as const)('is not gone on with where %s', (_, onCut, text) => {
    const lives = livesOn({ onCut }, { streamed: true })
    lives.stream(0, text)
    cut(lives, 0)
    lives.stage.durable!(null)
    expect([lives.whom(), lives.stage.reply.text.endsWith('<upstreamFailed>')]).toEqual(['a0', true])
  })

  it('is gone on with as often as attempts are left', () => {
    const lives = livesOn({ onCut: 'continue' }, { streamed: true })
    lives.stream(0, 'ab')
    cut(lives, 0)
    lives.stream(1, 'cd')
    cut(lives, 1)
    expect(Buffer.concat([...lives.stage.asked[2]!.request.body]).toString()).toMatch(/^c\/m prefill abcd/)
    lives.stream(2, 'efU.')
    lives.stage.durable!(null)
    expect(lives.stage.reply.text).toMatch(/^abcdefU\[[\d.]+\]\.$/)
  })
})
