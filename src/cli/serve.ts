import type { Command } from 'commander'

interface Options {
  readonly config?: string
  readonly data?: string
  readonly faults?: string
  readonly listen?: string
}

/** Adds `serve` to the commands. */
export function register(program: Command): void {
  program
    .command('serve')
    .description('run the gateway')
    .option('--config <file>', 'the configuration (default: PENSTOCK_CONFIG, else penstock.yaml, else what is found)')
    .option('--data <dir>', 'where the ledger and the admin token are kept (default: ./penstock-data)')
    .option('--listen <host:port>', 'where to listen; port 0 picks a free one (default: 127.0.0.1:4000)')
    .option('--faults <file>', 'a plan by which upstreams fail on purpose, to rehearse an outage')
    .action(async ({ config, data, faults, listen }: Options) => {
      const { serve } = await import('../app/serve.ts')
      process.exitCode = await serve({
        configPath: config ?? null,
        faultsPath: faults ?? null,
        dataDirectory: data ?? null,
        listen: listen ?? null,
        env: process.env,
        workingDirectory: process.cwd(),
        print: line => process.stdout.write(`${line}\n`),
        note: sentence => process.stderr.write(`${sentence}\n`),
      })
    })
}
