import type { Line } from './lines.ts'
import { inOrderOfTime, type Trace, TraceError, type TraceRequest } from './trace.ts'

const HEADER = 'TIMESTAMP,ContextTokens,GeneratedTokens'
const ROW = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d(?:\.\d{1,9})?)(?:\+00:00)?,(\d{1,9}),(\d{1,9})$/
const MS_PER_DAY = 86_400_000

/** Whether a first line is the header of Azure's traces. */
export function isAzure(firstLine: string): boolean {
  return firstLine === HEADER
}

/** Days since 1970-01-01 in the Gregorian calendar. The year begins in March, so that a leap day is its last. */
function dayNumber(year: number, month: number, day: number): number {
  const years = month > 2 ? year : year - 1
  const monthFromMarch = (month + 9) % 12
  const leapDays = Math.floor(years / 4) - Math.floor(years / 100) + Math.floor(years / 400)
  return 365 * years + leapDays + Math.floor((153 * monthFromMarch + 2) / 5) + day - 719_469
}

interface Row {
  readonly sentMs: number
  readonly inputTokens: number
  readonly outputTokens: number
}

function readRow({ number, text }: Line): Row {
  const found = ROW.exec(text)
  if (!found) {
    throw new TraceError(
      number,
      `expected \`${HEADER}\` such as \`2023-11-16 18:15:46.6805900,374,44\`, found \`${text.slice(0, 60)}\``,
    )
  }
  const [year, month, day, hours, minutes, seconds, inputTokens, outputTokens] = found.slice(1).map(Number)
  return {
    sentMs: dayNumber(year!, month!, day!) * MS_PER_DAY + hours! * 3_600_000 + minutes! * 60_000 + seconds! * 1000,
    inputTokens: inputTokens!,
    outputTokens: outputTokens!,
  }
}

/**
 * Reads a trace of Azure's: rows of a wall-clock time, tokens of context and tokens generated; no prefixes, no tenants.
 *
 * Source: AzureLLMInferenceTrace_code.csv and _conv.csv of Azure/AzurePublicDataset (Splitwise, ISCA 2024).
 */
export function readAzure(lines: Iterable<Line>): Trace {
  const rows: Row[] = []
  for (const line of lines) if (!isAzure(line.text)) rows.push(readRow(line))
  const firstMs = rows.reduce((earliest, row) => Math.min(earliest, row.sentMs), Number.POSITIVE_INFINITY)
  const requests = rows.map(
    ({ sentMs, inputTokens, outputTokens }): TraceRequest => ({
      atMs: sentMs - firstMs,
      model: null,
      inputTokens,
      outputTokens,
      blocks: null,
      tenant: null,
      session: null,
      follows: null,
    }),
  )
  return { format: 'azure', requests: inOrderOfTime(requests), blockTokens: null, blockIds: 0, notes: [] }
}
