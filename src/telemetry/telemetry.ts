import type { Logger } from 'pino'
import type { Fleet } from '../ports/fleet.ts'
import type { CallTimings, Observer, RefusedCall } from '../ports/observer.ts'
import type { CallRecord } from '../vocabulary/record.ts'
import type { RefusalCause } from '../vocabulary/refusal.ts'
import { CallLog, LOG_LEVELS, type LogLevel, standardError } from './log/call-log.ts'
import type { LineSink } from './log/line-buffer.ts'
import { Counting } from './metrics/counting.ts'
import type { Exposition } from './metrics/exposition.ts'
import type { ReplicaHealth } from './metrics/health.ts'
import { type TraceSettings, traceSettings } from './traces/settings.ts'
import type { Tracing } from './traces/tracing.ts'

export interface TelemetryOptions {
  /**
   * `PENSTOCK_LOG_LEVEL` (`info`; calls are logged at `info`, failed ones at `warn`), and OpenTelemetry's own:
   * `OTEL_EXPORTER_OTLP_ENDPOINT`, `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_SERVICE_NAME`, `OTEL_TRACES_SAMPLER` and
   * its `_ARG`, `OTEL_TRACES_EXPORTER`, `OTEL_SDK_DISABLED`.
   */
  readonly env: Readonly<Record<string, string | undefined>>
  /** Where the log goes; standard error when not given. */
  readonly log?: LineSink
  /** How the replicas of the deployments stand, asked at each scrape; none are shown when not given. */
  readonly health?: () => Iterable<ReplicaHealth>
  /** Owned engines and who waits for them, asked at each scrape; none are shown when not given. */
  readonly fleet?: Fleet['report']
}

export interface Telemetry extends Observer {
  /** For everything that is no call. */
  readonly logger: Logger
  /** Prometheus' exposition text. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>
  /** Writes and sends what waits. */
  close(): Promise<void>
}

const NO_FLEET: Fleet['report'] = () => ({ upstreams: [], tiers: [] })

/** Calls that ended before the tracing was loaded and wait for it. */
const MAX_CALLS_BEFORE_TRACING = 1_000

/** Metrics, log and traces of the calls; some two microseconds on the path of each, without traces. */
export function createTelemetry(options: TelemetryOptions): Telemetry {
  const { env, log: sink = standardError(), health = () => [], fleet = NO_FLEET } = options
  const counting = new Counting()
  const log = new CallLog(sink, levelOf(env.PENSTOCK_LOG_LEVEL))
  const settings = traceSettings(env)
  const tracing = settings === null ? null : new LoadingTracing(settings, log.logger)
  let exposition: Promise<Exposition> | null = null
  return {
    logger: log.logger,
    callStarted() {
      counting.inFlight += 1
    },
    callEnded(record, timings) {
      counting.callEnded(record, timings)
      log.callEnded(record, timings)
      tracing?.callEnded(record, timings)
    },
    recordLost(record, failure) {
      log.logger.error(
        { id: record.id, key: record.caller.key, reason: failure.message },
        'the record of a call was lost',
      )
    },
    callRefused(cause: RefusalCause, status: number, key: string | null, call?: RefusedCall) {
      counting.callRefused(cause, call !== undefined)
      log.callRefused(cause, status, key, call)
    },
    async metrics() {
      // Loaded when first asked for: the library would take a twentieth of a second of the start.
      exposition ??= import('./metrics/exposition.ts').then(module =>
        module.exposition(counting, { log, health, fleet }),
      )
      const { contentType, text } = await exposition
      return { contentType, text: await text() }
    },
    async close() {
      await tracing?.close()
      await log.close()
    },
  }
}

function levelOf(asked: string | undefined): LogLevel {
  return LOG_LEVELS.find(level => level === asked?.toLowerCase()) ?? 'info'
}

/** Tracing whose packages are still on their way; a few calls wait for them. */
class LoadingTracing implements Tracing {
  readonly #loaded: Promise<Tracing | null>
  #tracing: Tracing | null = null
  #waiting: [CallRecord, CallTimings][] = []

  constructor(settings: TraceSettings, logger: Logger) {
    this.#loaded = import('./traces/tracing.ts').then(
      ({ openTracing }) => this.#opened(openTracing(settings, problem => logger.warn({ problem }, 'tracing'))),
      (error: Error) => {
        logger.error({ problem: error.message }, 'tracing could not be loaded')
        return null
      },
    )
  }

  callEnded(record: CallRecord, timings: CallTimings): void {
    if (this.#tracing !== null) this.#tracing.callEnded(record, timings)
    else if (this.#waiting.length < MAX_CALLS_BEFORE_TRACING) this.#waiting.push([record, timings])
  }

  async close(): Promise<void> {
    const tracing = await this.#loaded
    await tracing?.close()
  }

  #opened(tracing: Tracing): Tracing {
    this.#tracing = tracing
    for (const [record, timings] of this.#waiting) tracing.callEnded(record, timings)
    this.#waiting = []
    return tracing
  }
}
