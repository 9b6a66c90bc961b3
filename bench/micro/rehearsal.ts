/**
 * What a rehearsal costs: `taskset -c 0 node bench/micro/rehearsal.ts`.
 *
 * Prints simulated requests a minute of processor time, gateway and four modelled engines together: of the recordings in
 * `../shared/data/traces`, where they are, and of one that is made here.
 */
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { loadFleet } from '../../src/app/rehearsal/load.ts'
import { type ReadOptions, readTrace } from '../../src/traces/read.ts'
import type { Trace } from '../../src/traces/trace.ts'
import { castTraffic } from '../../src/twin/traffic.ts'
import { Twin } from '../../src/twin/twin.ts'

const RECORDED = new URL('../../../shared/data/traces/', import.meta.url)
const FLEET = fileURLToPath(new URL('../../examples/foresee/fleet.yaml', import.meta.url))
const MADE_REQUESTS = 20_000
const MADE_EVERY_MS = 50

const RECORDINGS: readonly (readonly [name: string, file: string, options: ReadOptions])[] = [
  ['Azure conversations', 'azure2023/AzureLLMInferenceTrace_conv.csv', {}],
  ['Mooncake conversations', 'mooncake/conversation_trace.jsonl', {}],
  ['coding sessions', 'agentic-cc/cc_traces_ranges.jsonl.gz', { requests: 20_000 }],
]

/** Short questions of which each shares its beginning with a hundredth of the others. */
function made(): Trace {
  const lines = Array.from({ length: MADE_REQUESTS }, (_, i) => {
    const request = {
      timestamp: i * MADE_EVERY_MS,
      input_length: 1_000,
      output_length: 200,
      hash_ids: [i % 100, 1e6 + i],
    }
    return `${JSON.stringify(request)}\n`
  })
  return readTrace(Buffer.from(lines.join('')))
}

function recorded(file: string, options: ReadOptions): Trace {
  const bytes = readFileSync(new URL(file, RECORDED))
  return readTrace(file.endsWith('.gz') ? gunzipSync(bytes) : bytes, options)
}

const { loaded } = loadFleet({ path: FLEET, env: {} })
if (loaded === undefined) throw new Error(`${FLEET} can not be read`)
const { targets, models } = loaded

/** @returns requests a minute of processor time */
function rate(trace: Trace): number {
  const traffic = castTraffic([
    { trace, speed: 1, model: () => models[0]!, tenant: ({ tenant }) => tenant ?? 'all', tier: () => 'standard' },
  ])
  const twin = new Twin({ fleet: loaded!.fleet({}), traffic, targets, policy: 'penstock', seed: 1 })
  const began = process.cpuUsage()
  twin.run()
  const { user, system } = process.cpuUsage(began)
  twin.report()
  return (traffic.requests.length * 60e6) / (user + system)
}

const traces: [name: string, trace: Trace][] = [['made, 20 a second', made()]]
for (const [name, file, options] of RECORDINGS) {
  if (existsSync(new URL(file, RECORDED))) traces.push([name, recorded(file, options)])
}
console.log('simulated requests a minute of processor time')
for (const [name, trace] of traces) {
  // The first time the code is being compiled.
  rate(trace)
  console.log(`  ${name.padEnd(24)} ${Math.round(rate(trace)).toLocaleString('en').padStart(9)}`)
}
