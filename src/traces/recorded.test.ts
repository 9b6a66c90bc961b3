import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { describe, expect, it } from 'vitest'
import { type ReadOptions, readTrace } from './read.ts'
import { summarise } from './summary.ts'

// The recordings themselves are not part of the project: they lie beside it or they do not.
const ROOT = new URL('../../../shared/data/traces/', import.meta.url)
const present = existsSync(ROOT)
const SKIP_NOTE = present ? '' : ' (skipped: no recorded traces in ../shared/data/traces)'

function unpacked(name: string): Buffer {
  const bytes = readFileSync(new URL(name, ROOT))
  return name.endsWith('.gz') ? gunzipSync(bytes) : bytes
}
const read = (name: string, options?: ReadOptions) => readTrace(unpacked(name), options)
const quantile = (values: number[], share: number) => values.sort((a, b) => a - b)[Math.floor(share * values.length)]!

describe.skipIf(!present)(`the recorded traces${SKIP_NOTE}`, () => {
  it.each([
    ['conversation', 12_031, 3537, 12_035, 342.6, 37.36, 182_790],
    ['synthetic', 3993, 1022, 15_325, 149.1, 65.12, 43_924],
  ])(
    'Mooncake %s has its published counts, means and reuse',
    (name, requests, seconds, input, output, reuse, blocks) => {
      const found = summarise(read(`mooncake/${name}_trace.jsonl`))
      expect(found).toMatchObject({ requests, blocks })
      expect(Math.round(found.durationMs / 1000)).toBe(seconds)
      expect(Math.round(found.meanInputTokens)).toBe(input)
      expect(found.meanOutputTokens).toBeCloseTo(output, 1)
      expect(100 * found.reusableShare!).toBeCloseTo(reuse, 2)
    },
  )

  it.each([
    ['code', 8819, 2048, 27.9],
    ['conv', 19_366, 1155, 211.1],
  ])('Azure %s has its published counts and means', (name, requests, input, output) => {
    const found = summarise(read(`azure2023/AzureLLMInferenceTrace_${name}.csv`))
    expect(found).toMatchObject({ requests, reusableShare: null })
    expect(Math.round(found.meanInputTokens)).toBe(input)
    expect(found.meanOutputTokens).toBeCloseTo(output, 1)
    expect(found.durationMs).toBeLessThan(3_600_000)
  })

  it('sessions have all their requests, sub-agents included, and their published lengths', () => {
    const trace = read('agentic-cc/cc_traces_ranges.jsonl.gz')
    const found = summarise(trace)
    expect(found.requests).toBe(49_334)
    expect(found.inputTokens / 1e9).toBeCloseTo(6.04, 2)
    const subagents = new Set(trace.requests.flatMap(({ session, tenant }) => (session === tenant ? [] : [session])))
    expect(subagents.size).toBe(63)
    expect(new Set(trace.requests.map(({ tenant }) => tenant)).size).toBe(710)
    const own = trace.requests.filter(({ session, tenant }) => session === tenant)
    expect(own.reduce((sum, { outputTokens }) => sum + outputTokens, 0) / 1e6).toBeCloseTo(21.4, 1)
    const lengths = own.map(({ inputTokens }) => inputTokens)
    expect([0.1, 0.5, 0.9, 0.99].map(share => Math.round(quantile(lengths, share) / 1000))).toEqual([43, 105, 236, 500])
    // Sharing the tools and the system prompt among sessions adds a little to the 96.4 % inside them.
    expect(100 * found.reusableShare!).toBeGreaterThan(96.4)
    expect(100 * found.reusableShare!).toBeLessThan(96.6)
  })

  it('sessions, without their sub-agents, reuse 96.4 % when nothing is shared among them', () => {
    const alone = unpacked('agentic-cc/cc_traces_ranges.jsonl.gz')
      .toString()
      .replace(/"(tool|system)_tokens":\d+/g, '"$1_tokens":0')
    const trace = readTrace(Buffer.from(alone))
    const own = { ...trace, requests: trace.requests.filter(({ session, tenant }) => session === tenant) }
    expect(100 * summarise(own).reusableShare!).toBeCloseTo(96.4, 1)
  })

  it('a session as it was published reads like its shortened form', () => {
    const raw = read('agentic-cc/raw_sample/trace_0100.json')
    const line = unpacked('agentic-cc/cc_traces_ranges.jsonl.gz')
      .toString()
      .split('\n')
      .find(text => text.startsWith('{"id":"trace_0100"'))
    expect(raw).toEqual(readTrace(Buffer.from(line!)))
  })

  it('ServeGen makes as many requests as its rates say', () => {
    const lengths = unpacked('servegen/deepseek-r1_lengths.jsonl.gz')
    const { requests } = read('servegen/deepseek-r1_rates.csv.gz', { lengths })
    expect(Math.abs(requests.length / 1_383_669 - 1)).toBeLessThan(0.01)
    expect(requests.at(-1)!.atMs).toBeLessThan(86_400_000)
  })
})
