import type { ModelledEngine } from './coefficients.ts'
import type { ModelShape } from './models.ts'

/** What was measured, as far as a factor is kept for it. */
export interface SetUp {
  readonly shape: { readonly engine: ModelledEngine; readonly model: ModelShape }
  /** Empty where nobody knows. */
  readonly engineVersion: string
}

/**
 * Under what factors of a set-up are kept: of the engine with the model, of the version with models of its kind, and of
 * the version with this very model.
 */
export function versionKeys({
  shape: { engine, model },
  engineVersion,
}: SetUp): readonly [model: string, kind: string, own: string] {
  const version = `${engine} ${engineVersion === '' ? 'unversioned' : engineVersion}`
  return [
    `${engine}: ${model.name}`,
    `${version}: ${model.experts === null ? 'dense' : 'experts'}`,
    `${version}: ${model.name}`,
  ]
}

/** How much longer something takes with a set-up than with the engine in general: the product of what is known of it. */
export function versionFactor(setUp: SetUp, factors: Readonly<Record<string, number>>): number {
  let product = 1
  for (const key of versionKeys(setUp)) product *= factors[key] ?? 1
  return product
}
