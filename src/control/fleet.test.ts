import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Asked, askAdmin, BEGAN, openStage, type Stage } from './stage.fixture.ts'

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

const ask = (path: string, asked?: Asked) => askAdmin(stage, path, asked)
const post = (path: string) => ask(path, { method: 'POST', body: {} })

describe('the fleet', () => {
  it('shows replicas as engines and gateway know them, and who waits in which tier', async () => {
    const { status, json } = await ask('fleet')
    expect(status).toBe(200)
    expect(json).toEqual({
      upstreams: [
        {
          name: 'pool',
          engine: 'vllm',
          replicas: [
            {
              replica: 0,
              url: 'http://10.0.0.1:8000/v1',
              state: 'ready',
              running: 5,
              waiting: 3,
              kvUse: 0.42,
              metricsAgeMs: 250.5,
              inFlight: 4,
              places: 64,
              expectedCachedShare: 0.375,
            },
            {
              replica: 1,
              url: 'http://10.0.0.2:8000/v1',
              state: 'ready',
              running: null,
              waiting: null,
              kvUse: null,
              metricsAgeMs: null,
              inFlight: 0,
              places: null,
              expectedCachedShare: null,
            },
          ],
        },
      ],
      tiers: [
        { name: 'interactive', weight: 8, timeToFirstToken: '1s', waiting: 0, oldestMs: null },
        { name: 'standard', weight: 4, timeToFirstToken: '10s', waiting: 0, oldestMs: null },
        { name: 'batch', weight: 1, timeToFirstToken: null, waiting: 8, oldestMs: 1_500 },
      ],
    })
  })

  it('has replicas that are drained and resumed, each change once in the audit', async () => {
    const states = async () =>
      (await ask('fleet')).json.upstreams[0].replicas.map(({ state }: { state: string }) => state)
    for (const _ of ['first', 'again']) {
      const drained = await post('fleet/pool/1/drain')
      expect([drained.status, drained.json.replica, drained.json.state]).toEqual([200, 1, 'draining'])
    }
    expect(await states()).toEqual(['ready', 'draining'])
    for (const _ of ['first', 'again']) {
      const resumed = await post('fleet/pool/1/resume')
      expect([resumed.status, resumed.json.state]).toEqual([200, 'ready'])
    }
    expect(await states()).toEqual(['ready', 'ready'])
    const who = { at: new Date(BEGAN).toISOString(), actor: 'admin', address: '127.0.0.1', action: 'change' }
    const [ready, draining] = [{ state: 'ready' }, { state: 'draining' }]
    expect((await ask('audit')).json.entries).toEqual([
      { number: 2, ...who, subject: 'replica:pool/1', before: draining, after: ready },
      { number: 1, ...who, subject: 'replica:pool/1', before: ready, after: draining },
    ])
  })

  it.each(['pool/2', 'pool/-1', 'pool/00x', 'pool/1e0', 'pool/9999999999', 'other/0', 'constructor/0'])(
    'has no replica %s to drain or resume',
    async replica => {
      for (const change of ['drain', 'resume']) {
        const { status, json } = await post(`fleet/${replica}/${change}`)
        expect([status, json.error.code]).toEqual([404, 'not_found'])
        expect(json.error.message).toBe(`there is no replica '${replica}'`)
      }
      expect((await ask('audit')).json.entries).toEqual([])
    },
  )

  it('is changed without a body too, and by nobody without the token', async () => {
    const bare = await fetch(`${stage.url}/admin/v1/fleet/pool/0/drain`, {
      method: 'POST',
      headers: { authorization: 'Bearer admin-token-of-the-stage' },
    })
    expect(bare.status).toBe(200)
    expect((await ask('fleet/pool/0/resume', { method: 'POST', body: {}, token: 'other' })).status).toBe(401)
    expect((await ask('fleet')).json.upstreams[0].replicas[0].state).toBe('draining')
  })
})
