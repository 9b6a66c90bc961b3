import { type Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration } from '../units/time.ts'
import { FAILED, WRONG_USAGE } from './failure.ts'
import { withUrl } from './gateway.ts'
import { findGateway } from './whereabouts.ts'

interface Options {
  readonly url?: string
  readonly key?: string
  readonly model?: string
  readonly dialect: 'openai' | 'anthropic'
  readonly speed: number
  readonly limit?: number
  readonly seconds?: number
  readonly pace: 'recorded' | 'thinking'
  readonly inFlight?: number
  readonly maxTokens?: number
  readonly inputScale?: number
  readonly contextLimit?: number
  readonly ignoreEos?: boolean
  readonly salt?: number
  readonly seed: number
  readonly sessionsPerHour?: number
  readonly from?: number
  readonly lengths?: string
  readonly format: 'table' | 'json' | 'csv'
}

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

function duration(text: string): number {
  const value = parseDuration(text)
  if (value === null) throw new InvalidArgumentError('expected a duration such as 30m or 2h')
  return value
}

/** Adds `replay` to the commands. */
export function register(program: Command): void {
  withUrl(program.command('replay'))
    .argument('<trace>', 'a recorded trace, recognised by its content; packed with gzip or not')
    .description('play a recorded trace against a gateway, open loop')
    .addOption(new Option('--key <key>', 'a key of the gateway').env('PENSTOCK_KEY'))
    .option('--model <name>', 'ask for this model; needed where the trace names none')
    .addOption(new Option('--dialect <name>', 'how to ask').choices(['openai', 'anthropic']).default('openai'))
    .option('--speed <factor>', 'recorded seconds per second', positive, 1)
    .option('--limit <requests>', 'play only the first so many requests', positive)
    .option('--seconds <seconds>', 'play only the first so many recorded seconds', positive)
    .addOption(
      new Option('--pace <pace>', 'conversations go on at recorded times, or think after each answer')
        .choices(['recorded', 'thinking'])
        .default('recorded'),
    )
    .option('--in-flight <requests>', 'shed what exceeds so many at once (default: 1024)', positive)
    .option('--max-tokens <tokens>', 'ask for answers of at most so many tokens', positive)
    .option('--input-scale <factor>', 'times the recorded length of prompts', positive)
    .option('--context-limit <tokens>', 'cut prompts that the model does not take', positive)
    .option('--ignore-eos', 'ask engines to answer at the recorded length')
    .option('--salt <number>', 'other words, which a warm cache does not know: 0 to 255', whole)
    .option('--seed <number>', 'of what is drawn rather than recorded', whole, 1)
    .option('--sessions-per-hour <rate>', 'how often coding sessions begin (default: 60)', positive)
    .option('--from <duration>', "where in ServeGen's recorded time to begin", duration)
    .option('--lengths <file>', "ServeGen's lengths, when they are not beside its rates")
    .addOption(new Option('--format <format>', 'of the report').choices(['table', 'json', 'csv']).default('table'))
    .action((trace: string, options: Options) => play(trace, options))
}

async function play(path: string, options: Options): Promise<void> {
  const { loadTrace } = await import('../replay/load.ts')
  const { TraceError } = await import('../traces/trace.ts')
  const stop = new AbortController()
  // The first interrupt ends the replay with a report of what there is; the second ends the command.
  process.once('SIGINT', () => stop.abort())
  try {
    const trace = await loadTrace(path, {
      seed: options.seed,
      requests: options.limit,
      durationMs: options.seconds === undefined ? undefined : options.seconds * 1000,
      sessionsPerHour: options.sessionsPerHour,
      fromMs: options.from,
      lengthsPath: options.lengths,
    })
    for (const note of trace.notes) process.stderr.write(`${note}\n`)
    const report = await playWithProgress(trace, options, stop.signal)
    await print(report, trace, options.format)
    if (report.completed === 0) process.exitCode = FAILED
  } catch (error) {
    if (!(error instanceof TraceError || error instanceof RangeError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = WRONG_USAGE
  }
}

type Trace = import('../traces/trace.ts').Trace
type ReplayReport = import('../replay/report.ts').ReplayReport

async function playWithProgress(trace: Trace, options: Options, signal: AbortSignal): Promise<ReplayReport> {
  const [{ replay }, { onlyModel }, { SYSTEM_CLOCK }, { default: ora }] = await Promise.all([
    import('../replay/replay.ts'),
    import('../replay/target.ts'),
    import('../app/clock.ts'),
    import('ora'),
  ])
  const { url } = await findGateway(options)
  const key = options.key ?? null
  const nameless = options.model === undefined && trace.requests.some(({ model }) => model === null)
  const model = nameless ? await onlyModel(url, key) : (options.model ?? null)
  // Shows nothing where standard error is no terminal, or one that does not know its width: ora would count lines for ever.
  const isSilent = !process.stderr.isTTY || !process.stderr.columns
  const spinner = ora({ stream: process.stderr, isSilent, discardStdin: false }).start('starting')
  try {
    return await replay({
      trace,
      url,
      key,
      model,
      dialect: options.dialect,
      speed: options.speed,
      pace: options.pace,
      mostInFlight: options.inFlight,
      maxTokens: options.maxTokens,
      inputScale: options.inputScale,
      contextLimit: options.contextLimit,
      ignoreEos: options.ignoreEos,
      salt: options.salt,
      signal,
      clock: SYSTEM_CLOCK,
      onProgress({ completed, failed, shed, inFlight, requests, elapsedMs }) {
        const ended = completed + failed + shed
        spinner.text = `${ended} of ${requests}, ${inFlight} in flight, ${failed} failed, ${shed} shed, ${Math.round(elapsedMs / 1000)} s`
      },
    })
  } finally {
    spinner.stop()
  }
}

async function print(report: ReplayReport, trace: Trace, format: Options['format']): Promise<void> {
  if (format === 'json') {
    process.stdout.write(`${JSON.stringify(report, null, 2)}\n`)
    return
  }
  const { distributionLines, figureLines, reportCsv } = await import('../replay/lines.ts')
  if (format === 'csv') {
    process.stdout.write(reportCsv(report))
    return
  }
  const [{ default: Table }, { summarise }] = await Promise.all([import('cli-table3'), import('../traces/summary.ts')])
  const plain = { style: { head: [], border: [] } }
  const times = new Table({ ...plain, head: ['', 'p50', 'p90', 'p99'], colAligns: ['left', 'right', 'right', 'right'] })
  for (const line of distributionLines(report)) times.push([...line])
  const figures = new Table(plain)
  for (const line of figureLines(report, summarise(trace))) figures.push([...line])
  process.stdout.write(`${figures.toString()}\n${times.toString()}\n`)
}
