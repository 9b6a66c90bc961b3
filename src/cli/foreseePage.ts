import { basename } from 'node:path'
import type { EChartsCoreOption } from 'echarts/core'
import { type Drawing, openCharts } from './charts.ts'
import { nameOf, type Row } from './foreseeRuns.ts'
import { comparisonOf, type Foreseen, figureLines, serviceLines } from './foreseeTables.ts'

/** Lines that one plot can hold and still be read. */
const MOST_LINES = 12
const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:72rem;margin:2rem auto;padding:0 1rem;color:#1f2933}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.5rem}table{border-collapse:collapse;margin:1rem 0;font-size:13px}
td,th{padding:.25rem .6rem;border-bottom:1px solid #d9dee4;text-align:right}td:first-child,th:first-child{text-align:left}
figure{margin:1rem 0}figcaption{font-weight:600}svg{max-width:100%;height:auto}.wide{overflow-x:auto}`

/** A report as one file that needs nothing else: figures, and plots as SVG. */
export async function pageOf(foreseen: Foreseen): Promise<string> {
  const { plan, rows, options, path } = foreseen
  const draw = await openCharts()
  const title = `Rehearsal of ${basename(path)} on ${basename(options.fleet)}`
  return [
    '<!doctype html><html lang="en"><head><meta charset="utf-8">',
    '<meta name="viewport" content="width=device-width,initial-scale=1">',
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escaped(title)}</h1>`,
    setting(foreseen),
    ...plan.trace.notes.map(note => `<p>${escaped(note)}</p>`),
    rows.length > 1 ? `<h2>Compared</h2>${comparisonTable(foreseen)}${sweepPlots(rows, draw)}` : '',
    `<h2>Distributions</h2>${distributions(foreseen, draw)}`,
    ...rows.map(run),
    '</body></html>\n',
  ].join('\n')
}

function setting({ plan, options, rows }: Foreseen): string {
  const { targets } = plan.fleet
  const { variant } = rows[0]!
  const fleet = plan.fleet.fleet(variant.upstream === null ? {} : { [variant.upstream]: variant.varied!.value })
  const upstreams = fleet.upstreams.map(({ name, replicas, engine, contextTokens }) => {
    const { model, accelerator, tensorParallel } = engine.costs.shape
    const count = variant.upstream === name ? 'as many as said' : String(replicas)
    const context = Number.isFinite(contextTokens) ? String(contextTokens) : 'no bound'
    const blocks = Number.isFinite(engine.kvBlocks) ? String(engine.kvBlocks) : 'no bound'
    return [name, model.name, `${tensorParallel} × ${accelerator.name}`, count, context, blocks]
  })
  return [
    `<p>Targets: first token within ${targets.timeToFirstTokenMs} ms, ${targets.timePerOutputTokenMs} ms for each output token. `,
    `Seed ${options.seed}. Recorded time passes ${variant.varied?.name === 'speed' ? 'as fast as said' : `${options.speed} times as fast`}.</p>`,
    table(['upstream', 'model', 'a replica', 'replicas', 'context tokens', 'KV blocks'], upstreams),
  ].join('')
}

function comparisonTable(foreseen: Foreseen): string {
  const { head, lines } = comparisonOf(foreseen)
  return table(head, lines)
}

function run(row: Row): string {
  const { report, variant } = row
  const head = ['', 'requests', 'completed', 'TTFT p50', 'p90', 'p99', 'TPOT p50', 'p90', 'p99', 'goodput/s', 'cached']
  return `<h2>${escaped(nameOf(variant))}</h2>${table([], figureLines(report))}${table(head, serviceLines(report))}`
}

