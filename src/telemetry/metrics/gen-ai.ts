import { operationOf, placeOf } from '../gen-ai/names.ts'
import {
  OPERATION_SECONDS,
  TIME_PER_OUTPUT_TOKEN_SECONDS,
  TIME_TO_FIRST_TOKEN_SECONDS,
  TOKEN_BOUNDS,
} from './bounds.ts'
import type { CallSeries, SeriesTable } from './series.ts'
import { Tally } from './tally.ts'

type Labels = Readonly<Record<string, string>>

export interface GenAiHistogram {
  readonly name: string
  readonly help: string
  rows(): readonly (readonly [Labels, Tally])[]
}

/** The same counts under the names that OpenTelemetry's semantic conventions give them, as Prometheus spells those. */
export function genAiHistograms(table: SeriesTable): readonly GenAiHistogram[] {
  const of = (bounds: readonly number[], read: (series: CallSeries) => readonly (readonly [Labels, Tally])[]) => () =>
    merged(table.all, bounds, read)
  return [
    {
      name: 'gen_ai_client_token_usage',
      help: 'Tokens of an operation, input with its cached ones.',
      rows: of(TOKEN_BOUNDS, one => [
        [{ gen_ai_token_type: 'input' }, one.inputSizes],
        [{ gen_ai_token_type: 'output' }, one.outputSizes],
      ]),
    },
    {
      name: 'gen_ai_client_operation_duration_seconds',
      help: 'Duration of an operation.',
      rows: of(OPERATION_SECONDS, ({ durations }) =>
        Object.entries(durations).map(([outcome, tally]): readonly [Labels, Tally] => [
          outcome === 'completed' ? {} : { error_type: outcome },
          tally,
        ]),
      ),
    },
    {
      name: 'gen_ai_server_time_to_first_token_seconds',
      help: 'From the arrival of a call to the first content of its stream.',
      rows: of(TIME_TO_FIRST_TOKEN_SECONDS, one => [[{}, one.timeToFirstToken]]),
    },
    {
      name: 'gen_ai_server_time_per_output_token_seconds',
      help: 'Of a stream, for each token after the first.',
      rows: of(TIME_PER_OUTPUT_TOKEN_SECONDS, one => [[{}, one.timePerOutputToken]]),
    },
  ]
}

/** Two endpoints may be one operation, and one series may stand only once in a scrape: their tallies are added. */
function merged(
  all: readonly CallSeries[],
  bounds: readonly number[],
  read: (series: CallSeries) => readonly (readonly [Labels, Tally])[],
): readonly (readonly [Labels, Tally])[] {
  const rows = new Map<string, readonly [Labels, Tally]>()
  for (const series of all) {
    for (const [own, tally] of read(series)) {
      if (tally.count === 0) continue
      const labels = { ...labelsOf(series), ...own }
      const key = JSON.stringify(Object.values(labels))
      const row = rows.get(key) ?? ([labels, new Tally(bounds)] as const)
      row[1].add(tally)
      rows.set(key, row)
    }
  }
  return [...rows.values()]
}

function labelsOf({ model, deployment, endpoint }: CallSeries): Labels {
  const { provider, model: served } = placeOf(deployment)
  return {
    gen_ai_operation_name: operationOf(endpoint),
    gen_ai_provider_name: provider,
    gen_ai_request_model: model,
    gen_ai_response_model: served,
  }
}
