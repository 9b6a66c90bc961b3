import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { GATEWAY_CORE } from '../process.ts'
import type { Micro } from '../result.ts'
import { ROOT } from '../workshop.ts'

const MICRO_MS = 120_000

/** Runs every micro-benchmark on the gateway's core and keeps what it printed. */
export function runMicro(): Micro[] {
  const directory = join(ROOT, 'bench', 'micro')
  if (!existsSync(directory)) return []
  const files = readdirSync(directory).filter(name => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  return files.sort().map(name => {
    const argv = ['-c', String(GATEWAY_CORE), process.execPath, '--expose-gc', join(directory, name)]
    const { status, stdout, stderr } = spawnSync('taskset', argv, { cwd: ROOT, encoding: 'utf8', timeout: MICRO_MS })
    const output = status === 0 ? stdout : `${stdout}\n${stderr}`
    return { file: `bench/micro/${name}`, status, output: output.trim() }
  })
}
