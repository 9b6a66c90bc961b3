import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  type YAMLError,
} from 'yaml'
import { type Fault, formatPath, type Path } from './fault.ts'
import { type Environment, hideVariables, holdsHidden, showVariables, substitute } from './variables.ts'

/** Bytes of a configuration, and values in it once its aliases are followed. */
export const MAX_CONFIGURATION_BYTES = 1_000_000
export const MAX_CONFIGURATION_VALUES = 100_000

/** A scalar as it was written: what it means depends on what is expected at its place. */
export class Leaf {
  /** Its text with variables replaced. Numbers keep their spelling. */
  readonly text: string
  /** What YAML takes it for; `variable` when a part came from the environment, which knows only text. */
  readonly kind: 'text' | 'number' | 'boolean' | 'null' | 'variable'
  /** Its text in the file, for messages: no value of the environment is in it. */
  readonly written: string
  /** Its variables could not be replaced, which was reported. */
  readonly broken: boolean

  constructor(of: { text: string; kind: Leaf['kind']; written: string; broken: boolean }) {
    this.text = of.text
    this.kind = of.kind
    this.written = of.written
    this.broken = of.broken
  }
}

/** What a file says: mappings without a prototype, lists and leaves. */
export type Tree = Leaf | readonly Tree[] | { readonly [key: string]: Tree }

export interface Place {
  readonly line: number
  readonly column: number
}

/** A file that was read, and where everything in it stands. */
export interface ConfigurationDocument {
  readonly tree: Tree
  /** Faults of YAML and of variables. */
  readonly faults: readonly Fault[]
  /** Line of the first place where YAML lost its way; what stands after it cannot be judged. Infinity when it never did. */
  readonly soundBefore: number
  /** Where the value at a path begins, or what is nearest above it. */
  placeOf(path: Path): Place
  /** Where the name of an entry stands. */
  placeOfName(path: Path): Place
}

const SAID: Readonly<Record<string, string>> = {
  DUPLICATE_KEY: 'stands here a second time',
  TAB_AS_INDENT: 'is indented with a tab; YAML wants spaces',
  MULTIPLE_DOCS: 'begins a second document; a configuration is one',
}

class Reader {
  readonly lines = new LineCounter()
  readonly faults: Fault[] = []
  private readonly values = new Map<string, number>()
  private readonly names = new Map<string, number>()
  private readonly pathsOfNames = new Map<number, Path>()
  private readonly document: ReturnType<typeof parseDocument>
  private readonly file: string
  private readonly environment: Environment
  private count = 0
  private readonly open = new Set<Node>()

  constructor(options: { text: string; file: string; environment: Environment }) {
    this.file = options.file
    this.environment = options.environment
    this.document = parseDocument(hideVariables(options.text), {
      lineCounter: this.lines,
      prettyErrors: false,
      stringKeys: true,
      schema: 'core',
    })
  }

  read(): { tree: Tree; soundBefore: number } {
    const { contents, errors, warnings } = this.document
    const tree = this.convert(contents, [])
    let soundBefore = Number.POSITIVE_INFINITY
    for (const error of [...errors, ...warnings]) {
      const place = this.placeAt(error.pos[0])
      if (error.name === 'YAMLParseError' && error.code !== 'DUPLICATE_KEY')
        soundBefore = Math.min(soundBefore, place.line)
      this.add(place, this.pathsOfNames.get(error.pos[0]) ?? [], this.sentence(error))
    }
    return { tree, soundBefore }
  }

  placeOf(path: Path): Place {
    return this.lookUp(this.values, path)
  }

  placeOfName(path: Path): Place {
    const at = this.names.get(JSON.stringify(path))
    return at === undefined ? this.placeOf(path) : this.placeAt(at)
  }

  private lookUp(offsets: Map<string, number>, path: Path): Place {
    for (let length = path.length; length > 0; length--) {
      const key = JSON.stringify(path.slice(0, length))
      // Something is missing inside a mapping: its name is where the eye looks first.
      const at = length < path.length ? (this.names.get(key) ?? offsets.get(key)) : offsets.get(key)
      if (at !== undefined) return this.placeAt(at)
    }
    return { line: 1, column: 1 }
  }

  private placeAt(offset: number): Place {
    const { line, col } = this.lines.linePos(offset)
    return { line: Math.max(line, 1), column: Math.max(col, 1) }
  }

