import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseAst } from 'rolldown/parseAst'

/** The project's root, wherever the tests are started from. */
export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..', '..')

/** One source file as the rules see it. */
export interface SourceFile {
  /** From the root, with forward slashes: `src/gateway/server.ts`. */
  readonly path: string
  /** Folder under `src/`. */
  readonly room: string
  readonly text: string
  readonly isTest: boolean
}

/** A function and how many lines it takes, its braces included. */
export interface FunctionSize {
  readonly name: string
  readonly line: number
  readonly lines: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
}

export function filesBelow(folder: string): readonly string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).flatMap(entry => {
    const path = `${folder}/${entry.name}`
    return entry.isDirectory() ? filesBelow(path) : [path]
  })
}

export function sourceFiles(folder = 'src'): readonly SourceFile[] {
  return filesBelow(folder)
    .filter(path => path.endsWith('.ts'))
    .map(path => ({
      path,
      room: path.split('/')[1]!,
      text: readFileSync(join(ROOT, path), 'utf8'),
      isTest: /\.(test|contract|fixture)\.ts$/.test(path),
    }))
}

/** Every module that a file names, in imports, re-exports and `import()`, types included. */
export function importsOf(file: SourceFile): readonly string[] {
  const found: string[] = []
  walk(parse(file), node => {
    const { source } = node as { source?: { value?: unknown } }
    const imports = /^(Import|Export)(Declaration|NamedDeclaration|AllDeclaration|Expression)$/.test(node.type)
    if (imports && typeof source?.value === 'string') found.push(source.value)
    if (node.type === 'TSImportType') {
      const text = /['"]([^'"]+)['"]/.exec(file.text.slice(node.start, node.end))?.[1]
      if (text !== undefined) found.push(text)
    }
  })
  return found
}

/** The file that a relative import means, from the root; null for a package. */
export function resolveImport(file: SourceFile, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null
  return relative(ROOT, join(ROOT, dirname(file.path), specifier))
    .split(sep)
    .join('/')
}

export function functionsOf(file: SourceFile): readonly FunctionSize[] {
  const found: FunctionSize[] = []
  const lineAt = (offset: number) => file.text.slice(0, offset).split('\n').length
  walk(parse(file), node => {
    if (!/^(FunctionDeclaration|FunctionExpression|ArrowFunctionExpression)$/.test(node.type)) return
    const named = node as { id?: { name?: string } | null }
    const line = lineAt(node.start)
    found.push({ name: named.id?.name ?? 'anonymous', line, lines: lineAt(node.end) - line + 1 })
  })
  return found
}

function parse(file: SourceFile): Node {
  return parseAst(file.text, { lang: 'ts' }) as unknown as Node
}

function walk(node: Node, visit: (node: Node) => void): void {
  visit(node)
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === 'object' && typeof (child as Node).type === 'string')
        walk(child as Node, visit)
    }
  }
}
