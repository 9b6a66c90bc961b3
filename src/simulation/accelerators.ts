import { NameTable } from './names.ts'
import type { ComputePeaks } from './precision.ts'

/** What one accelerator can do. */
export interface AcceleratorShape extends ComputePeaks {
  readonly name: string
  readonly aliases?: readonly string[]
  /** GiB, as the makers' "GB" of memory are counted. */
  readonly memoryGib: number
  readonly memoryTbPerSecond: number
  /** Board power limit. */
  readonly tdpWatts: number
  /** To its neighbours, one direction. */
  readonly linkGbPerSecond: number
  /** Of one accelerator and its share of the host, where known. */
  readonly allInKilowatts: number | null
  /** Dollars an hour of one that is rented for long, where known; for prices when the configuration names none. */
  readonly rentalDollarsPerHour: string | null
}

type Row = readonly [
  name: string,
  memory: readonly [gib: number, tbPerSecond: number],
  tflops: readonly [bf16: number, fp8: number | null, fp4: number | null],
  tdpWatts: number,
  linkGbPerSecond: number,
  economics: readonly [allInKilowatts: number | null, rental: string | null],
  aliases?: readonly string[],
]

/**
 * Sources: AIConfigurator's systems yaml (memory, bandwidth, dense teraflops, TDP, links) and the constants of
 * InferenceX's app (all-in kW, three-year rental). Vendor data sheets, not checked: TDP of MI325X and MI355X, teraflops
 * of the RTX 4090. Rentals of B300 and GB300 are placeholders of their source; those of the A100s are the low ends of
 * published ranges of 2026.
 */
const ROWS: readonly Row[] = [
  ['A100-SXM', [80, 2.039], [312, null, null], 400, 300, [null, '1.10'], ['A100', 'A100-80G-SXM', 'A100-80GB']],
  ['A100-PCIe', [80, 1.935], [312, null, null], 300, 32, [null, '0.80'], ['A100-80G-PCIe']],
  ['H100-SXM', [80, 3.35], [989, 1979, null], 700, 450, [1.73, '1.30'], ['H100', 'H100-SXM5', 'H100-80GB']],
  ['H100-PCIe', [80, 2.0], [756, 1513, null], 350, 64, [null, null]],
  ['H200-SXM', [141, 4.8], [989, 1979, null], 700, 450, [1.73, '1.60'], ['H200']],
  ['B200-SXM', [180, 8.0], [2250, 4500, 9000], 1000, 900, [2.17, '2.90'], ['B200']],
  ['B300-SXM', [268, 8.0], [2250, 4500, 13_500], 1100, 900, [2.17, '3.48'], ['B300']],
  ['GB200', [192, 8.0], [2500, 5000, 10_000], 1200, 900, [2.1, '3.30'], ['GB200-NVL72', 'GB200-SXM']],
  ['GB300', [288, 8.0], [2500, 5000, 15_000], 1400, 900, [2.1, '3.96'], ['GB300-NVL72', 'GB300-SXM']],
  ['MI300X', [192, 5.3], [1307, 2615, null], 750, 448, [1.79, '1.55']],
  ['MI325X', [256, 6.0], [1307, 2615, null], 1000, 448, [2.18, '1.80']],
  ['MI355X', [288, 8.0], [2516, 5033, 10_066], 1400, 576, [2.65, '2.10']],
  ['L40S', [48, 0.864], [362, 733, null], 350, 32, [null, null]],
  ['L4', [24, 0.3], [121, 242, null], 72, 32, [null, null]],
  [
    'RTX-PRO-6000',
    [96, 1.792],
    [468, 936, 1871],
    600,
    64,
    [null, null],
    ['RTX-PRO-6000-SE', 'RTX6000-PRO', 'RTX-PRO-6000-Server', 'RTXPRO6000'],
  ],
  ['RTX-4090', [24, 1.008], [165, 330, null], 450, 32, [null, null], ['4090']],
  ['B60', [24, 0.456], [98, 98, null], 200, 28.4, [null, null], ['Arc-Pro-B60']],
]

export const ACCELERATORS: readonly AcceleratorShape[] = ROWS.map(
  ([name, memory, tflops, tdpWatts, linkGbPerSecond, economics, aliases]) => ({
    name,
    aliases,
    memoryGib: memory[0],
    memoryTbPerSecond: memory[1],
    bf16Tflops: tflops[0],
    fp8Tflops: tflops[1],
    fp4Tflops: tflops[2],
    tdpWatts,
    linkGbPerSecond,
    allInKilowatts: economics[0],
    rentalDollarsPerHour: economics[1],
  }),
)

const TABLE = new NameTable('accelerator', ACCELERATORS)

/** Names of the accelerator table, as configurations write them. */
export const ACCELERATOR_NAMES = TABLE.names

/** @returns undefined for an unknown kind; spelling is forgiven (`h100`, `NVIDIA H100 SXM`) */
export function findAccelerator(kind: string): AcceleratorShape | undefined {
  return TABLE.find(kind)
}

/** @throws Error with a sentence that lists the known kinds */
export function accelerator(kind: string): AcceleratorShape {
  return TABLE.get(kind)
}
