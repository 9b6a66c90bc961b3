import { GRAMS_PER_KWH } from './intensities.ts'

/**
 * Countries of the regions of AWS, Google Cloud and Azure, from their public lists of regions (2026). Whole countries
 * are coarse for those with several grids: a region in the hydropower of Oregon counts as the average of the USA.
 */
const CLOUD_REGIONS: Readonly<Record<string, string>> = {
  US:
    'us-east-1 us-east-2 us-west-1 us-west-2 us-gov-east-1 us-gov-west-1 ' +
    'us-central1 us-east1 us-east4 us-east5 us-south1 us-west1 us-west2 us-west3 us-west4 ' +
    'eastus eastus2 centralus northcentralus southcentralus westcentralus westus westus2 westus3',
  CA: 'ca-central-1 ca-west-1 northamerica-northeast1 northamerica-northeast2 canadacentral canadaeast',
  MX: 'mx-central-1 northamerica-south1 mexicocentral',
  BR: 'sa-east-1 southamerica-east1 brazilsouth brazilsoutheast',
  CL: 'southamerica-west1 chilecentral',
  IE: 'eu-west-1 northeurope',
  GB: 'eu-west-2 europe-west2 uksouth ukwest',
  FR: 'eu-west-3 europe-west9 francecentral francesouth',
  DE: 'eu-central-1 europe-west3 europe-west10 germanywestcentral germanynorth',
  CH: 'eu-central-2 europe-west6 switzerlandnorth switzerlandwest',
  IT: 'eu-south-1 europe-west8 europe-west12 italynorth',
  ES: 'eu-south-2 europe-southwest1 spaincentral',
  SE: 'eu-north-1 europe-north2 swedencentral',
  FI: 'europe-north1',
  NO: 'norwayeast norwaywest',
  BE: 'europe-west1 belgiumcentral',
  NL: 'europe-west4 westeurope',
  AT: 'austriaeast',
  PL: 'europe-central2 polandcentral',
  IL: 'il-central-1 me-west1 israelcentral',
  AE: 'me-central-1 uaenorth uaecentral',
  BH: 'me-south-1',
  QA: 'me-central1 qatarcentral',
  SA: 'me-central2',
  ZA: 'af-south-1 africa-south1 southafricanorth southafricawest',
  IN: 'ap-south-1 ap-south-2 asia-south1 asia-south2 centralindia southindia westindia',
  SG: 'ap-southeast-1 asia-southeast1 southeastasia',
  ID: 'ap-southeast-3 asia-southeast2 indonesiacentral',
  MY: 'ap-southeast-5 malaysiawest',
  TH: 'ap-southeast-7 asia-southeast3',
  HK: 'ap-east-1 asia-east2 eastasia',
  TW: 'ap-east-2 asia-east1',
  JP: 'ap-northeast-1 ap-northeast-3 asia-northeast1 asia-northeast2 japaneast japanwest',
  KR: 'ap-northeast-2 asia-northeast3 koreacentral koreasouth',
  CN: 'cn-north-1 cn-northwest-1',
  AU:
    'ap-southeast-2 ap-southeast-4 australia-southeast1 australia-southeast2 ' +
    'australiaeast australiasoutheast australiacentral',
  NZ: 'ap-southeast-6 newzealandnorth',
}

/** In small letters, as names are looked up. */
const INTENSITIES: ReadonlyMap<string, number> = new Map([
  ...[...GRAMS_PER_KWH].map(([code, grams]) => [code.toLowerCase(), grams] as const),
  ...Object.entries(CLOUD_REGIONS).flatMap(([country, names]) =>
    names.split(' ').map(name => [name, GRAMS_PER_KWH.get(country)!] as const),
  ),
])

/** Every name that a region may have: codes of countries first, then regions of clouds. */
export const REGION_NAMES: readonly string[] = [
  ...GRAMS_PER_KWH.keys(),
  ...Object.values(CLOUD_REGIONS).flatMap(names => names.split(' ')),
]

/** Whether the carbon intensity of a region is known: a country by its code, or a region of a cloud; case is forgiven. */
export function knownRegion(name: string): boolean {
  return INTENSITIES.has(name.toLowerCase())
}

/** @returns grams of CO2 equivalents a kilowatt-hour; null for a region that is not known */
export function gramsPerKwh(region: string): number | null {
  return INTENSITIES.get(region.toLowerCase()) ?? null
}
