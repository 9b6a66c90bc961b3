/** Rooms that every other room may import. */
export const EVERYWHERE = ['units', 'vocabulary'] as const

/**
 * Which rooms each room may import, besides `units` and `vocabulary`. The tests beside this file hold the code to it,
 * and the diagram in ARCHITECTURE.md is drawn from it.
 */
export const ARROWS = {
  units: [],
  vocabulary: [],
  policy: [],
  ports: [],
  simulation: [],
  lifecycle: ['policy', 'ports'],
  dialects: ['ports'],
  engines: ['ports', 'dialects', 'simulation'],
  stores: ['ports', 'policy'],
  telemetry: ['ports'],
  threads: ['lifecycle', 'policy', 'ports'],
  gateway: ['lifecycle', 'ports', 'dialects'],
  control: ['policy', 'ports'],
  traces: [],
  replay: ['ports', 'traces'],
  twin: ['policy', 'ports', 'simulation', 'lifecycle', 'traces'],
  app: [
    'policy',
    'ports',
    'simulation',
    'lifecycle',
    'dialects',
    'engines',
    'stores',
    'telemetry',
    'threads',
    'gateway',
    'control',
    'twin',
  ],
  cli: ['app', 'ports', 'replay', 'traces', 'twin'],
  tidy: [],
} as const satisfies Record<string, readonly string[]>

export type Room = keyof typeof ARROWS
