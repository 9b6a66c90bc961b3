import type { EChartsCoreOption } from 'echarts/core'

/** Draws a chart as SVG. */
export type Drawing = (option: EChartsCoreOption) => string

const SIZE = { width: 960, height: 380 }

/** Loads what draws charts, without a browser: only those who want a page wait for it. */
export async function openCharts(): Promise<Drawing> {
  const [{ init, use }, { LineChart }, { GridComponent, LegendComponent, MarkLineComponent }, { SVGRenderer }] =
    await Promise.all([
      import('echarts/core'),
      import('echarts/charts'),
      import('echarts/components'),
      import('echarts/renderers'),
    ])
  use([LineChart, GridComponent, LegendComponent, MarkLineComponent, SVGRenderer])
  return option => {
    const chart = init(null, null, { renderer: 'svg', ssr: true, ...SIZE })
    chart.setOption(option)
    const svg = chart.renderToSVGString()
    chart.dispose()
    return svg
  }
}
