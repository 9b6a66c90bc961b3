import type { DurationMs } from '../units/time.ts'
import type { Deployment } from '../vocabulary/deployment.ts'
import type { Endpoint } from '../vocabulary/dialect.ts'

/** Names and values in turn, as `node:http` calls raw headers: `['content-type', 'application/json', …]`. */
export type RawHeaders = readonly string[]

/** Where a replica is asked whose upstream has names with several addresses. */
export interface ReplicaAddress {
  /** Which base URL of the upstream it belongs to, from 0: its scheme, port, path and name are those of the replica. */
  readonly base: number
  /** Connected to in place of that URL's host: an IP address, IPv6 without brackets, or that host itself. */
  readonly host: string
}

/** One attempt, ready to be sent. */
export interface UpstreamRequest {
  readonly deployment: Deployment
  readonly endpoint: Endpoint
  /** Query string of the caller with its `?`, or empty. */
  readonly query: string
  /** The caller's headers that may go up; the client adds the upstream's own and its key. */
  readonly headers: RawHeaders
  /** Pieces of the body, in order. */
  readonly body: readonly Uint8Array[]
  readonly streamed: boolean
  /** Which replica of the upstream is asked: its place in the list, from 0. */
  readonly replica: number
  /** Null where the base URL in that place is asked itself. */
  readonly address: ReplicaAddress | null
  /** Bound on opening a connection, where none is open. */
  readonly connectMs: DurationMs
}

/** Why an attempt brought no whole answer. Data, not an exception. */
export interface TransportFailure {
  /** `unreachable`: no connection, or a reset before headers. `cut`: broken after headers. `timedOut`: too slow. */
  readonly kind: 'unreachable' | 'cut' | 'timedOut'
  readonly message: string
}

/** Where an attempt's answer goes. Each method is called synchronously, in order; `end` or `fail` comes once and last. */
export interface AttemptSink {
  /** Final status and headers, names in lower case. */
  head(status: number, headers: RawHeaders): void
  data(chunk: Uint8Array): void
  end(): void
  fail(failure: TransportFailure): void
}

/** An attempt on its way. */
export interface AttemptHandle {
  /** True while nothing of the request was sent, so that no upstream has anything to bill. Absent means false. */
  readonly isUnsent?: boolean
  /** Stops reading the answer until `resume`; bytes under way may still come. */
  pause(): void
  resume(): void
  /** Breaks the attempt off and frees the upstream. The sink hears nothing more. Harmless when it has ended. */
  abort(): void
}

/** A client of one upstream. */
export interface EngineClient {
  /** Starts an attempt. The sink is never called within this call. */
  attempt(request: UpstreamRequest, sink: AttemptSink): AttemptHandle
  /** Ends all connections; attempts under way fail. */
  close(): Promise<void>
}
