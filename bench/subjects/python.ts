import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { CACHE, run, Unavailable, which } from '../workshop.ts'

/** A virtual environment with one package of a named version; returns the path of one of its programs. */
export function pythonProgram(packageName: string, version: string, name: string): string {
  const home = pythonHome(packageName, version)
  const found = join(home, 'bin', name)
  if (existsSync(found)) return found
  const python = which('python3')
  if (!python) throw new Unavailable('python3 is not installed')
  run(python, ['-m', 'venv', home], 'python3 -m venv')
  run(join(home, 'bin/pip'), ['install', '-q', `${packageName}==${version}`], `pip install ${packageName}==${version}`)
  if (!existsSync(found)) throw new Unavailable(`${packageName} ${version} brought no ${name}`)
  return found
}

/** The environment of a package; extras like `litellm[proxy]` leave their brackets behind. */
export function pythonHome(packageName: string, version: string): string {
  return join(CACHE, `${packageName.replace(/\[.*\]/, '')}-${version}`)
}
