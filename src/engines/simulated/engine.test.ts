import { describe, expect, it } from 'vitest'
import { MAX_HELD_TOKENS } from './attempt.ts'
import { engineOf, listen, ManualClock, requestOf } from './serve.fixture.ts'

const messages = [{ role: 'user', content: 'Tell me about engines. '.repeat(12) }]
const LONG = { model: 'm', messages, max_tokens: 2000, ignore_eos: true }

function stage(over: Parameters<typeof engineOf>[0] = {}) {
  const clock = new ManualClock()
  return { clock, engine: engineOf({ clock, speed: 1, ...over }) }
}

const framesOf = (chunks: readonly string[]) => chunks.join('').split('\n\n').filter(Boolean)

/** Lets microtasks run. */
const settled = () => new Promise(resolve => setTimeout(resolve, 0))

describe('a simulated engine behind its port', () => {
  it('never calls the sink within attempt, whatever the body', async () => {
    const { engine, clock } = stage()
    for (const body of [LONG, { ...LONG, stream: true }, {}, 'no JSON', '[]']) {
      let within = true
      const refuse = () => expect(within).toBe(false)
      engine.attempt(requestOf('chat/completions', body), { head: refuse, data: refuse, end: refuse, fail: refuse })
      within = false
    }
    await settled()
    clock.pass(100_000)
  })

  it('takes as long as the modelled engine: a prompt, then a step for each token', () => {
    const { engine, clock } = stage()
    const heard = listen(engine, 'chat/completions', { ...LONG, stream: true, max_tokens: 11 })
    clock.pass(0)
    expect(heard.chunks).toEqual([])
    let firstAt = 0
    while (heard.end === 'open') {
      clock.pass(1)
      if (firstAt === 0 && heard.chunks.length > 0) firstAt = clock.monotonic()
    }
    // Reading 15 GB of weights at 90 % of 3.35 TB/s takes 5.0 ms, and 32 layers cost some 40 µs each.
    expect((clock.monotonic() - firstAt) / 10).toBeGreaterThan(6)
    expect((clock.monotonic() - firstAt) / 10).toBeLessThan(8.5)
  })

  it('takes a tenth of the time at ten times the speed', () => {
    const durations = [1, 10].map(speed => {
      const { engine, clock } = stage({ speed })
      const heard = listen(engine, 'chat/completions', LONG)
      const began = clock.monotonic()
      while (heard.end === 'open') clock.pass(1)
      return clock.monotonic() - began
    })
    expect(durations[0]! / durations[1]!).toBeCloseTo(10, 0)
  })

  it('writes the tokens of one step of a stream at once', () => {
    const { engine, clock } = stage()
    const heard = listen(engine, 'chat/completions', { ...LONG, stream: true, n: 3, max_tokens: 4 })
    while (heard.end === 'open') clock.pass(1)
    // Three openings and first tokens; two steps; the last tokens with ends and [DONE].
    expect(heard.chunks.map(chunk => framesOf([chunk]).length)).toEqual([6, 3, 3, 3 + 3 + 1])
  })

  it('keeps no timer while nothing is asked', () => {
    const { engine, clock } = stage()
    expect(clock.timers).toBe(0)
    const heard = listen(engine, 'chat/completions', { ...LONG, max_tokens: 2 })
    while (heard.end === 'open') clock.pass(1)
    clock.pass(100)
    expect(clock.timers).toBe(0)
  })

  it('shows a paused reader nothing, holds generation back behind a bound, and loses nothing', async () => {
    const { engine, clock } = stage()
    const heard = listen(engine, 'chat/completions', { ...LONG, stream: true })
    const other = listen(engine, 'chat/completions', LONG)
    clock.pass(100)
    heard.handle.pause()
    const shown = heard.chunks.length
    clock.pass(60_000)
    expect([heard.chunks.length, heard.end]).toEqual([shown, 'open'])
    expect([other.end, engine.replicas()[0]!.running, clock.timers]).toEqual(['ended', 1, 0])
    heard.handle.resume()
    await settled()
    expect(framesOf(heard.chunks.slice(shown)).length).toBeLessThanOrEqual(MAX_HELD_TOKENS)
    clock.pass(60_000)
    expect([heard.end, framesOf(heard.chunks).length]).toEqual(['ended', 1 + 2000 + 1 + 1])
  })

  it('holds a plain answer while its reader is paused', async () => {
    const { engine, clock } = stage()
    const heard = listen(engine, 'messages', LONG)
    heard.handle.pause()
    clock.pass(60_000)
    expect(heard.end).toBe('open')
    heard.handle.resume()
    await settled()
    expect(heard.end).toBe('ended')
  })

  it('frees the engine and is silent after an abort, even one from within the sink', () => {
    const { engine, clock } = stage()
    const outside = listen(engine, 'chat/completions', { ...LONG, stream: true })
    const within = listen(engine, 'chat/completions', { ...LONG, stream: true, n: 2 }, heard => heard.handle.abort())
    clock.pass(50)
    outside.handle.abort()
    const before = [outside.chunks.length, within.chunks.length]
    expect(engine.replicas()[0]).toEqual({ running: 0, waiting: 0, kvUse: 0 })
    clock.pass(60_000)
    expect([outside.chunks.length, within.chunks.length]).toEqual(before)
    expect([outside.end, within.end, before[1]]).toEqual(['open', 'open', 1])
    outside.handle.abort()
  })

  it.each([
    ['a plain answer', 'chat/completions', { ...LONG, max_tokens: 2 }],
    ['embeddings', 'embeddings', { model: 'm', input: 'x' }],
    ['a refusal', 'messages', {}],
  ] as const)(
    'says nothing more of %s once its head or its body was the reason to abort',
    async (_, endpoint, body) => {
      for (const reason of ['head', 'data']) {
        const { engine, clock } = stage()
        const told: string[] = []
        const hear = (what: string) => () => {
          told.push(what)
          if (what === reason) handle.abort()
        }
        const sink = { head: hear('head'), data: hear('data'), end: hear('end'), fail: hear('fail') }
        const handle = engine.attempt(requestOf(endpoint, body), sink)
        await settled()
        clock.pass(1_000)
        expect(told).toEqual(reason === 'head' ? ['head'] : ['head', 'data'])
      }
    },
  )

  it('frees the engine when embeddings or waiting calls are aborted', () => {
    const { engine, clock } = stage()
    const embeddings = listen(engine, 'embeddings', { model: 'm', input: ['a', 'b'] })
    const waiting = listen(engine, 'chat/completions', LONG)
    embeddings.handle.abort()
    waiting.handle.abort()
    expect(engine.replicas()[0]).toEqual({ running: 0, waiting: 0, kvUse: 0 })
    clock.pass(1000)
    expect([embeddings.end, waiting.end]).toEqual(['open', 'open'])
  })

  it('asks the replica that the request names, and no other', () => {
    const { engine } = stage({ replicas: 3 })
    const sink = { head() {}, data() {}, end() {}, fail() {} }
    for (const replica of [2, 0, 2]) engine.attempt({ ...requestOf('chat/completions', LONG), replica }, sink)
    engine.attempt({ ...requestOf('embeddings', { model: 'm', input: ['a', 'b'] }), replica: 1 }, sink)
    expect(engine.replicas().map(({ waiting }) => waiting)).toEqual([1, 2, 2])
    const nobody = { ...requestOf('chat/completions', LONG), replica: 3 }
    expect(() => engine.attempt(nobody, sink)).toThrow('3 replicas')
  })

  it('fails what is under way when it is closed, and what comes later', async () => {
    const { engine, clock } = stage()
    const begun = listen(engine, 'chat/completions', { ...LONG, stream: true })
    clock.pass(50)
    const fresh = listen(engine, 'responses', { model: 'm', input: 'x' })
    await engine.close()
    const late = listen(engine, 'embeddings', { model: 'm', input: 'x' })
    await settled()
    expect([begun, fresh, late].map(({ failure }) => failure.split(':')[0])).toEqual([
      'cut',
      'unreachable',
      'unreachable',
    ])
    expect(clock.timers).toBe(0)
  })

  it('lets simulated time slip rather than keep the thread when the machine cannot keep the pace', () => {
    const { engine, clock } = stage({ speed: 1e9 })
    const heard = listen(engine, 'chat/completions', { ...LONG, max_tokens: 100_000 })
    clock.pass(1)
    expect(heard.end).toBe('ended')
  })

  it('serves the others when a sink throws', () => {
    const { engine, clock } = stage()
    listen(engine, 'chat/completions', { ...LONG, stream: true }, () => {
      throw new Error('a fault of the reader')
    })
    const other = listen(engine, 'chat/completions', { ...LONG, max_tokens: 50 })
    for (let i = 0; i < 1000 && other.end === 'open'; i++) {
      try {
        clock.pass(1)
      } catch (error) {
        expect((error as Error).message).toBe('a fault of the reader')
      }
    }
    expect(other.end).toBe('ended')
  })

  it('takes new calls from within the end of others', () => {
    const { engine, clock } = stage()
    let calls = 0
    const again = () => {
      if (++calls > 20) return
      const sink = { head() {}, data() {}, end: again, fail() {} }
      engine.attempt(requestOf('chat/completions', { ...LONG, max_tokens: 2 }), sink)
    }
    again()
    clock.pass(60_000)
    expect(calls).toBe(21)
  })

  it('refuses a speed, a model, an accelerator and a fit that cannot be', () => {
    expect(() => engineOf({ speed: 0 })).toThrow(/speed/)
    expect(() => engineOf({ model: 'GPT-2' })).toThrow(/Llama-3.1-8B/)
    expect(() => engineOf({ accelerator: { kind: 'Z80', count: 1 } })).toThrow(/H100-SXM/)
    expect(() => engineOf({ model: 'Llama-3.1-70B' })).toThrow(/142 GB of weights/)
  })
})

