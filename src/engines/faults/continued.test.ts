import { describe, expect, it } from 'vitest'
import { type Joined, seenIn } from '../../dialects/continuation/joined.fixture.ts'
import { wireOf } from '../../dialects/wire.ts'
import type { EngineClient, UpstreamRequest } from '../../ports/engine.ts'
import type { ParsedBody, StreamReader } from '../../ports/wire.ts'
import { DEPLOYMENT, engineOf, ManualClock, requestOf } from '../simulated/serve.fixture.ts'
import { randomFrom } from './choose.ts'
import { faultyEngine } from './engine.ts'
import type { FaultKind } from './plan.ts'
import { faultOf, listen } from './stage.fixture.ts'

const BODY = { model: 'm', stream: true, max_tokens: 400, messages: [{ role: 'user', content: 'Is the pump well?' }] }

/** What a reader shows of the stream that an engine gives; it may break. */
function shownBy(
  engine: EngineClient,
  clock: ManualClock,
  of: { request: UpstreamRequest; reader: StreamReader },
): string {
  const heard = listen(engine, clock, of.request)
  clock.pass(60_000)
  return Buffer.from(of.reader.push(Buffer.from(heard.text)) ?? '').toString()
}

function endOf(reader: StreamReader): string {
  const { beforeComment, lastEvent } = reader.finish()
  return Buffer.concat([beforeComment ?? Buffer.alloc(0), lastEvent ?? Buffer.alloc(0)]).toString()
}

describe.each(['chat/completions', 'messages'] as Joined[])('a simulated stream of %s that breaks', endpoint => {
  const wire = wireOf(endpoint)
  const parsed = () => wire.parseBody(Buffer.from(JSON.stringify(BODY))) as ParsedBody
  const requestFor = (body: readonly Uint8Array[]) => ({ ...requestOf(endpoint, BODY), body })

  function uncut(): string {
    const clock = new ManualClock()
    const [body, engine] = [parsed(), engineOf({ clock, speed: 1 })]
    const reader = wire.openStream(body)
    const shown = shownBy(engine, clock, { request: requestFor(body.forUpstream('m')), reader })
    return shown + endOf(reader)
  }

  it.each<FaultKind>(['cut', 'endWithoutTerminal', 'halfFrame', 'stall'])(
    '(%s) and goes on at another engine joins to the one that nobody broke',
    kind => {
      const whole = seenIn(uncut())
      for (const tokens of [1, 2, 5, 20, 41]) {
        const clock = new ManualClock()
        const plan = { faults: [faultOf(kind, { tokens })], seed: 1, startedAt: clock.now() }
        const broken = faultyEngine(engineOf({ clock, speed: 1 }), plan, { clock, random: randomFrom(1) })
        const body = parsed()
        const request = requestFor(body.forUpstream('m'))
        const before = shownBy(broken, clock, { request, reader: wire.openStream(body) })
        const answer = wire.follow(body)!
        answer.take(Buffer.from(before))
        expect(answer.canGoOn()).toBe(true)
        const further = answer.goOn('prefill', DEPLOYMENT, tokens)
        const reader = further.openStream()
        const after = shownBy(engineOf({ clock, speed: 1 }), clock, { request: requestFor(further.body), reader })
        const joined = seenIn(before + after + endOf(reader))
        expect(reader.disagrees).toBe(false)
        expect([joined.text, joined.finishes, joined.roles, joined.ends]).toEqual([
          whole.text,
          whole.finishes,
          whole.roles,
          whole.ends,
        ])
      }
    },
  )
})
