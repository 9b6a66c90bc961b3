import type { ModelledEngine } from './coefficients.ts'
import { COEFFICIENTS } from './fitted.ts'

/**
 * Milliseconds from a call's arrival at an engine's server to its scheduler and back with the first token, beside all
 * waiting and computing: fitted on closed loops whose lengths vary, as those of real traffic do.
 */
export function ingressMs(engine: ModelledEngine): number {
  return COEFFICIENTS.loops[engine].varied.ingressMs
}
