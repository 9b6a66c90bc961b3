import type { DialectName } from '../../vocabulary/dialect.ts'
import { isLoopback, parseBaseUrl } from '../configuration/address.ts'
import type { ListenAddress, UpstreamSettings } from '../configuration/configuration.ts'
import { environmentFault, type Fault } from '../configuration/fault.ts'
import type { Environment } from '../configuration/variables.ts'
import { ANTHROPIC_MODELS, OPENAI_MODELS } from './wellKnown.ts'

interface Provider {
  readonly name: string
  readonly dialect: DialectName
  readonly keyVariable: string
  readonly urlVariable: string
  readonly baseUrl: string
  readonly models: readonly string[]
}

const PROVIDERS: readonly Provider[] = [
  {
    name: 'openai',
    dialect: 'openai',
    keyVariable: 'OPENAI_API_KEY',
    urlVariable: 'OPENAI_BASE_URL',
    baseUrl: 'https://api.openai.com/v1',
    models: OPENAI_MODELS,
  },
  {
    name: 'anthropic',
    dialect: 'anthropic',
    keyVariable: 'ANTHROPIC_API_KEY',
    urlVariable: 'ANTHROPIC_BASE_URL',
    baseUrl: 'https://api.anthropic.com/v1',
    models: ANTHROPIC_MODELS,
  },
]

/** An upstream and the models that are served from it without being configured. */
export interface Offer {
  readonly upstream: UpstreamSettings
  readonly models: readonly string[]
}

type Read = { readonly offer: Offer } | { readonly fault: Fault } | { readonly note: string } | null

/** Whether a URL leads to where the gateway itself is about to listen. */
function isOwn(url: string, listen: ListenAddress): boolean {
  const { hostname, port } = new URL(url)
  return listen.port !== 0 && Number(port) === listen.port && isLoopback(hostname)
}

function read(provider: Provider, from: { env: Environment; listen: ListenAddress }): Read {
  const { name, dialect, keyVariable, urlVariable, models } = provider
  const apiKey = from.env[keyVariable]?.trim()
  if (!apiKey) return null
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    return {
      fault: environmentFault(keyVariable, {
        problem: 'has characters that no header can carry',
        expected: 'a key of the provider',
      }),
    }
  }
  const url = parseBaseUrl(from.env[urlVariable]?.trim() || provider.baseUrl)
  if ('problem' in url)
    return {
      fault: environmentFault(urlVariable, { problem: url.problem, expected: `a URL such as ${provider.baseUrl}` }),
    }
  // Clients are pointed at the gateway by the very same variables; following them here would call ourselves forever.
  if (isOwn(url.url, from.listen)) {
    return {
      note: `${urlVariable} leads to this gateway itself, so ${name} is left out: unset it where the gateway starts`,
    }
  }
  const upstream: UpstreamSettings = {
    name,
    dialects: [dialect],
    engine: null,
    baseUrls: [url.url],
    apiKey,
    headers: {},
    accelerator: null,
    region: null,
    simulated: null,
    maxRunning: null,
    kvEvents: null,
    source: 'environment',
  }
  return { offer: { upstream, models } }
}

/** The providers whose key is in the environment, at the address that it names. */
export function readProviders(from: { readonly env: Environment; readonly listen: ListenAddress }): {
  readonly offers: readonly Offer[]
  readonly faults: readonly Fault[]
  readonly notes: readonly string[]
} {
  const all = PROVIDERS.map(provider => read(provider, from)).filter(found => found !== null)
  return {
    offers: all.flatMap(found => ('offer' in found ? [found.offer] : [])),
    faults: all.flatMap(found => ('fault' in found ? [found.fault] : [])),
    notes: all.flatMap(found => ('note' in found ? [found.note] : [])),
  }
}
