import { type Command, InvalidArgumentError, Option } from 'commander'
import { POLICIES } from '../twin/twin.ts'
import { parseDuration } from '../units/time.ts'
import { CommandFailure, WRONG_USAGE } from './failure.ts'
import { FORMATS, type ForeseeOptions, parseDraw, parseSweep } from './foreseeOptions.ts'

function positive(text: string): number {
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('expected a number above 0')
  return value
}

function whole(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('expected a whole number')
  return value
}

function count(text: string): number {
  const value = whole(text)
  if (value === 0) throw new InvalidArgumentError('expected a whole number above 0')
  return value
}

function duration(text: string): number {
  const value = parseDuration(text)
  if (value === null) throw new InvalidArgumentError('expected a duration such as 30m or 2h')
  return value
}

function policies(text: string): readonly string[] {
  const names = [...new Set(text.split(',').map(name => name.trim()))]
  const unknown = names.find(name => !POLICIES.some(known => known === name))
  if (unknown === undefined) return names
  throw new InvalidArgumentError(`${JSON.stringify(unknown)} is none: expected some of ${POLICIES.join(', ')}`)
}

/** Turns the sentence of a parser into commander's own error. */
function read<T>(parse: (text: string) => T | string): (text: string) => T {
  return text => {
    const value = parse(text)
    if (typeof value === 'string') throw new InvalidArgumentError(value)
    return value
  }
}

/** Adds `foresee` to the commands. */
export function register(program: Command): void {
  program
    .command('foresee')
    .argument('<trace>', 'a recorded trace, recognised by its content; packed with gzip or not')
    .description('play a recorded trace on a virtual clock against modelled engines')
    .requiredOption('--fleet <file>', 'upstreams and models as a configuration has them, and targets')
    .option('--seed <number>', 'of what is drawn; the same seed gives the same bytes', whole, 1)
    .option('--policy <names>', `who chooses replicas, a row each: ${POLICIES.join(', ')}`, policies, ['penstock'])
    .option(
      '--sweep <range>',
      'a row each: UPSTREAM.replicas=2..16, replicas=1,2,4 or speed=1,2,4',
      read(parseSweep),
      null,
    )
    .option('--speed <factor>', 'recorded seconds per virtual second', positive, 1)
    .option('--requests <number>', 'play only the first so many requests', count)
    .option('--duration <duration>', 'play only so much of the recorded time', duration)
    .option('--model <name>', 'every request is for this model of the fleet')
    .option('--tiers <shares>', 'draw the tier of each conversation: interactive=3,batch=1', read(parseDraw))
    .option('--tenants <shares>', 'draw whom each conversation comes from: team:search=4,team:ads=1', read(parseDraw))
    .option('--sessions-per-hour <rate>', 'how often coding sessions begin (default: 60)', positive)
    .option('--from <duration>', "where in ServeGen's recorded time to begin", duration)
    .option('--lengths <file>', "ServeGen's lengths, when they are not beside its rates")
    .addOption(new Option('--format <format>', 'of the report').choices(FORMATS).default('table'))
    .option('--output <file>', 'write the report there instead of to standard output')
    .option('--progress', 'tell how far it is, though standard error is no terminal')
    .action((trace: string, options: ForeseeOptions) => foresee(trace, options))
}

async function foresee(path: string, options: ForeseeOptions): Promise<void> {
  const [{ prepare, rehearse }, { render }, { TraceError }, { UnservedModel }] = await Promise.all([
    import('./foreseeRuns.ts'),
    import('./foreseeView.ts'),
    import('../traces/trace.ts'),
    import('../twin/traffic.ts'),
  ])
  try {
    const plan = await prepare(path, options, process.env)
    for (const note of plan.trace.notes) process.stderr.write(`${note}\n`)
    const rows = await rehearse(plan, options)
    await write(await render(options.format, { plan, rows, options, path }), options.output)
  } catch (error) {
    if (error instanceof UnservedModel) throw new CommandFailure(`${path}: ${error.message}`, WRONG_USAGE)
    if (!(error instanceof TraceError || error instanceof RangeError)) throw error
    throw new CommandFailure(error.message, WRONG_USAGE)
  }
}

async function write(text: string, file: string | undefined): Promise<void> {
  if (file === undefined) {
    process.stdout.write(text)
    return
  }
  const { writeFile } = await import('node:fs/promises')
  try {
    await writeFile(file, text)
  } catch (error) {
    throw new CommandFailure(`${file}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
