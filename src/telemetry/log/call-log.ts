import pino, { type Logger } from 'pino'
import type { CallTimings, RefusedCall } from '../../ports/observer.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import type { RefusalCause } from '../../vocabulary/refusal.ts'
import { callLine } from './call-line.ts'
import { LineBuffer, type LineSink } from './line-buffer.ts'
import { LineTimes } from './times.ts'

export const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const
export type LogLevel = (typeof LOG_LEVELS)[number]

const STANDARD_ERROR = 2
/** Bytes that wait for whoever reads the log; what comes when it is full is dropped and counted. */
const MAX_WAITING_BYTES = 8_000_000
const MAX_WRITE_BYTES = 65_536

/** The process's standard error, written asynchronously. */
export function standardError(): LineSink {
  return pino.destination({
    dest: STANDARD_ERROR,
    sync: false,
    maxLength: MAX_WAITING_BYTES,
    maxWrite: MAX_WRITE_BYTES,
  })
}

/** What is nobody's fault among callers: it is for whoever runs the gateway. */
const IS_OURS: ReadonlySet<RefusalCause> = new Set(['noDeployment', 'queueFull', 'queueTimeout', 'internal'])

/** One line of JSON for each call and each refusal; never a secret, never a prompt. */
export class CallLog {
  readonly #buffer: LineBuffer
  readonly #times = new LineTimes()
  readonly #calls: boolean
  readonly #failures: boolean
  /** For everything that is no call. Its lines keep their order among those of calls. */
  readonly logger: Logger

  constructor(sink: LineSink, level: LogLevel) {
    this.#buffer = new LineBuffer(sink)
    this.logger = pino(
      {
        level,
        base: null,
        timestamp: pino.stdTimeFunctions.isoTime,
        formatters: { level: label => ({ level: label }) },
      },
      this.#buffer,
    )
    this.#calls = this.logger.isLevelEnabled('info')
    this.#failures = this.logger.isLevelEnabled('warn')
  }

  callEnded(record: CallRecord, timings: CallTimings): void {
    if (this.#calls || (this.#failures && record.outcome === 'failed')) {
      this.#buffer.write(callLine(record, timings, this.#times.format(record.at + record.durationMs)))
    }
  }

  callRefused(cause: RefusalCause, status: number, key: string | null, call?: RefusedCall): void {
    const line = { ...call, key, outcome: 'refused', status, cause }
    if (IS_OURS.has(cause)) this.logger.warn(line, 'call')
    else if (this.#calls) this.logger.info(line, 'call')
  }

  get droppedBytes(): number {
    return this.#buffer.droppedBytes
  }

  close(): Promise<void> {
    return this.#buffer.close()
  }
}
