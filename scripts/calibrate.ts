import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { errorsOf, type RowErrors } from './calibrate/errors.ts'
import { fitCoefficients } from './calibrate/fit.ts'
import { requestTable } from './calibrate/requests.ts'
import { readMeasured } from './calibrate/rows.ts'
import { heldOut, SPLITS } from './calibrate/splits.ts'
import { errorTable, fittedSource, replaceMarked } from './calibrate/write.ts'

// Fits the step-time model to measured serving points: `npm run calibrate`, optionally with the file that has them.
// Writes src/simulation/fitted.ts and the tables of decisions/0012-calibration.md.

const AT = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const POINTS = AT('../../shared/data/twin/inferencex/agg_calibration.csv')
const REQUESTS = AT('../../shared/data/twin/llmservingsim/vllm_requests_calibration.csv')
const FITTED = AT('../src/simulation/fitted.ts')
const RECORD = AT('../decisions/0012-calibration.md')

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

function main(path: string): void {
  const rows = readMeasured(path)
  tell(`fitting ${rows.length} rows`)
  const coefficients = fitCoefficients(rows)
  const columns = [
    { name: 'fitted on all', errors: errorsOf(rows, coefficients) },
    ...SPLITS.map(split => {
      tell(split.name)
      return { name: split.name, errors: heldOut(rows, split, tell) }
    }),
  ]
  const table = (what: string, pick: (errors: RowErrors) => number) => `${what}:\n\n${errorTable(columns, pick)}\n`
  writeFileSync(FITTED, fittedSource(coefficients, rows))
  const tables = [
    table('Time per output token', ({ outputToken }) => outputToken),
    table('Time to first token', ({ firstToken }) => firstToken),
    `Recorded requests on the simulated engine, step by step:\n\n${requestTable(REQUESTS, coefficients)}\n`,
  ].join('\n')
  writeFileSync(RECORD, replaceMarked(readFileSync(RECORD, 'utf8'), tables))
  process.stdout.write(`${tables}\n`)
}

try {
  main(process.argv[2] ?? POINTS)
} catch (error) {
  tell((error as Error).message)
  process.exitCode = 1
}
