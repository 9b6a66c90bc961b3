import { Command, CommanderError } from 'commander'
import { CommandFailure, DONE, FAILED, WRONG_USAGE } from './failure.ts'

/** Where each command lives; only the one that is asked for is loaded, so that starting the gateway stays quick. */
const COMMANDS: Readonly<Record<string, () => Promise<{ register(program: Command): void }>>> = {
  serve: () => import('./serve.ts'),
  check: () => import('./check.ts'),
  key: () => import('./key.ts'),
  usage: () => import('./usage.ts'),
  receipt: () => import('./receipt.ts'),
  replay: () => import('./replay.ts'),
}

/**
 * Runs one command.
 *
 * @param args without the names of the runtime and the script
 * @returns the exit status: 0 done, 1 failed, 2 wrong usage or configuration
 */
export async function run(args: readonly string[]): Promise<number> {
  const program = new Command('penstock')
    .description('The AI production layer: one metered, durable path from applications to models.')
    .exitOverride()
    .showHelpAfterError('(--help lists what there is)')
  const asked = COMMANDS[args[0] ?? '']
  const loaded = asked ? [asked] : Object.values(COMMANDS)
  for (const load of loaded) (await load()).register(program)
  for (const command of program.commands) override(command)
  try {
    await program.parseAsync([...args], { from: 'user' })
    return typeof process.exitCode === 'number' ? process.exitCode : DONE
  } catch (error) {
    return statusOf(error)
  }
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
