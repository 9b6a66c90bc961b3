import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { stringify } from 'yaml'
import { loadTrace } from '../replay/load.ts'
import type { ReplayReport } from '../replay/report.ts'
import { summarise } from '../traces/summary.ts'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))
const RECORDED = fileURLToPath(new URL('../../../shared/data/traces/', import.meta.url))
const recorded = existsSync(RECORDED)
const SKIP_NOTE = recorded ? '' : ' (skipped: no recorded traces in ../shared/data/traces)'
const KEY = 'sk-penstock-replay-test'
// A fast engine with room for every prompt, so that what the trace allows is cached and nothing waits long.
const CONFIGURATION = {
  upstreams: {
    sim: {
      engine: 'simulated',
      model: 'Llama-3.1-8B',
      accelerator: { kind: 'H100-SXM', count: 1, dollarsPerHour: '2.95' },
      speed: 100,
    },
  },
  models: { m: { deployments: [{ upstream: 'sim', model: 'Llama-3.1-8B' }] } },
  keys: [{ name: 'replay', secret: KEY }],
}

const folder = mkdtempSync(join(tmpdir(), 'penstock-replay-'))
let gateway: ChildProcess
let url = ''

function file(name: string, content: string): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}

beforeAll(async () => {
  const configuration = file('penstock.yaml', stringify(CONFIGURATION))
  const where = ['--config', configuration, '--data', join(folder, 'data'), '--listen', '127.0.0.1:0']
  gateway = spawn(process.execPath, [MAIN, 'serve', ...where], { stdio: ['ignore', 'pipe', 'pipe'] })
  let printed = ''
  url = await new Promise<string>((resolve, reject) => {
    const hear = (chunk: Buffer) => {
      printed += chunk.toString()
      const found = /listening on (http:\/\/\S+)/.exec(printed)
      if (found) resolve(found[1]!)
    }
    gateway.stdout!.on('data', hear)
    gateway.stderr!.on('data', hear)
    gateway.on('exit', () => reject(new Error(`the gateway ended: ${printed}`)))
  })
})

afterAll(async () => {
  if (gateway.exitCode === null) {
    const ended = new Promise(resolve => gateway.once('exit', resolve))
    gateway.kill()
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
})

interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

function penstock(...args: readonly string[]): Promise<Ran> {
  const env = { ...process.env, PENSTOCK_KEY: KEY, PENSTOCK_URL: url }
  return new Promise(resolve => {
    execFile(process.execPath, [MAIN, ...args], { env, maxBuffer: 1 << 24 }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err })
    })
  })
}

async function play(...args: readonly string[]): Promise<ReplayReport> {
  const ran = await penstock('replay', ...args, '--format', 'json')
  expect(ran, ran.err).toMatchObject({ code: 0 })
  return JSON.parse(ran.out) as ReplayReport
}

const line = (timestamp: number, input: number, ids: readonly number[]) =>
  JSON.stringify({ timestamp, input_length: input, output_length: 4, hash_ids: ids })

describe('penstock replay', () => {
  it('plays a trace and reports times, tokens, cached share and dollars', async () => {
    const trace = file(
      'trace',
      [line(0, 1024, [0, 1]), line(1000, 1536, [0, 1, 2]), line(2000, 1024, [0, 1])].join('\n'),
    )
    const report = await play(trace, '--speed', '4', '--model', 'm')
    expect(report).toMatchObject({ requests: 3, completed: 3, failed: 0, shed: 0, outputTokens: 12, unrated: 0 })
    expect(report.timeToFirstTokenMs!.p50).toBeGreaterThan(0)
    expect(Number(report.dollars)).toBeGreaterThan(0)
    // All of the first prompt comes again twice; engines keep whole blocks of 16 tokens and compute at least one anew.
    expect(report.cachedShare!).toBeGreaterThan((2 * 1024 - 64) / (1024 + 1536 + 1024 + 192))
    expect(report.cachedShare!).toBeLessThan((2 * 1024 + 64) / (1024 + 1536 + 1024))
  })

  it('asks for the only model when nobody names one, and prints tables and CSV', async () => {
    const trace = file('short', line(0, 64, [9]))
    const table = await penstock('replay', trace)
    expect(table).toMatchObject({ code: 0 })
    expect(table.out).toMatch(/time to first token/)
    expect(table.out).toMatch(/completed/)
    const csv = await penstock('replay', trace, '--format', 'csv', '--dialect', 'anthropic')
    expect(csv).toMatchObject({ code: 0 })
    expect(csv.out.split('\n')[0]).toMatch(/^requests,completed,/)
  })

  it('exits with 2 and a sentence when the trace, the options or the model make no sense', async () => {
    const broken = file('broken', `${line(0, 64, [9])}\n{"timestamp": 7, "input_`)
    for (const [args, told] of [
      [[broken], /broken: line 2: expected/],
      [[join(folder, 'nowhere')], /nowhere/],
      [[file('good', line(0, 64, [9])), '--speed', 'fast'], /above 0/],
      [[file('good', line(0, 64, [9])), '--input-scale', '0.001'], /scale/],
    ] as const) {
      const ran = await penstock('replay', ...args)
      expect(ran).toMatchObject({ code: 2, out: '' })
      expect(ran.err).toMatch(told)
      expect(ran.err).not.toMatch(/\n\s+at /)
    }
  })

  it('exits with 1 when nothing could be completed, and says why', async () => {
    const ran = await penstock('replay', file('one', line(0, 64, [9])), '--key', 'wrong', '--model', 'm')
    expect(ran.code).toBe(1)
    expect(ran.out).toMatch(/401/)
  })
})

describe.skipIf(!recorded)(`penstock replay of the recorded traces${SKIP_NOTE}`, () => {
  const limits = ['--limit', '80', '--max-tokens', '16', '--model', 'm']

  it('Mooncake: the gateway serves as much from its cache as the trace allows', async () => {
    const path = join(RECORDED, 'mooncake/conversation_trace.jsonl')
    const report = await play(path, ...limits, '--speed', '40', '--ignore-eos')
    const { reusableShare, inputTokens } = summarise(await loadTrace(path, { requests: 80 }))
    expect(report).toMatchObject({ completed: 80, failed: 0, shed: 0 })
    expect(report.outputTokens).toBeLessThanOrEqual(80 * 16)
    expect(Math.abs(report.inputTokens / inputTokens - 1)).toBeLessThan(0.02)
    // A prompt that arrives while its prefix is still computed finds less in the cache than one that comes later.
    expect(report.cachedShare!).toBeLessThan(reusableShare! + 0.01)
    expect(report.cachedShare!).toBeGreaterThan(0.7 * reusableShare!)
    expect(Number(report.dollars)).toBeGreaterThan(0)
  })

  it('Azure: prompts share nothing', async () => {
    const report = await play(join(RECORDED, 'azure2023/AzureLLMInferenceTrace_conv.csv'), ...limits, '--speed', '20')
    expect(report).toMatchObject({ completed: 80, failed: 0 })
    expect(report.cachedShare!).toBeLessThan(0.02)
  })

  it('coding sessions say nearly everything again', async () => {
    const path = join(RECORDED, 'agentic-cc/cc_traces_ranges.jsonl.gz')
    const pace = ['--pace', 'thinking', '--speed', '2000', '--input-scale', '0.125', '--dialect', 'anthropic']
    const report = await play(path, ...limits, ...pace)
    expect(report).toMatchObject({ completed: 80, failed: 0 })
    expect(report.cachedShare!).toBeGreaterThan(0.6)
  })
})
