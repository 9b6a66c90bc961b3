import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { formatFaults } from './configuration/fault.ts'
import { loadConfiguration } from './configuration/load.ts'
import { loadFaultPlan } from './faults/load.ts'
import { openGateway, type Running } from './running.ts'

const KEY = 'sk-key-of-rehearsals'
const PLAN = 'faults: [{ upstream: sick, kind: status, status: 422 }, { upstream: broken, kind: cut, tokens: 3 }]'

let folder: string
let gateway: Running | null = null

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'penstock-rehearsal-'))
})
afterEach(async () => {
  await gateway?.stop()
  gateway = null
  rmSync(folder, { recursive: true, force: true })
})

function written(workers: number): string {
  const upstream = `{ engine: simulated, model: Llama-3.1-8B, accelerator: { kind: H100-SXM, count: 1 }, speed: 50 }`
  const names = ['well', 'sick', 'broken']
  return `
listen: 127.0.0.1:0
data: ${JSON.stringify(join(folder, 'data'))}
workers: ${workers}
upstreams: { ${names.map(name => `${name}: ${upstream}`).join(', ')} }
models: { ${names.map(name => `${name}: { deployments: [{ upstream: ${name}, model: m }] }`).join(', ')} }
keys: [{ name: ana, secret: ${KEY} }]
`
}

/** Text that the caller of a stream was shown, with the status. */
async function call(model: string): Promise<readonly [number, string]> {
  const answer = await fetch(`${gateway!.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json' },
    body: JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'Is the pump well?' }] }),
  })
  return [answer.status, await answer.text()]
}

describe.each([1, 2])('a gateway of %i threads with a plan of faults', workers => {
  it('fails where it is planned, and serves everybody else', async () => {
    const read = (text: string) => () => ({ text, modifiedAt: 0 })
    const of = { path: 'p.yaml', env: {} }
    const { configuration, faults } = loadConfiguration({ ...of, read: read(written(workers)) })
    if (configuration === undefined) throw new Error(formatFaults(faults))
    const { plan } = loadFaultPlan({ ...of, configuration, startedAt: Date.now(), read: read(PLAN) })
    const env = { PENSTOCK_LOG_LEVEL: 'silent' }
    gateway = await openGateway(configuration, { env, note: () => {}, faultPlan: plan! })
    const [well, whole] = await call('well')
    expect([well, whole.includes('[DONE]')]).toEqual([200, true])
    const [sick, told] = await call('sick')
    expect([sick, told.includes('A rehearsed failure')]).toEqual([422, true])
    const [, cut] = await call('broken')
    expect(cut).not.toContain('[DONE]')
  })
})
