import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, cpus, release, totalmem } from 'node:os'
import { join } from 'node:path'
import { withYoungerMeasures } from './merge.ts'
import { openFilesLimit } from './process.ts'
import { report } from './report.ts'
import type { Machine, Result } from './result.ts'
import { RESULTS, ROOT, said } from './workshop.ts'

const BYTES_PER_GB = 1e9

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memoryGb: Math.round(totalmem() / BYTES_PER_GB),
    kernel: release(),
    node: process.versions.node,
    openFiles: openFilesLimit(),
  }
}

export function commit(): { commit: string; changed: boolean } {
  return {
    commit: said('git', ['rev-parse', '--short=12', 'HEAD']) ?? 'unknown',
    changed: said('git', ['status', '--porcelain', '--', 'src', 'package.json']) !== '',
  }
}

/** Keeps a result and writes RESULTS.md again. Returns the result's file, as a path in the project. */
export function keep(result: Result): string {
  mkdirSync(RESULTS, { recursive: true })
  const name = `${result.at.slice(0, 19).replaceAll(':', '')}-${result.commit}.json`
  const file = join(RESULTS, name)
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`)
  // Kept results are held to the format of everything else.
  said(join(ROOT, 'node_modules', '.bin', 'biome'), ['format', '--write', file])
  writeReport()
  return join('bench', 'results', name)
}

/**
 * Writes RESULTS.md from the newest result that left nothing out, with measures that are younger than it, or from the
 * newest where there is none.
 */
export function writeReport(): string {
  const names = readdirSync(RESULTS).filter(name => name.endsWith('.json'))
  const results = names.sort().map(name => JSON.parse(readFileSync(join(RESULTS, name), 'utf8')) as Result)
  const newest = results.findLast(({ whole }) => whole) ?? results.at(-1)
  if (!newest) throw new Error('bench/results has no result yet')
  const text = report(newest.whole ? withYoungerMeasures(newest, results) : newest)
  writeFileSync(join(ROOT, 'bench', 'RESULTS.md'), text)
  return text
}