describe('bodies that the real APIs would refuse', () => {
  const user = { role: 'user', content: 'x' }
  const cases: [Parameters<typeof listen>[1], unknown, RegExp][] = [
    ['chat/completions', {}, /'messages'/],
    ['chat/completions', { messages: [] }, /'messages'/],
    ['chat/completions', { messages: 'x' }, /'messages'/],
    ['chat/completions', { messages: [7] }, /'messages\[0\]'/],
    ['chat/completions', { messages: [{ content: 'x' }] }, /'messages\[0\].role'/],
    ['chat/completions', { messages: [{ role: 'user', content: 7 }] }, /'messages\[0\].content'/],
    ['chat/completions', { messages: [user], max_tokens: 0 }, /'max_tokens'/],
    ['chat/completions', { messages: [user], max_tokens: 1.5 }, /'max_tokens'/],
    ['chat/completions', { messages: [user], stream: 'yes' }, /'stream'/],
    ['chat/completions', { messages: [user], stop: [1] }, /'stop'/],
    ['chat/completions', { messages: [user], tool_choice: 'required' }, /tool/],
    ['chat/completions', '{"messages":', /JSON/],
    ['responses', {}, /'input'/],
    ['responses', { input: 7 }, /'input'/],
    ['responses', { input: 'x', previous_response_id: 'resp_1' }, /resp_1/],
    ['messages', { max_tokens: 1 }, /'messages'/],
    ['messages', { messages: [{ role: 'robot', content: 'x' }], max_tokens: 1 }, /'messages\[0\].role'/],
    ['messages', { messages: [user], max_tokens: '1' }, /'max_tokens'/],
    ['messages/count_tokens', {}, /'messages'/],
    ['embeddings', {}, /'input'/],
    ['embeddings', { input: [] }, /'input'/],
    ['embeddings', { input: 'x', dimensions: 100_000 }, /'dimensions'/],
    ['embeddings', { input: 'x', encoding_format: 'hex' }, /'encoding_format'/],
  ]
  it.each(cases)('%s %j is refused in its dialect', async (endpoint, body, told) => {
    const { engine } = stage()
    const heard = listen(engine, endpoint, body)
    await settled()
    const { error } = JSON.parse(heard.chunks.join(''))
    expect([heard.status, heard.end, error.type]).toEqual([400, 'ended', 'invalid_request_error'])
    expect(error.message).toMatch(told)
  })
})
