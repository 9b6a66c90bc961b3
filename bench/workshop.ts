import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The project's root: the bench runs from a checkout. */
export const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))
/** What is built or installed for the bench and kept between runs; git ignores it. */
export const CACHE = join(ROOT, '.cache', 'bench')
export const RESULTS = join(ROOT, 'bench', 'results')

/** Why a subject or a tool can't be had here. Reported with the result, never skipped in silence. */
export class Unavailable extends Error {}

/** A fresh directory, by default on the disk that holds the checkout, so that fsync costs what it costs there. */
export function scratch(name: string, disk: string = join(CACHE, 'run')): string {
  mkdirSync(disk, { recursive: true })
  return mkdtempSync(join(disk, `${name}-`))
}

export function discard(directory: string): void {
  rmSync(directory, { recursive: true, force: true })
}

/** The path of a program, installed by apt-get where this user may do so. */
export function program(name: string, debianPackage: string): string {
  const found = which(name)
  if (found) return found
  if (process.getuid?.() !== 0) throw new Unavailable(`${name} is not installed: apt-get install ${debianPackage}`)
  run('apt-get', ['update', '-q'], 'apt-get update')
  run('apt-get', ['install', '-q', '-y', '--no-install-recommends', debianPackage], `installing ${debianPackage}`)
  const installed = which(name)
  if (!installed) throw new Unavailable(`${debianPackage} brought no ${name}`)
  return installed
}

export function which(name: string): string | null {
  const { status, stdout } = spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { encoding: 'utf8' })
  return status === 0 ? stdout.trim() : null
}

/** Compiles `bench/load/NAME.c` when its source is newer than what was built before. */
export function compiled(name: 'upstream' | 'streams' | 'deaf'): string {
  const source = join(ROOT, 'bench', 'load', `${name}.c`)
  const binary = join(CACHE, 'bin', name)
  if (existsSync(binary) && statSync(binary).mtimeMs > statSync(source).mtimeMs) return binary
  mkdirSync(dirname(binary), { recursive: true })
  run(which('cc') ?? program('gcc', 'gcc'), ['-O2', '-Wall', '-o', binary, source], `compiling ${name}.c`)
  return binary
}

/** Runs an installation; its failure makes what needs it unavailable, with the last line it said. */
export function run(command: string, args: readonly string[], what: string, cwd: string = ROOT): void {
  const result = spawnSync(command, args, { cwd, encoding: 'utf8', timeout: 600_000, maxBuffer: 64 << 20 })
  if (result.status === 0) return
  const said = `${result.stderr ?? ''}\n${result.stdout ?? ''}`.split('\n').map(line => line.trim())
  const line = said.find(line => /error/i.test(line)) ?? said.findLast(line => line !== '')
  throw new Unavailable(`${what} failed: ${(line ?? String(result.error ?? result.status)).slice(0, 300)}`)
}

/** What a command prints, trimmed; null when it can't be run. */
export function said(command: string, args: readonly string[]): string | null {
  try {
    return execFileSync(command, args, { cwd: ROOT, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  } catch {
    return null
  }
}