  private sentence({ code, message }: YAMLError): { problem: string; expected: string } {
    return { problem: SAID[code] ?? `is no YAML: ${showVariables(message)}`, expected: '' }
  }

  private add(place: Place, path: Path, said: { problem: string; expected: string }): void {
    this.faults.push({ file: this.file, ...place, path: formatPath(path), ...said })
  }

  private convert(node: Node | null, path: Path): Tree {
    if (node === null) return new Leaf({ text: '', kind: 'null', written: '', broken: false })
    if (node.range) this.values.set(JSON.stringify(path), node.range[0])
    if (++this.count > MAX_CONFIGURATION_VALUES)
      return this.giveUp(path, `has more than ${MAX_CONFIGURATION_VALUES} values`)
    if (isAlias(node)) return this.follow(node, path)
    if (isScalar(node)) return this.scalar(node, path)
    this.open.add(node)
    const tree = isMap(node)
      ? this.mapping(node.items as Pair<Node, Node | null>[], path)
      : isSeq(node)
        ? node.items.map((item, i) => this.convert(item as Node | null, [...path, i]))
        : this.giveUp(path, 'is neither a mapping, a list nor a value')
    this.open.delete(node)
    return tree
  }

  private giveUp(path: Path, problem: string): Tree {
    // Once is enough: every further value would say the same.
    if (this.count === MAX_CONFIGURATION_VALUES + 1 || this.count <= MAX_CONFIGURATION_VALUES) {
      this.add(this.placeOf(path), path, { problem, expected: '' })
    }
    return new Leaf({ text: '', kind: 'text', written: '', broken: true })
  }

  private follow(alias: Alias, path: Path): Tree {
    const target = alias.resolve(this.document)
    if (!target) return this.giveUp(path, `refers to *${alias.source}, which is nowhere`)
    if (this.open.has(target)) return this.giveUp(path, `refers to *${alias.source}, of which it is a part`)
    const own = this.values.get(JSON.stringify(path))
    const tree = this.convert(target, path)
    if (own !== undefined) this.values.set(JSON.stringify(path), own)
    return tree
  }

  private mapping(items: readonly Pair<Node, Node | null>[], path: Path): Tree {
    const tree: Record<string, Tree> = Object.create(null)
    for (const { key, value } of items) {
      const name = isScalar(key) ? showVariables(String(key.value ?? '')) : ''
      const at = [...path, name]
      if (key.range) {
        if (!Object.hasOwn(tree, name)) this.names.set(JSON.stringify(at), key.range[0])
        this.pathsOfNames.set(key.range[0], at)
      }
      // YAML has reported it; the first one is what places point at.
      if (Object.hasOwn(tree, name)) continue
      if (name === '__proto__' || name.includes('${')) {
        this.add(this.placeOfName(at), at, { problem: 'cannot be a name', expected: 'a name without variables' })
        continue
      }
      tree[name] = this.convert(value, at)
    }
    return tree
  }

  private scalar(node: Scalar, path: Path): Tree {
    const { value, source } = node
    const written = showVariables(typeof value === 'string' ? value : (source ?? ''))
    const { text, substituted, problems } = substitute(written, this.environment)
    for (const said of problems) this.add(this.placeOf(path), path, said)
    const kind =
      typeof value === 'number' || typeof value === 'bigint'
        ? 'number'
        : typeof value === 'boolean'
          ? 'boolean'
          : value === null
            ? 'null'
            : 'text'
    return new Leaf({ text, kind: substituted ? 'variable' : kind, written, broken: problems.length > 0 })
  }
}

/** Reads YAML, and JSON with it, into a tree whose places are known. */
export function readDocument(options: { text: string; file: string; environment: Environment }): ConfigurationDocument {
  const { text, file } = options
  const refused =
    Buffer.byteLength(text) > MAX_CONFIGURATION_BYTES
      ? `is larger than ${MAX_CONFIGURATION_BYTES} bytes`
      : holdsHidden(text)
        ? 'has characters of the private block U+E000 to U+E07F'
        : null
  const reader = new Reader({ ...options, text: refused ? '' : text })
  const { tree, soundBefore } = reader.read()
  if (refused) reader.faults.push({ file, line: 0, path: '', problem: refused, expected: '' })
  return {
    tree,
    faults: reader.faults,
    soundBefore: refused ? 0 : soundBefore,
    placeOf: path => reader.placeOf(path),
    placeOfName: path => reader.placeOfName(path),
  }
}
