type Environment = Readonly<Record<string, string | undefined>>

/** The part of OpenTelemetry's environment variables that decides whether, where and how much is traced. */
export interface TraceSettings {
  readonly url: string
  readonly serviceName: string
  readonly sampler: Sampling
}

/** Share of the traces that begin here, and whether the caller's own decision comes first. */
export interface Sampling {
  readonly share: number
  readonly followsParent: boolean
}

/**
 * @returns null when no OTLP endpoint is set, or tracing is switched off
 */
export function traceSettings(env: Environment): TraceSettings | null {
  const url = env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT || withPath(env.OTEL_EXPORTER_OTLP_ENDPOINT)
  const off = env.OTEL_SDK_DISABLED?.toLowerCase() === 'true' || env.OTEL_TRACES_EXPORTER === 'none'
  if (!url || off) return null
  return { url, serviceName: env.OTEL_SERVICE_NAME || 'penstock', sampler: samplingOf(env) }
}

function withPath(endpoint: string | undefined): string {
  return endpoint ? `${endpoint.replace(/\/+$/, '')}/v1/traces` : ''
}

function samplingOf(env: Environment): Sampling {
  const name = env.OTEL_TRACES_SAMPLER || 'parentbased_always_on'
  const followsParent = name.startsWith('parentbased_')
  const kind = name.replace(/^parentbased_/, '')
  const asked = Number(env.OTEL_TRACES_SAMPLER_ARG || '1')
  const share = kind === 'always_off' ? 0 : kind === 'traceidratio' && asked >= 0 && asked <= 1 ? asked : 1
  return { share, followsParent }
}
