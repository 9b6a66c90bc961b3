import { existsSync, readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

/** Texts of one kind, each as long as one prompt is. */
export interface Corpus {
  readonly name: string
  readonly texts: readonly string[]
}

export const DATA = new URL('../../../shared/data/', import.meta.url)
/** Longer texts are cut: what they hold is the same all the way, and tokenizers are slow. */
const MOST_CHARACTERS = 12_000

/** Why there is nothing recorded to measure; null when there is. */
export function recordedIsMissing(): string | null {
  if (existsSync(new URL('bulk/', DATA)) && existsSync(new URL('routing/', DATA))) return null
  return `there is no recorded text to measure: expected the folders bulk and routing in ${DATA.pathname}`
}

function rowsOf(path: string): readonly Record<string, unknown>[] {
  const bytes = readFileSync(new URL(path, DATA))
  const text = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString()
  return text
    .trim()
    .split('\n')
    .map(line => JSON.parse(line) as Record<string, unknown>)
    .filter(row => row.header === undefined)
}

/** At most so many of the rows, spread over all of them. */
function spread<Row>(rows: readonly Row[], most: number): readonly Row[] {
  const step = Math.max(1, rows.length / most)
  return Array.from({ length: Math.min(most, rows.length) }, (_, i) => rows[Math.floor(i * step)]!)
}

function texts(path: string, field: string, most: number): readonly string[] {
  return spread(rowsOf(path), most).map(row => String(row[field]).slice(0, MOST_CHARACTERS))
}

/** Rows of a CSV file with quoted fields, each as one text: as bulk jobs send them. */
function tableRows(path: string): readonly string[] {
  const table = readFileSync(new URL(path, DATA), 'utf8')
  const rows: string[] = []
  let quoted = false
  let from = table.indexOf('\n') + 1
  for (let at = from; at < table.length; at++) {
    if (table[at] === '"') quoted = !quoted
    if (table[at] !== '\n' || quoted) continue
    rows.push(table.slice(from, at).slice(0, MOST_CHARACTERS))
    from = at + 1
  }
  return rows
}

/** What others wrote, read where it lies; the recorded traces hold counts of tokens and no text. */
export function recordedCorpora(): readonly Corpus[] {
  const tables = ['movies', 'posts', 'pdmx', 'beer'].map(name => `bulk/relational-llm/${name}_sampled_labelled.csv`)
  tables.push('bulk/relational-llm/products_sampled_labelled.csv')
  const tools = spread(rowsOf('routing/bfcl_2024-08-11.jsonl.gz'), 600)
  const answers = 'routing/mmlu_pro_outputs_gpt-4o-2024-05-13.jsonl.gz'
  return [
    { name: 'GSM8K questions', texts: texts('bulk/gsm8k/test.jsonl', 'question', 800) },
    { name: 'GSM8K answers', texts: texts('bulk/gsm8k/test.jsonl', 'answer', 800) },
    { name: 'mail', texts: texts('bulk/spam-assassin/mail.jsonl', 'body', 1_500) },
    { name: 'rows of tables', texts: tables.flatMap(tableRows) },
    { name: 'MMLU and MT-Bench', texts: texts('routing/routellm.jsonl.gz', 'prompt', 1_500) },
    { name: 'MMLU-Pro', texts: texts('routing/mmlu_pro.jsonl.gz', 'prompt', 1_500) },
    { name: 'answers to MMLU-Pro', texts: texts(answers, 'output', 1_000) },
    { name: 'schemas of tools', texts: tools.map(row => JSON.stringify(row.functions)) },
    { name: 'calls of tools', texts: texts('routing/bfcl_raw_results.jsonl.gz', 'result', 800) },
  ]
}
