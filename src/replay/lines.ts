import type { TraceSummary } from '../traces/summary.ts'
import type { ReplayReport, Spread } from './report.ts'

/** One figure of a report, as people read it: what it is, and its values. */
export type ReportLine = readonly [name: string, ...values: readonly string[]]

/** Letters of a failure's message that a table shows; JSON has all of it. */
const MOST_MESSAGE = 80

const WHOLE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 })
const FINE = new Intl.NumberFormat('en-US', { maximumFractionDigits: 1, minimumFractionDigits: 1 })

function milliseconds(value: number): string {
  if (value >= 10_000) return `${FINE.format(value / 1000)} s`
  return `${value >= 100 ? WHOLE.format(value) : FINE.format(value)} ms`
}

function shortened(message: string): string {
  return message.length > MOST_MESSAGE ? `${message.slice(0, MOST_MESSAGE)}…` : message
}

function percent(share: number | null): string {
  return share === null ? 'unknown' : `${FINE.format(100 * share)} %`
}

function spreadLine(name: string, spread: Spread | null): ReportLine {
  if (!spread) return [name, 'none', '', '']
  return [name, milliseconds(spread.p50), milliseconds(spread.p90), milliseconds(spread.p99)]
}

/** The lines of a report's table: distributions under the heads p50, p90 and p99. */
export function distributionLines(report: ReplayReport): readonly ReportLine[] {
  return [
    spreadLine('time to first token', report.timeToFirstTokenMs),
    spreadLine('time per output token', report.timePerOutputTokenMs),
    spreadLine('end to end', report.endToEndMs),
    spreadLine('lateness of this generator', report.latenessMs),
  ]
}

/** The lines of a report's table: counts, rates and sums. */
export function figureLines(report: ReplayReport, summary: TraceSummary): readonly ReportLine[] {
  const some = (name: string, count: number): readonly ReportLine[] => (count > 0 ? [[name, WHOLE.format(count)]] : [])
  return [
    ['requests', WHOLE.format(report.requests)],
    ['completed', WHOLE.format(report.completed)],
    ...some('failed', report.failed),
    ...Object.entries(report.failures).map(
      ([why, count]): ReportLine => [`  ${why}`, `${WHOLE.format(count)}: ${shortened(report.messages[why] ?? '')}`],
    ),
    ...some('shed', report.shed),
    ...some('unsent', report.unsent),
    ...some('shortened', report.shortened),
    ['duration', `${FINE.format(report.durationMs / 1000)} s`],
    ['most in flight', WHOLE.format(report.mostInFlight)],
    ['input tokens', `${WHOLE.format(report.inputTokens)} (${WHOLE.format(report.inputTokensPerSecond)} a second)`],
    ['output tokens', `${WHOLE.format(report.outputTokens)} (${WHOLE.format(report.outputTokensPerSecond)} a second)`],
    ['cached share of input', percent(report.cachedShare)],
    ['  reusable in the trace', percent(summary.reusableShare)],
    ['dollars', report.dollars ?? 'unknown'],
    ...some('  calls without a price', report.unrated),
  ]
}

function flatten(value: object, prefix: string): [string, string][] {
  return Object.entries(value).flatMap(([name, inner]): [string, string][] =>
    typeof inner === 'object' && inner !== null
      ? flatten(inner, `${prefix}${name}.`)
      : [[`${prefix}${name}`, inner === null ? '' : String(inner)]],
  )
}

function csvCell(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

/** A report as CSV: one row under the names of its figures. Reasons of failure are columns of their own. */
export function reportCsv(report: ReplayReport): string {
  const { messages: _, ...figures } = report
  const cells = flatten(figures, '')
  return `${cells.map(([name]) => csvCell(name)).join(',')}\n${cells.map(([, value]) => csvCell(value)).join(',')}\n`
}
