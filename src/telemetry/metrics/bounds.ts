// Bounds of OpenTelemetry's semantic conventions for generative AI (Development, 2026), so that its dashboards fit.

export const TOKEN_BOUNDS: readonly number[] = Array.from({ length: 14 }, (_, power) => 4 ** power)

export const OPERATION_SECONDS: readonly number[] = Array.from({ length: 14 }, (_, power) => 2 ** power / 100)

export const TIME_TO_FIRST_TOKEN_SECONDS: readonly number[] = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
]

export const TIME_PER_OUTPUT_TOKEN_SECONDS: readonly number[] = [
  0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5,
]

/** Waiting for a turn: mostly not at all, up to the longest that a queue may keep anybody. */
export const QUEUE_SECONDS: readonly number[] = [
  0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300,
]

/** Of our own: what the gateway adds lies far below what a model takes. */
export const OWN_SECONDS: readonly number[] = [
  0.000025, 0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1,
]
