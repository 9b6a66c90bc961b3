import { type Command, Option } from 'commander'

export type Format = 'table' | 'json' | 'csv'

/** A flat row; what is not text or a number is shown as JSON. */
export type Row = Readonly<Record<string, unknown>>

export function withFormat(command: Command): Command {
  return command.addOption(
    new Option('--format <format>', 'of the output').choices(['table', 'json', 'csv']).default('table'),
  )
}

function cell(value: unknown): string {
  if (value === null || value === undefined) return ''
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** RFC 4180: quoted where a comma, a quote or a line end stands in it. */
export function csvField(value: unknown): string {
  const text = cell(value)
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

export function toCsv(columns: readonly string[], rows: readonly Row[]): string {
  const lines = [columns.map(csvField), ...rows.map(row => columns.map(column => csvField(row[column])))]
  return lines.map(line => `${line.join(',')}\n`).join('')
}

async function toTable(columns: readonly string[], rows: readonly Row[]): Promise<string> {
  const { default: Table } = await import('cli-table3')
  const numeric = columns.map(column => rows.length > 0 && rows.every(row => /^-?[\d.]*$/.test(cell(row[column]))))
  const table = new Table({
    head: [...columns],
    colAligns: numeric.map(isNumeric => (isNumeric ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  })
  for (const row of rows) table.push(columns.map(column => cell(row[column])))
  return `${table.toString()}\n`
}

/**
 * Writes rows to standard output in the format asked for.
 *
 * @param raw what the API said, word for word, for `json`
 */
export async function print(
  format: Format,
  raw: unknown,
  table: { readonly columns: readonly string[]; readonly rows: readonly Row[] },
): Promise<void> {
  const { columns, rows } = table
  if (format === 'json') process.stdout.write(`${JSON.stringify(raw, null, 2)}\n`)
  else if (format === 'csv') process.stdout.write(toCsv(columns, rows))
  else process.stdout.write(await toTable(columns, rows))
}

/** Writes several tables with a line above each. Columns without a value are left out, and tables without rows. */
export async function printTables(
  tables: readonly { readonly title: string; readonly columns: readonly string[]; readonly rows: readonly Row[] }[],
): Promise<void> {
  const texts: string[] = []
  for (const { title, columns, rows } of tables) {
    if (rows.length === 0) continue
    const told = columns.filter(column => rows.some(row => cell(row[column]) !== ''))
    texts.push(`${title}\n${await toTable(told, rows)}`)
  }
  process.stdout.write(texts.join('\n'))
}
