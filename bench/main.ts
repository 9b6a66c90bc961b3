import { join } from 'node:path'
import { commit, keep, machine, writeReport } from './keep.ts'
import { runMicro } from './measures/micro.ts'
import { type Options, readOptions } from './options.ts'
import { freePort, LOAD_CORE, startPinned } from './process.ts'
import { report } from './report.ts'
import { Bench } from './run.ts'
import { answers, call } from './subject.ts'
import { plainBody } from './traffic.ts'
import { compiled, discard, program, scratch } from './workshop.ts'

const say = (line: string): void => void process.stderr.write(`${line}\n`)

let options: Options
try {
  options = readOptions(process.argv.slice(2))
} catch (error) {
  say(error instanceof Error ? error.message : String(error))
  process.exit(2)
}

if (options.reportOnly) {
  process.stdout.write(writeReport())
} else {
  await bench(options)
}

async function bench(options: Options): Promise<void> {
  const begun = performance.now()
  program('wrk', 'wrk')
  compiled('streams')
  const port = await freePort()
  const directory = scratch('upstream')
  const upstream = startPinned({ argv: [compiled('upstream'), String(port)] }, LOAD_CORE, join(directory, 'output.log'))
  try {
    await answers(upstream, () => call({ port, headers: {} }, plainBody(options.dialect)))
    const work = new Bench(options, port, say)
    await work.run()
    const micro = options.measures.has('micro') ? runMicro() : []
    const { subjects, measures, ...lengths } = options
    const result = {
      at: new Date().toISOString(),
      ...commit(),
      machine: machine(),
      options: { ...lengths, subjects: subjects.map(({ name }) => name), measures: [...measures] },
      whole: options.whole,
      seconds: (performance.now() - begun) / 1000,
      subjects: work.states(),
      measurements: work.measurements,
      micro,
    }
    say(`kept in ${keep(result)}`)
    process.stdout.write(report(result))
  } finally {
    await upstream.stop()
    discard(directory)
  }
}
