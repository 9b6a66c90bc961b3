import type { Command } from 'commander'
import { CommandFailure, WRONG_USAGE } from './failure.ts'

/** Adds `check` to the commands. */
export function register(program: Command): void {
  program
    .command('check')
    .description('name every fault of a configuration, with its path and line')
    .option('--config <file>', 'the configuration (default: PENSTOCK_CONFIG, else penstock.yaml)')
    .action(async ({ config }: { readonly config?: string }) => {
      const { findConfigurationFile } = await import('../app/configuration/file.ts')
      const { loadConfiguration } = await import('../app/configuration/load.ts')
      const { formatFaults } = await import('../app/configuration/fault.ts')
      const path = findConfigurationFile({ asked: config, env: process.env, workingDirectory: process.cwd() })
      if (path === null) throw new CommandFailure('there is no penstock.yaml here: name one with --config', WRONG_USAGE)
      const loaded = loadConfiguration({ path, env: process.env })
      if (loaded.faults !== undefined) throw new CommandFailure(formatFaults(loaded.faults), WRONG_USAGE)
      if (loaded.warnings.length > 0) process.stderr.write(`${formatFaults(loaded.warnings)}\n`)
      const { models, upstreams, keys, limits, plans } = loaded.configuration
      const counted = `${models.length} models, ${upstreams.length} upstreams, ${keys.length} keys`
      process.stdout.write(`${path}: ${counted}, ${limits.length} limits, ${plans.length} plans: no fault\n`)
    })
}
