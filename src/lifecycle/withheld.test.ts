import { describe, expect, it } from 'vitest'
import { DEPLOYMENT, type StageOptions, stageLife } from './stage.fixture.ts'

const STREAM = ['content-type', 'text/event-stream']

/** A streamed life, and what lets the upstream that was asked last say more of its stream; `U` is no content. */
function livesOn(over: StageOptions) {
  const { stage } = stageLife({ streamed: true, ...over })
  const begin = () => stage.asked.at(-1)!.sink!.head(200, STREAM)
  const say = (text: string) => stage.asked.at(-1)!.sink?.data(Buffer.from(text))
  return { stage, begin, say }
}

describe('what a stream says before its first content', () => {
  it('is shown by none of several replicas, even where nobody bounds it, since another one may be asked', () => {
    const { stage, begin, say } = livesOn({
      deployments: [{ ...DEPLOYMENT, replicas: 2 }],
      resilience: { attempts: 2 },
    })
    begin()
    say('U')
    stage.asked[0]!.sink!.fail({ kind: 'cut', message: 'reset' })
    begin()
    say('aU.')
    stage.durable!(null)
    expect(stage.asked.map(({ request }) => request.replica).sort()).toEqual([0, 1])
    expect(stage.reply.text).toMatch(/^aU/)
  })

  it('is shown after a second by a lone upstream that nobody bounds, which may fail until then', () => {
    const failing = livesOn({})
    failing.begin()
    failing.say('U')
    failing.stage.pass(999)
    failing.stage.asked[0]!.sink!.fail({ kind: 'cut', message: 'reset' })
    failing.stage.durable!(null)
    expect([failing.stage.reply.status, failing.stage.reply.text]).toEqual([502, 'upstreamFailed'])
    const slow = livesOn({})
    slow.begin()
    slow.say('U')
    slow.stage.pass(1_000)
    expect([slow.stage.reply.status, slow.stage.reply.text]).toEqual([200, 'U'])
  })

  it('may repeat its caller, who is told from a flood', () => {
    const outcomes = [1_000_119, 1_000_120].map(count => {
      const { stage, begin, say } = livesOn({ timeLimits: { firstTokenMs: 5_000 } })
      begin()
      // The prompt has forty bytes, and one byte of content follows.
      say('U'.repeat(count))
      say('a.')
      return stage.records[0]!.attempts[0]!.outcome
    })
    expect(outcomes).toEqual(['completed', 'malformed'])
  })
})