function table(head: readonly string[], lines: readonly (readonly string[])[]): string {
  const cells = (tag: string, line: readonly string[]) =>
    `<tr>${line.map(cell => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  const top = head.length > 0 ? cells('th', head) : ''
  return `<div class="wide"><table>${top}${lines.map(line => cells('td', line)).join('')}</table></div>`
}

function plot(caption: string, svg: string): string {
  return `<figure><figcaption>${escaped(caption)}</figcaption>${svg}</figure>`
}

/** How figures change over what is varied, a line for each policy. */
function sweepPlots(rows: readonly Row[], draw: Drawing): string {
  const varied = rows[0]!.variant.varied
  if (varied === null) return ''
  const policies = [...new Set(rows.map(({ variant }) => variant.policy))]
  const chart = (caption: string, figureOf: (row: Row) => number | null, logarithmic: boolean) => {
    const series = policies.map(policy => {
      const own = rows.filter(({ variant }) => variant.policy === policy)
      return { name: policy, points: own.map(row => [row.variant.varied!.value, figureOf(row)] as const) }
    })
    return plot(caption, draw(lines({ x: varied.name, y: '', logarithmic, series, target: null })))
  }
  return [
    chart('Goodput, requests a second', ({ report }) => report.goodputPerSecond, false),
    chart('Time to first token, p99, ms', ({ report }) => report.timeToFirstTokenMs.p99, true),
    chart('Utilisation', ({ report }) => report.utilisation, false),
    chart('Cached share of input', ({ report }) => report.cachedShare, false),
  ].join('')
}

function distributions({ rows, plan }: Foreseen, draw: Drawing): string {
  const shown = rows.slice(0, MOST_LINES)
  const { timeToFirstTokenMs, timePerOutputTokenMs } = plan.fleet.targets
  const percentiles = (of: (row: Row) => readonly number[]) =>
    shown.map(row => ({ name: nameOf(row.variant), points: of(row).map((value, i) => [i + 1, value] as const) }))
  const chart = (caption: string, of: (row: Row) => readonly number[], target: number) =>
    plot(caption, draw(lines({ x: 'percentile', y: 'ms', logarithmic: true, series: percentiles(of), target })))
  const [first] = shown
  const overTime = [
    {
      name: 'sent',
      points: first!.curves.slices.map(({ atMs, arrivalsPerSecond }) => [atMs / 1000, arrivalsPerSecond] as const),
    },
    ...shown.map(({ variant, curves }) => ({
      name: nameOf(variant),
      points: curves.slices.map(({ atMs, goodPerSecond }) => [atMs / 1000, goodPerSecond] as const),
    })),
  ]
  return [
    chart('Time to first token', ({ curves }) => curves.timeToFirstTokenMs, timeToFirstTokenMs),
    chart('Time per output token', ({ curves }) => curves.timePerOutputTokenMs, timePerOutputTokenMs),
    plot(
      'Requests a second by when they were sent, and those of them that were within the targets',
      draw(lines({ x: 'virtual seconds', y: '', logarithmic: false, series: overTime, target: null })),
    ),
    rows.length > MOST_LINES ? `<p>Drawn: the first ${MOST_LINES} of ${rows.length} runs.</p>` : '',
  ].join('')
}

interface Lines {
  readonly x: string
  readonly y: string
  readonly logarithmic: boolean
  readonly series: readonly { readonly name: string; readonly points: readonly (readonly [number, number | null])[] }[]
  /** Drawn across; null for none. */
  readonly target: number | null
}

function lines({ x, y, logarithmic, series, target }: Lines): EChartsCoreOption {
  const mark =
    target === null ? {} : { markLine: { silent: true, symbol: 'none', data: [{ yAxis: target, name: 'target' }] } }
  return {
    animation: false,
    legend: { top: 0, type: 'plain' },
    grid: { left: 70, right: 40, top: 50, bottom: 45 },
    xAxis: { type: 'value', name: x, nameLocation: 'middle', nameGap: 28, min: 'dataMin', max: 'dataMax' },
    yAxis: { type: logarithmic ? 'log' : 'value', name: y },
    series: series.map(({ name, points }, i) => ({
      type: 'line',
      name,
      showSymbol: points.length < 20,
      // A logarithm knows no zero.
      data: points.filter(([, value]) => value !== null && (!logarithmic || value > 0)),
      ...(i === 0 ? mark : {}),
    })),
  }
}

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => `&#${character.charCodeAt(0)};`)
}
