import { expect, it } from 'vitest'
import { SYSTEM_CLOCK } from './clock.ts'
import { loadConfiguration } from './configuration/load.ts'
import { openUpstreams } from './upstreams.ts'

const PROMPT = 'word '.repeat(1_000)

/** How a simulated engine with such a cache answers a prompt of some 1,250 tokens. */
async function answerWith(kvBlocks: string): Promise<{ readonly status: number; readonly text: string }> {
  const text = `
upstreams: { sim: { engine: simulated, model: Llama-3.1-8B, accelerator: { kind: H100-SXM }, speed: 100, kvBlocks: ${kvBlocks} } }
models: { m: { deployments: [{ upstream: sim, model: m }] } }
`
  const loaded = loadConfiguration({ path: 'p.yaml', env: {}, read: () => ({ text, modifiedAt: 0 }) })
  const { upstreams: settings, models } = loaded.configuration!
  const upstreams = openUpstreams(settings, SYSTEM_CLOCK, null)
  const deployment = models[0]!.deployments[0]!
  const body = JSON.stringify({ model: 'm', max_tokens: 5, messages: [{ role: 'user', content: PROMPT }] })
  const answer = await new Promise<{ readonly status: number; readonly text: string }>((resolve, reject) => {
    let status = 0
    let told = ''
    upstreams.engine(deployment).attempt(
      {
        deployment,
        endpoint: 'chat/completions',
        query: '',
        headers: [],
        body: [Buffer.from(body)],
        streamed: false,
        replica: 0,
        address: null,
        connectMs: 1_000,
      },
      {
        head: code => {
          status = code
        },
        data: chunk => {
          told += Buffer.from(chunk).toString()
        },
        end: () => resolve({ status, text: told }),
        fail: failure => reject(new Error(failure.message)),
      },
    )
  })
  await upstreams.close()
  return answer
}

it.each(['auto', 'unbounded', '2000'])('a simulated engine with kvBlocks: %s has room for a prompt', async kvBlocks => {
  expect(await answerWith(kvBlocks)).toMatchObject({ status: 200 })
})

it('a simulated engine takes no prompt that is longer than the cache that the configuration gives it', async () => {
  const { status, text } = await answerWith('20')
  expect([status, text]).toEqual([400, expect.stringContaining('maximum context length is 304 tokens')])
})
