import { ACCELERATOR_NAMES, findAccelerator } from '../../simulation/accelerators.ts'
import { findModel, MODEL_NAMES } from '../../simulation/models.ts'
import { expectedNames } from './fault.ts'
import { type Faults, quoted, type Spot, textOf } from './walk.ts'

/** Names that a simulated engine may be made of. */
export interface KnownHardware {
  readonly models: readonly string[]
  readonly accelerators: readonly string[]
}

interface Table {
  readonly what: string
  readonly names: readonly string[]
  has(name: string): boolean
}

/** The tables that a configuration is checked against. */
export interface HardwareTables {
  readonly models: Table
  readonly accelerators: Table
}

/** The simulation's own tables, which forgive a spelling. */
const SIMULATION: HardwareTables = {
  models: { what: 'models', names: MODEL_NAMES, has: name => findModel(name) !== undefined },
  accelerators: { what: 'accelerators', names: ACCELERATOR_NAMES, has: name => findAccelerator(name) !== undefined },
}

function tableOf(what: string, names: readonly string[]): Table {
  return { what, names, has: name => names.includes(name) }
}

/** @param known exactly these names; the simulation's tables when null */
export function hardwareTables(known: KnownHardware | null): HardwareTables {
  if (known === null) return SIMULATION
  return { models: tableOf('models', known.models), accelerators: tableOf('accelerators', known.accelerators) }
}

/** Checks that a name is in a table. */
export function checkKnown(faults: Faults, spot: Spot, table: Table): void {
  const name = textOf(spot)
  if (name === null || table.has(name)) return
  faults.add(spot, `is ${quoted(spot)}, which is not in the table of ${table.what}`, expectedNames(name, table.names))
}
