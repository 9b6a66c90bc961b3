import { describe, expect, it } from 'vitest'
import { ARROWS, EVERYWHERE, type Room } from './arrows.ts'
import { cyclesIn } from './cycles.ts'
import { filesBelow, functionsOf, importsOf, resolveImport, type SourceFile, sourceFiles } from './house.ts'

const FILES = sourceFiles()
const MAX_FILE_LINES = 400
const MAX_FUNCTION_LINES = 70
const FORBIDDEN_NAMES = new Set(['utils', 'util', 'helpers', 'helper', 'common', 'shared', 'types', 'misc', 'lib'])
/** Rooms whose decisions are pure: the same in production, in tests and on a virtual clock. */
const PURE_ROOMS = new Set(['units', 'vocabulary', 'policy', 'simulation', 'traces'])

function crossings(file: SourceFile): readonly string[] {
  return importsOf(file).flatMap(specifier => {
    const target = resolveImport(file, specifier)
    if (target === null) return []
    const room = target.split('/')[1]!
    if (!target.startsWith('src/')) return file.isTest ? [] : [`${file.path} imports ${target}, outside src/`]
    if (room === file.room || (EVERYWHERE as readonly string[]).includes(room)) return []
    const allowed: readonly string[] = ARROWS[file.room as Room] ?? []
    // A test may set its room up with whatever it needs.
    return allowed.includes(room) || file.isTest ? [] : [`${file.path} imports ${target}`]
  })
}

describe('the house', () => {
  it('has exactly the rooms of the table', () => {
    const rooms = [...new Set(FILES.filter(file => file.path.split('/').length > 2).map(file => file.room))]
    expect(rooms.sort()).toEqual(Object.keys(ARROWS).sort())
  })

  it('imports across rooms only along the arrows', () => {
    expect(FILES.flatMap(crossings)).toEqual([])
  })

  it('has no cycle between rooms in the table itself', () => {
    expect(cyclesIn(new Map(Object.entries(ARROWS)))).toEqual([])
  })

  it('has no cycle between files, type imports included', () => {
    const graph = new Map(
      FILES.map(file => [
        file.path,
        importsOf(file).flatMap(specifier => {
          const target = resolveImport(file, specifier)
          return target === null ? [] : [target]
        }),
      ]),
    )
    expect(cyclesIn(graph)).toEqual([])
  })

  it('has no cycle between folders, type imports included', () => {
    const graph = new Map<string, string[]>()
    for (const file of FILES.filter(file => !file.isTest)) {
      const folder = file.path.slice(0, file.path.lastIndexOf('/'))
      const targets = graph.get(folder) ?? []
      for (const specifier of importsOf(file)) {
        const target = resolveImport(file, specifier)
        const other = target?.slice(0, target.lastIndexOf('/'))
        if (other !== undefined && other !== folder) targets.push(other)
      }
      graph.set(folder, targets)
    }
    expect(cyclesIn(graph)).toEqual([])
  })

  it(`has no file over ${MAX_FILE_LINES} lines`, () => {
    const long = [...FILES, ...sourceFiles('bench')].filter(file => file.text.split('\n').length > MAX_FILE_LINES)
    expect(long.map(file => file.path)).toEqual([])
  })

  it(`has no function over ${MAX_FUNCTION_LINES} lines`, () => {
    const long = FILES.filter(file => !file.isTest).flatMap(file =>
      functionsOf(file)
        .filter(({ lines }) => lines > MAX_FUNCTION_LINES)
        .map(({ name, line, lines }) => `${file.path}:${line} ${name} has ${lines} lines`),
    )
    expect(long).toEqual([])
  })

  it('has no file or folder with a name that says nothing', () => {
    const vague = filesBelow('src').filter(path =>
      path.split('/').some(part => FORBIDDEN_NAMES.has(part.replace(/\.(test\.)?ts$/, ''))),
    )
    expect(vague).toEqual([])
  })

  it('keeps the pure rooms free of time, chance, waiting and the machine', () => {
    const impure = FILES.filter(file => PURE_ROOMS.has(file.room) && !file.isTest).flatMap(file => {
      const code = file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*|'(?:[^'\\\n]|\\.)*'/g, text =>
        text.startsWith("'") ? text : '',
      )
      return [
        /\bawait\b/,
        /\bDate\.now\b|\bnew Date\(\)/,
        /\bMath\.random\b/,
        /from 'node:/,
        /\bprocess\.|\bperformance\b/,
      ]
        .filter(pattern => pattern.test(code))
        .map(pattern => `${file.path}: ${pattern.source}`)
    })
    expect(impure).toEqual([])
  })

  it('reads the environment, the real clock and real chance only in app and cli', () => {
    const outside = FILES.filter(file => !file.isTest && !['app', 'cli', 'tidy'].includes(file.room)).flatMap(file => {
      const code = file.text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
      return [/\bprocess\.env\b/, /\bMath\.random\b/, /\bDate\.now\b/]
        .filter(pattern => pattern.test(code))
        .map(pattern => `${file.path}: ${pattern.source}`)
    })
    expect(outside).toEqual([])
  })
})
