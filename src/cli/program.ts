import { Command, CommanderError } from 'commander'
import { CommandFailure, DONE, FAILED, WRONG_USAGE } from './failure.ts'

/** Where each command lives; only the one that is asked for is loaded, so that starting the gateway stays quick. */
const COMMANDS: Readonly<Record<string, () => Promise<{ register(program: Command): void }>>> = {
  serve: () => import('./serve.ts'),
  check: () => import('./check.ts'),
  key: () => import('./key.ts'),
  usage: () => import('./usage.ts'),
  receipt: () => import('./receipt.ts'),
  limits: () => import('./limits.ts'),
  plans: () => import('./plans.ts'),
  fleet: () => import('./fleet.ts'),
  'status-line': () => import('./statusLine.ts'),
  replay: () => import('./replay.ts'),
  predict: () => import('./predict.ts'),
  foresee: () => import('./foresee.ts'),
}

/** First words at which the version is worth reading; help lists its flag. */
const ASKS_FOR_VERSION = new Set(['-V', '--version', '-h', '--help', 'help', ''])

/**
 * Runs one command.
 *
 * @param args without the names of the runtime and the script
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage or configuration
 */
export async function run(args: readonly string[]): Promise<number> {
  const asked = args[0] ?? ''
  const program = new Command('penstock')
    .description('The AI production layer: one metered, durable path from applications to models.')
    .exitOverride()
    // An option that stands behind a command's name is that command's.
    .enablePositionalOptions()
    .showHelpAfterError('(--help lists what there is)')
  if (ASKS_FOR_VERSION.has(asked)) program.version(await version(), '-V, --version')
  const loaded = Object.hasOwn(COMMANDS, asked) ? [COMMANDS[asked]!] : Object.values(COMMANDS)
  for (const load of loaded) (await load()).register(program)
  for (const command of program.commands) override(command)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : DONE
  } catch (error) {
    return statusOf(error)
  }
}

/** Read only when it is asked for. */
async function version(): Promise<string> {
  const { readFile } = await import('node:fs/promises')
  const described = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'))
  return (described as { version: string }).version
}

/** A command's own errors end it with a status instead of the process. */
function override(command: Command): void {
  command.exitOverride()
  for (const child of command.commands) override(child)
}

function statusOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : WRONG_USAGE
  if (error instanceof CommandFailure) {
    process.stderr.write(`${error.message}\n`)
    return error.status
  }
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`)
  return FAILED
}
