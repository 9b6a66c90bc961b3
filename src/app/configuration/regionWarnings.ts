import { knownRegion, REGION_NAMES } from '../footprint/regions.ts'
import type { Configuration } from './configuration.ts'
import type { ConfigurationDocument } from './document.ts'
import { expectedNames, type Fault, formatPath } from './fault.ts'

/**
 * Regions whose electricity nobody knows. A place of one's own may have any name, so this is no fault; but its
 * deployments come last by `greenest`, and so does one whose region was misspelt.
 */
export function regionWarnings(
  { upstreams, source }: Configuration,
  document: Pick<ConfigurationDocument, 'placeOf'>,
): readonly Fault[] {
  return upstreams.flatMap(({ name, region }): Fault[] => {
    if (region === null || knownRegion(region)) return []
    const at = ['upstreams', name, 'region']
    const problem = `is ${region}, whose carbon intensity is not known: greenest asks its deployments last`
    const expected = expectedNames(region, REGION_NAMES)
    return [{ file: source, ...document.placeOf(at), path: formatPath(at), problem, expected }]
  })
}
