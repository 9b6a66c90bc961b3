import type { Configuration } from './configuration/configuration.ts'
import { curlLine, ensureFirstKey } from './discovery/firstKey.ts'
import { openGateway, type Running } from './running.ts'
import { type ServeOptions, settle } from './settings.ts'
import { untilStopped } from './signals.ts'

/**
 * Runs the gateway until a signal stops it.
 *
 * @returns the exit status: 0 stopped as asked, 1 failed, 2 wrong configuration
 */
export async function serve(options: ServeOptions): Promise<number> {
  const settled = await settle(options)
  if ('faults' in settled) {
    options.note(settled.faults)
    return 2
  }
  for (const note of settled.notes) options.note(note)
  const stopped = untilStopped()
  let running: Running
  try {
    running = await openGateway(settled.configuration, { ...options, faultPlan: settled.faultPlan })
  } catch (error) {
    // A directory that can't be written, a port that is taken: a sentence for the user, not a stack.
    options.note(`the gateway did not start: ${(error as Error).message}`)
    return 1
  }
  if (settled.configuration.source === 'embedded') await printFirstCall(settled.configuration, running, options)
  options.print(`listening on ${running.url}`)
  await stopped
  await running.stop()
  return 0
}

async function printFirstCall(configuration: Configuration, running: Running, options: ServeOptions): Promise<void> {
  const { dataDirectory, models } = configuration
  const { secret } = await ensureFirstKey({ dataDirectory, registry: running.registry, note: options.note })
  options.print('try it:')
  options.print(`  ${curlLine({ url: running.url, secret, model: models[0]!.name })}`)
}
