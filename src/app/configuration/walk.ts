import { type ConfigurationDocument, Leaf, type Tree } from './document.ts'
import { expectedNames, type Fault, formatPath, type Path } from './fault.ts'
import { shown } from './leaves.ts'

/** A place in a configuration that may have any number of faults: it is asked what is there, and nothing is taken for granted. */
export interface Spot {
  readonly tree: Tree | undefined
  readonly path: Path
}

/** A mapping of a file: without a prototype. */
export type Mapping = { readonly [key: string]: Tree }

export function isMapping(tree: Tree | undefined): tree is Mapping {
  return tree !== undefined && !(tree instanceof Leaf) && !Array.isArray(tree)
}

export function at(spot: Spot, name: string): Spot {
  return {
    tree: isMapping(spot.tree) && Object.hasOwn(spot.tree, name) ? spot.tree[name] : undefined,
    path: [...spot.path, name],
  }
}

/** Entries of a mapping; none when it is no mapping. */
export function entries(spot: Spot): { readonly name: string; readonly spot: Spot }[] {
  if (!isMapping(spot.tree)) return []
  return Object.keys(spot.tree).map(name => ({ name, spot: at(spot, name) }))
}

/** Items of a list; none when it is no list. */
export function items(spot: Spot): Spot[] {
  const { tree } = spot
  return Array.isArray(tree) ? tree.map((item: Tree, i) => ({ tree: item, path: [...spot.path, i] })) : []
}

/** The text of a value; null when there is none that could be read. */
export function textOf(spot: Spot): string | null {
  const { tree } = spot
  return tree instanceof Leaf && !tree.broken && tree.kind !== 'null' ? tree.text : null
}

/** The value as the file has it, for a message: nothing that came from the environment is in it. */
export function quoted(spot: Spot): string {
  return spot.tree instanceof Leaf ? shown(spot.tree) : ''
}

/** Collects faults at places of one document. */
export class Faults {
  readonly found: Fault[] = []
  private readonly document: ConfigurationDocument
  private readonly file: string

  constructor(document: ConfigurationDocument, file: string) {
    this.document = document
    this.file = file
  }

  root(): Spot {
    return { tree: this.document.tree, path: [] }
  }

  add(spot: Spot, problem: string, expected = ''): void {
    this.put(this.document.placeOf(spot.path), spot, { problem, expected })
  }

  /** A fault of an entry's name rather than its value. */
  addToName(spot: Spot, problem: string, expected = ''): void {
    this.put(this.document.placeOfName(spot.path), spot, { problem, expected })
  }

  private put(place: { line: number; column: number }, spot: Spot, said: { problem: string; expected: string }): void {
    this.found.push({ file: this.file, ...place, path: formatPath(spot.path), ...said })
  }

  /** Line of a place, for faults that point at another. */
  lineOf(spot: Spot): number {
    return this.document.placeOf(spot.path).line
  }
}

/**
 * Checks that a name stands elsewhere in the file.
 *
 * @param of.name the name, where the value has more than that
 */
export function checkReference(
  faults: Faults,
  spot: Spot,
  of: { readonly known: readonly string[]; readonly what: string; readonly name?: string },
): void {
  const name = of.name ?? textOf(spot)
  if (name === null || of.known.includes(name)) return
  const expected = of.known.length > 0 ? expectedNames(name, of.known) : `${of.what} of that name, and there are none`
  faults.add(spot, `refers to ${quoted(spot)}, and there is no ${of.what} of that name`, expected)
}
