import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { calibratedRange } from '../../simulation/calibrated-range.ts'
import { closedLoop } from '../../simulation/serving/closed-loop.ts'
import type { ServingPoint } from '../../simulation/serving/point.ts'
import { type Asked, askedOf, type Fields, NEEDED_COLUMNS } from './columns.ts'
import { field, type Row, readTable, type Table } from './table.ts'

const APPENDED = ['predicted_ttft_ms', 'predicted_tpot_ms', 'calibrated'] as const
const MOST_BYTES = 256 * 2 ** 20
/** Digits that a prediction is told with: more would feign what it does not know. */
const DIGITS = 6

/**
 * Reads a table of serving points and appends what is predicted for each: mean time to first token, mean time per
 * output token, and whether the point lies in the calibrated range (`yes`, or why not; without numbers where the tables
 * lack something that a prediction needs).
 *
 * @returns the table, every byte of it kept, or a sentence that names the file with the line or column
 */
export async function predictFile(path: string): Promise<Buffer | { readonly fault: string }> {
  const bytes = await readBounded(path)
  if ('fault' in bytes) return bytes
  const table = readTable(bytes)
  if ('fault' in table) return { fault: `${basename(path)}: ${table.fault}` }
  const answer = predictTable(table)
  return typeof answer === 'string' ? Buffer.from(answer, 'latin1') : { fault: `${basename(path)}: ${answer.fault}` }
}

async function readBounded(path: string): Promise<Buffer | { readonly fault: string }> {
  try {
    const { size } = await stat(path)
    if (size > MOST_BYTES) return { fault: `${path}: it has ${size} bytes, and at most ${MOST_BYTES} are read` }
    return await readFile(path)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === undefined) throw error
    return { fault: `${path}: ${code === 'ENOENT' ? 'there is no such file' : message}` }
  }
}

/** @returns the table as Latin-1 text, or a sentence with the line or column */
export function predictTable(table: Table): string | { readonly fault: string } {
  const fault = columnFault(table.columns)
  if (fault !== null) return { fault }
  const parts = [table.header.text, ',', APPENDED.join(','), table.header.end]
  for (const row of table.rows) {
    const asked = askedOf(fieldsOf(table, row))
    if ('fault' in asked) return { fault: `line ${row.line}: ${asked.fault}` }
    parts.push(row.text, ',', appended(asked), row.end)
  }
  parts.push(table.tail)
  return parts.join('')
}

function columnFault(columns: readonly string[]): string | null {
  const missing = NEEDED_COLUMNS.filter(name => !columns.includes(name))
  if (missing.length > 0) return `line 1: the columns ${missing.join(', ')} are missing`
  const twice = columns.find((name, i) => columns.indexOf(name) !== i)
  if (twice !== undefined) return `line 1: the column ${JSON.stringify(twice)} is there twice`
  const taken = APPENDED.find(name => columns.includes(name))
  return taken === undefined ? null : `line 1: the column ${taken} is there already`
}

function fieldsOf({ columns }: Table, { fields }: Row): Fields {
  return Object.fromEntries(columns.map((name, i) => [name, fields[i]!]))
}

function appended(asked: Exclude<Asked, { fault: string }>): string {
  if ('lacking' in asked) return `,,${field(asked.lacking)}`
  const { point } = asked
  const prediction = closedLoop(point)
  if (prediction === null) return `,,${field(tooLarge(point))}`
  const { timeToFirstTokenMs, timePerOutputTokenMs } = prediction
  const calibrated = calibratedRange(point.shape, point) ?? 'yes'
  return [plain(timeToFirstTokenMs), plain(timePerOutputTokenMs), field(calibrated)].join(',')
}

function plain(milliseconds: number): string {
  return String(Number(milliseconds.toPrecision(DIGITS)))
}

function tooLarge({ shape, pipelineParallel }: ServingPoint): string {
  const count = shape.tensorParallel * shape.dataParallel * pipelineParallel
  return `${shape.model.name} does not fit into ${count} x ${shape.accelerator.name}`
}
