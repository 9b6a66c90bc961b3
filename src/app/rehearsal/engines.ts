import { describeReplica, type Replica } from '../../simulation/replica.ts'
import type { UpstreamSettings } from '../configuration/configuration.ts'
import { checkKnown, type HardwareTables } from '../configuration/hardware.ts'
import { at, entries, type Faults, items, type Spot, textOf } from '../configuration/walk.ts'
import { modelledAs } from '../footprint/knownReplica.ts'

const WANTED = 'an engine with an accelerator, and a model of the table'

/** Names of models that an upstream's deployments serve, as the file has them. */
function deployedAt(root: Spot, upstream: string): readonly Spot[] {
  return entries(at(root, 'models')).flatMap(({ spot }) =>
    items(at(spot, 'deployments'))
      .filter(deployment => textOf(at(deployment, 'upstream')) === upstream)
      .map(deployment => at(deployment, 'model')),
  )
}

/** Checks that every upstream is an engine whose times can be reckoned. Works on any file, however many other faults it has. */
export function checkEngines(faults: Faults, root: Spot, hardware: HardwareTables): void {
  for (const { name, spot } of entries(at(root, 'upstreams'))) {
    const engine = textOf(at(spot, 'engine'))
    if (engine === null) faults.addToName(spot, 'is a hosted API, whose times nobody can reckon', WANTED)
    // What a simulated one needs was checked like any configuration's.
    if (engine === null || engine === 'simulated') continue
    const accelerator = at(spot, 'accelerator')
    if (entries(accelerator).length === 0) faults.add(accelerator, 'is missing', '{ kind, count, dollarsPerHour }')
    else checkKnown(faults, at(accelerator, 'kind'), hardware.accelerators)
    for (const model of deployedAt(root, name)) checkKnown(faults, model, hardware.models)
  }
}

/**
 * What the tables say of an upstream's replicas.
 *
 * @param model of the table
 * @returns a sentence where the weights do not fit
 */
export function replicaOf({ engine, accelerator, simulated }: UpstreamSettings, model: string): Replica | string {
  const { kind, count } = accelerator!
  const blocks = simulated?.kvBlocks
  try {
    return describeReplica({
      model,
      accelerator: { kind, count },
      engine: modelledAs(engine!),
      ...(blocks === undefined ? {} : { kvBlocks: blocks }),
    })
  } catch (error) {
    return (error as Error).message
  }
}
