import { CsvError, parse } from 'csv-parse/sync'

/** A comma-separated table, with every byte of it kept. */
export interface Table {
  /** Names of the columns, in their order. */
  readonly columns: readonly string[]
  readonly header: Line
  readonly rows: readonly Row[]
  /** Empty lines at the end. */
  readonly tail: string
}

/** A line as it stands in the file, cut before its end. Bytes are kept as the characters of Latin-1. */
interface Line {
  readonly text: string
  /** `\n`, `\r\n`, or nothing at the end of the file. */
  readonly end: string
}

export interface Row extends Line {
  /** From 1; of its last line where a quoted field has several. */
  readonly line: number
  readonly fields: readonly string[]
}

interface Parsed {
  readonly record: readonly string[]
  readonly info: { readonly bytes: number; readonly lines: number }
}

const BYTE_ORDER_MARK = '\u00ef\u00bb\u00bf'

/**
 * Reads comma-separated values (RFC 4180), with either kind of line ends. Empty lines are kept before the line that
 * follows them.
 *
 * @returns a sentence with the line when it is no table
 */
export function readTable(bytes: Buffer): Table | { readonly fault: string } {
  let parsed: unknown
  try {
    parsed = parse(bytes, { encoding: 'latin1', info: true, relax_column_count: true, skip_empty_lines: true })
  } catch (error) {
    if (error instanceof CsvError) return { fault: `line ${error.lines}: ${faultOf(error.code)}` }
    throw error
  }
  const [first, ...others] = parsed as readonly Parsed[]
  if (first === undefined) return { fault: 'it is empty, and a header with the names of columns was expected' }
  const content = bytes.toString('latin1')
  const columns = [...first.record]
  if (columns[0]?.startsWith(BYTE_ORDER_MARK)) columns[0] = columns[0].slice(BYTE_ORDER_MARK.length)
  const rows: Row[] = []
  let begin = first.info.bytes
  for (const { record, info } of others) {
    if (record.length !== columns.length) {
      return { fault: `line ${info.lines}: it has ${record.length} fields, and the header has ${columns.length}` }
    }
    rows.push({ ...lineOf(content.slice(begin, info.bytes)), line: info.lines, fields: record })
    begin = info.bytes
  }
  return { columns, header: lineOf(content.slice(0, first.info.bytes)), rows, tail: content.slice(begin) }
}

function lineOf(text: string): Line {
  const end = /\r?\n?$/.exec(text)![0]
  return { text: text.slice(0, text.length - end.length), end }
}

function faultOf(code: string): string {
  if (code === 'CSV_QUOTE_NOT_CLOSED') return 'a quote is never closed'
  if (code === 'INVALID_OPENING_QUOTE') return 'a quote stands in the middle of a field without quotes'
  return 'it is no comma-separated line'
}

/** A field of an answer: quoted where a comma, a quote or a line end stands in it. */
export function field(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value
}
