import type { PriceBook } from '../policy/pricing/book.ts'
import type { Tariff } from '../policy/pricing/tariff.ts'
import { tariffFor, tariffFromOverride } from '../policy/pricing/tariff.ts'
import { simulatedPrice } from '../simulation/price.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { Configuration, UpstreamSettings } from './configuration/configuration.ts'

/** What each deployment costs: the configuration's own prices, else the simulated engine's, else the price book. */
export function tariffsOf(
  configuration: Configuration,
  deployments: readonly Deployment[],
  book: PriceBook,
): (deployment: Deployment) => Tariff | null {
  const upstreams = new Map(configuration.upstreams.map(upstream => [upstream.name, upstream]))
  const tariffs = new Map<string, Tariff | null>()
  for (const deployment of deployments) {
    const upstream = upstreams.get(deployment.upstream)
    if (upstream !== undefined) tariffs.set(deployment.name, tariffOf(configuration, deployment, { upstream, book }))
  }
  return deployment => tariffs.get(deployment.name) ?? null
}

function tariffOf(
  configuration: Configuration,
  { model, upstream }: Deployment,
  from: { readonly upstream: UpstreamSettings; readonly book: PriceBook },
): Tariff | null {
  // The last of several prices for one deployment wins, as with repeated settings elsewhere.
  const own = configuration.prices.findLast(price => price.upstream === upstream && price.model === model)
  if (own !== undefined)
    return tariffFromOverride(own.perMillion, configuration.source === 'embedded' ? 'embedded' : 'prices')
  const { simulated, baseUrls } = from.upstream
  if (simulated !== null) return tariffFromOverride(simulatedPrice(simulated.model, simulated.accelerator), 'simulated')
  // Replicas of two providers have two prices, and a receipt would not know which of them applied.
  const [tariff = null, ...others] = baseUrls.map(baseUrl => tariffFor(from.book, { baseUrl, model }))
  return others.every(other => other === tariff) ? tariff : null
}
