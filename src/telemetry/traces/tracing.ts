import { DiagLogLevel, diag } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources'
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace'
import type { CallTimings } from '../../ports/observer.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import type { TraceSettings } from './settings.ts'
import { traceCall } from './spans.ts'

/** Spans that wait to be sent; those that come when it is full are dropped. */
const MAX_WAITING_SPANS = 16_384
const SPANS_PER_REQUEST = 512
const SHUTDOWN_MS = 3_000

export interface Tracing {
  callEnded(record: CallRecord, timings: CallTimings): void
  /** Sends what waits, for at most three seconds. */
  close(): Promise<void>
}

/**
 * Sends spans by OTLP over HTTP. Loaded only when an endpoint is set: the packages take a tenth of a second.
 *
 * @param complain takes what the exporter could not do
 */
export function openTracing(settings: TraceSettings, complain: (problem: string) => void): Tracing {
  const quiet = () => {}
  const logger = { error: complain, warn: complain, info: quiet, debug: quiet, verbose: quiet }
  diag.setLogger(logger, { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true })
  const root = new TraceIdRatioBasedSampler(settings.sampler.share)
  const provider = new TracerProvider({
    resource: defaultResource().merge(resourceFromAttributes({ 'service.name': settings.serviceName })),
    sampler: settings.sampler.followsParent ? new ParentBasedSampler({ root }) : root,
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter({ url: settings.url }),
        maxQueueSize: MAX_WAITING_SPANS,
        maxExportBatchSize: SPANS_PER_REQUEST,
      }),
    ],
  })
  const tracer = provider.getTracer('penstock')
  return {
    callEnded: (record, timings) => traceCall(tracer, record, timings),
    async close() {
      if (!(await doneWithin(SHUTDOWN_MS, provider.shutdown()))) {
        complain(`not every span was sent to ${settings.url} within ${SHUTDOWN_MS} ms of the end`)
      }
    },
  }
}

/** A collector that is gone must not keep the gateway from stopping in good order. */
async function doneWithin(limitMs: number, work: Promise<void>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(() => resolve(false), limitMs)
  })
  const done = work.then(
    () => true,
    () => false,
  )
  const first = await Promise.race([done, late])
  clearTimeout(timer)
  return first
}
