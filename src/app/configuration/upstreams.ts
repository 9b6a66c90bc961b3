import { parseBaseUrl } from './address.ts'
import { expectedNames } from './fault.ts'
import { checkKnown, type HardwareTables } from './hardware.ts'
import { isHeaderName } from './names.ts'
import { ENGINES } from './schema.ts'
import { at, entries, type Faults, isMapping, items, type Spot, textOf } from './walk.ts'

/** Headers that belong to the connection, or that the client of an upstream sets itself. */
const OWN_HEADERS = [
  'host',
  'content-length',
  'content-type',
  'content-encoding',
  'accept-encoding',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'upgrade',
  'te',
  'trailer',
  'expect',
  'proxy-authorization',
  'proxy-connection',
]
const CREDENTIALS = ['authorization', 'x-api-key']

function checkHeaders(faults: Faults, upstream: Spot): void {
  const seen = new Set<string>()
  const hasKey = at(upstream, 'apiKey').tree !== undefined
  for (const { name, spot } of entries(at(upstream, 'headers'))) {
    const lower = name.toLowerCase()
    if (!isHeaderName(name)) faults.addToName(spot, 'cannot be the name of a header')
    else if (OWN_HEADERS.includes(lower)) faults.addToName(spot, 'is a header that Penstock sets itself')
    else if (hasKey && CREDENTIALS.includes(lower)) faults.addToName(spot, 'stands beside apiKey', 'one of the two')
    else if (seen.has(lower)) faults.addToName(spot, 'stands here a second time: case makes no difference')
    seen.add(lower)
  }
}

function refuseAll(faults: Faults, upstream: Spot, of: { names: readonly string[]; why: string }): void {
  for (const name of of.names) {
    const spot = at(upstream, name)
    if (spot.tree !== undefined) faults.addToName(spot, of.why)
  }
}

function checkSimulated(faults: Faults, upstream: Spot, hardware: HardwareTables): void {
  const names = ['dialect', 'baseUrl', 'apiKey', 'headers']
  refuseAll(faults, upstream, { names, why: 'has no meaning for the simulated engine' })
  const model = at(upstream, 'model')
  const accelerator = at(upstream, 'accelerator')
  const replicas = at(upstream, 'replicas')
  if (model.tree === undefined) faults.add(model, 'is missing', expectedNames('', hardware.models.names))
  else checkKnown(faults, model, hardware.models)
  if (entries(accelerator).length === 0) faults.add(accelerator, 'is missing', '{ kind, count, dollarsPerHour }')
  else checkKnown(faults, at(accelerator, 'kind'), hardware.accelerators)
  if (items(replicas).length > 0) faults.add(replicas, 'is a list', 'how many replicas are simulated')
  refuseAll(faults, upstream, { names: ['kvEvents'], why: 'has a meaning for vllm alone' })
}

/** A replica that stands twice would be asked again as if it were another one. The URLs themselves may be secrets. */
function checkReplicas(faults: Faults, replicas: Spot): void {
  const lines = new Map<string, number>()
  for (const replica of items(replicas)) {
    const read = parseBaseUrl(textOf(replica) ?? '')
    if (!('url' in read)) continue
    const first = lines.get(read.url)
    if (first !== undefined) faults.add(replica, `is the replica on line ${first} a second time`, 'another URL')
    else lines.set(read.url, faults.lineOf(replica))
  }
}

function checkAddress(faults: Faults, upstream: Spot): void {
  const baseUrl = at(upstream, 'baseUrl')
  const replicas = at(upstream, 'replicas')
  if (baseUrl.tree === undefined && replicas.tree === undefined) {
    faults.add(baseUrl, 'is missing', 'what stands before /chat/completions or /messages')
  }
  if (baseUrl.tree !== undefined && replicas.tree !== undefined)
    faults.addToName(replicas, 'stands beside baseUrl', 'one of the two')
  checkReplicas(faults, replicas)
  // Any other value is no replicas of anything, which was reported.
  if (/^\d+$/.test(textOf(replicas) ?? '')) faults.add(replicas, 'is a number', 'a list of URLs')
}

/** Checks what an upstream needs and may have, which depends on its engine. */
export function checkUpstream(faults: Faults, upstream: Spot, hardware: HardwareTables): void {
  // Whatever else it is was reported; a mapping with nothing in it lacks all that it needs.
  if (!isMapping(upstream.tree)) return
  checkHeaders(faults, upstream)
  const engine = textOf(at(upstream, 'engine'))
  if (engine === 'simulated') return checkSimulated(faults, upstream, hardware)
  // With an engine that nobody knows, nothing can be said of what it needs.
  if (engine !== null && !ENGINES.some(known => known === engine)) return
  const dialect = at(upstream, 'dialect')
  if (at(upstream, 'engine').tree === undefined && dialect.tree === undefined) {
    faults.add(dialect, 'is missing', 'openai or anthropic; only an upstream with an engine may leave it out')
  }
  refuseAll(faults, upstream, {
    names: ['model', 'speed', 'kvBlocks'],
    why: 'has a meaning for the simulated engine alone',
  })
  if (engine === null) refuseAll(faults, upstream, { names: ['maxRunning'], why: 'has a meaning for an engine alone' })
  if (engine !== 'vllm') refuseAll(faults, upstream, { names: ['kvEvents'], why: 'has a meaning for vllm alone' })
  checkAddress(faults, upstream)
}
