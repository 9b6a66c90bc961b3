import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const MAIN = fileURLToPath(new URL('./main.ts', import.meta.url))

export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
}

/**
 * Runs a command as its own process. `env` is all that it knows of Penstock's variables; standard input has `input` in
 * it and ends, or stays open and empty where that is null.
 */
export function runPenstock(
  args: readonly string[],
  { cwd, env = {}, input = '' }: { cwd: string; env?: Record<string, string>; input?: string | null },
): Promise<Ran> {
  const { PENSTOCK_ADMIN_TOKEN, PENSTOCK_URL, PENSTOCK_KEY, PENSTOCK_CONFIG, ...plain } = process.env
  return new Promise(resolve => {
    const child = execFile(process.execPath, [MAIN, ...args], { cwd, env: { ...plain, ...env } }, (error, out, err) => {
      resolve({ code: error ? Number(error.code ?? 1) : 0, out, err })
    })
    // A command that reads nothing may end before it is told anything.
    child.stdin?.on('error', () => {})
    if (input !== null) child.stdin?.end(input)
  })
}
