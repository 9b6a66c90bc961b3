import type { IncomingMessage, ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import type { EngineLoad } from '../../ports/fleet.ts'
import type { EngineKind } from '../../vocabulary/deployment.ts'
import type { WatchedUpstream } from './watch.ts'
import { closeAll, closing, engine, Heard, realClock, SetClock, settled, watched } from './watcher.fixture.ts'
import { createEngineWatcher } from './watcher.ts'

afterEach(closeAll)

const NOTHING: EngineLoad = { running: null, waiting: null, kvUse: null, kvTokens: null, maxRunning: null }

function watch(upstream: WatchedUpstream, clock = realClock) {
  const heard = new Heard()
  const end = createEngineWatcher({ upstreams: [upstream], clock }).watch(upstream.name, heard)
  closing(end)
  return { heard, end }
}

/** Answers each path with its text, and 404 to all others. */
const answers = (texts: Readonly<Record<string, string>>) => (request: IncomingMessage, response: ServerResponse) => {
  const text = texts[request.url!]
  response.writeHead(text === undefined ? 404 : 200).end(text ?? 'not found')
}

const SAID: readonly [string, EngineKind, Readonly<Record<string, string>>, Partial<EngineLoad>][] = [
  ['vLLM', 'vllm', { '/metrics': 'vllm:num_requests_running 5' }, { running: 5 }],
  ['SGLang', 'sglang', { '/metrics': 'sglang:num_queue_reqs 3' }, { waiting: 3 }],
  [
    'trtllm-serve',
    'trtllm',
    { '/prometheus/metrics': 'trtllm_num_requests_running 5', '/metrics': '[]' },
    { running: 5 },
  ],
  ['Triton', 'trtllm', { '/metrics': 'nv_trt_llm_request_metrics{request_type="waiting"} 4' }, { waiting: 4 }],
  [
    'llama.cpp',
    'llamacpp',
    {
      '/metrics': 'llamacpp:requests_processing 2\nllamacpp:requests_deferred 1',
      '/props': '{"total_slots":4,"default_generation_settings":{"n_ctx":2048}}',
    },
    { running: 2, waiting: 1, maxRunning: 4, kvTokens: 8_192 },
  ],
  [
    'llama.cpp that has metrics and no properties',
    'llamacpp',
    { '/metrics': 'llamacpp:requests_processing 2', '/slots': '[{"n_ctx":512,"is_processing":true}]' },
    { running: 2, maxRunning: 1, kvTokens: 512 },
  ],
  [
    'llama.cpp without metrics',
    'llamacpp',
    { '/slots': '[{"n_ctx":512,"is_processing":true},{"n_ctx":512,"is_processing":false}]' },
    { running: 1, maxRunning: 2, kvTokens: 1_024 },
  ],
  ['llama.cpp with neither metrics nor slots', 'llamacpp', { '/props': '{"total_slots":3}' }, { maxRunning: 3 }],
]

describe('an engine that is watched', () => {
  it.each(SAID)('is heard where it says how it is: %s', async (_, kind, texts, expected) => {
    const port = await engine(answers(texts))
    const { heard } = watch(watched({ engine: kind, baseUrls: [`http://127.0.0.1:${port}/v1`] }))
    await heard.until(() => heard.times > 1)
    expect(heard.events).toEqual([`+0 http://127.0.0.1:${port}/v1`])
    expect(heard.loads.get(0)).toEqual({ ...NOTHING, ...expected })
  })

  it('is asked with the key and the headers of its upstream, at the path before /v1', async () => {
    const asked: unknown[] = []
    const port = await engine(({ url, headers }, response) => {
      asked.push([url, headers.authorization, headers['x-team']])
      response.end('vllm:num_requests_running 1')
    })
    const url = `http://user:secret@127.0.0.1:${port}/pool/v1/`
    const { heard } = watch(watched({ baseUrls: [url], apiKey: 'sk-1', headers: { 'X-Team': 'search' } }))
    await heard.until(() => heard.times > 0)
    expect(asked[0]).toEqual(['/pool/metrics', 'Bearer sk-1', 'search'])
    expect(heard.events).toEqual([`+0 http://127.0.0.1:${port}/pool/v1`])
  })

  it('is asked every half a second, over one connection', async () => {
    const clock = new SetClock()
    const sockets = new Set<unknown>()
    const port = await engine(({ socket }, response) => {
      sockets.add(socket)
      response.end('vllm:num_requests_running 1')
    })
    const { heard } = watch(watched({ baseUrls: [`http://127.0.0.1:${port}`] }), clock)
    for (let times = 1; times <= 4; times++) {
      await heard.until(() => heard.times === times)
      expect(heard.askedAt.get(0)).toBe((times - 1) * 500)
      await clock.goOn(499)
      expect(heard.times).toBe(times)
      await clock.goOn(1)
    }
    expect(sockets.size).toBe(1)
  })

  it.each<[string, (response: ServerResponse) => void]>([
    ['that has none', response => response.writeHead(404).end('vllm:num_requests_running 9')],
    ['that fail', response => response.writeHead(500).end('vllm:num_requests_running 9')],
    ['of garbage', response => response.end('<html>vllm:num_requests_running{ NaN NaN\n\u0000')],
    ['that break off', response => response.write('vllm:num_requests_running 9\n', () => response.destroy())],
    ['without end', response => flood(response)],
    ['compressed, though nobody asked for it', response => response.end(Buffer.from([0x1f, 0x8b, 8, 0]))],
  ])('is not heard by metrics %s, and is again when it is well', async (_, spoil) => {
    let spoilt = 1
    const port = await engine((_request, response) => {
      if (spoilt-- > 0) spoil(response)
      else response.end('vllm:num_requests_running 1')
    })
    const { heard } = watch(watched({ baseUrls: [`http://127.0.0.1:${port}/v1`] }))
    await heard.until(() => heard.times > 0)
    expect([spoilt < 0, heard.loads.get(0)]).toEqual([true, { ...NOTHING, running: 1 }])
  })

  it('that says nothing is let go after two seconds and asked again, never twice at once', async () => {
    const clock = new SetClock()
    let [asked, hanging] = [0, 0]
    const port = await engine((_request, response) => {
      asked++
      hanging++
      response.on('close', () => hanging--)
    })
    const { heard } = watch(watched({ baseUrls: [`http://127.0.0.1:${port}/v1`] }), clock)
    for (let times = 1; times <= 3; times++) {
      while (asked < times) await settled()
      await clock.goOn(1_999)
      expect([asked, heard.times]).toEqual([times, 0])
      await clock.goOn(1)
    }
    // Those that were let go have their connections closed.
    while (asked < 4 || hanging > 1) await settled()
  })

  it('does not keep others from being heard', async () => {
    const dead = await engine(() => {})
    const port = await engine(answers({ '/metrics': 'vllm:num_requests_running 1' }))
    const baseUrls = [`http://127.0.0.1:${dead}/v1`, 'http://127.0.0.1:1/v1', `http://127.0.0.1:${port}/v1`]
    const { heard } = watch(watched({ baseUrls }))
    await heard.until(() => heard.times > 2)
    expect([...heard.loads.keys()]).toEqual([2])
    expect([...heard.addresses.values()]).toEqual([null, null, null])
  })

  it('is not asked any more when the watch has ended, though it was just being asked', async () => {
    const clock = new SetClock()
    const waiting: ServerResponse[] = []
    const port = await engine((_request, response) => waiting.push(response))
    const { heard, end } = watch(watched({ baseUrls: [`http://127.0.0.1:${port}/v1`] }), clock)
    while (waiting.length === 0) await settled()
    end()
    waiting[0]!.end('vllm:num_requests_running 1')
    while (clock.timers > 0) await settled()
    await clock.goOn(10_000)
    expect([waiting.length, heard.times]).toEqual([1, 0])
  })
})

describe('engines that are simulated', () => {
  it('are there, and are never asked', () => {
    const clock = new SetClock()
    const { heard } = watch(watched({ engine: 'simulated', slots: 2 }), clock)
    expect([heard.events, clock.timers]).toEqual([['+0 simulated', '+1 simulated'], 0])
  })
})

describe('a watcher', () => {
  it('knows its upstreams', () =>
    expect(() => createEngineWatcher({ upstreams: [], clock: realClock }).watch('pool', new Heard())).toThrow(
      'no upstream is called pool',
    ))
})

/** Says more than anybody reads, for as long as somebody does. */
function flood(response: ServerResponse): void {
  const line = Buffer.alloc(65_536, 'vllm:num_requests_running 9\n')
  const more = () => {
    while (!response.destroyed && response.write(line));
  }
  response.on('drain', more)
  more()
}
