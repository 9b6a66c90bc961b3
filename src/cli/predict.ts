import type { Command } from 'commander'
import { CommandFailure, WRONG_USAGE } from './failure.ts'

/** Adds `predict` to the commands. */
export function register(program: Command): void {
  program
    .command('predict')
    .argument('<points>', 'comma-separated serving points: engine, model, accelerator, lengths, concurrency …')
    .description('append predicted times to first token and per output token, and whether they are calibrated')
    .action(async (path: string) => {
      const { predictFile } = await import('../app/predict/predict.ts')
      const predicted = await predictFile(path)
      if ('fault' in predicted) throw new CommandFailure(predicted.fault, WRONG_USAGE)
      process.stdout.write(predicted)
    })
}
