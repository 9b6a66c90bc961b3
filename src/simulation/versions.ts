import type { Coefficients, ModelledEngine } from './coefficients.ts'
import type { ModelShape } from './models.ts'

/** Under what the factor of a version is kept: for a model that was measured with it, and for others of its kind. */
export function versionKeys(engine: ModelledEngine, version: string, model: ModelShape): readonly [string, string] {
  const prefix = `${engine} ${version === '' ? 'unversioned' : version}`
  return [`${prefix} ${model.name}`, `${prefix} ${model.experts === null ? 'dense' : 'experts'}`]
}

/** How much longer a step takes with a version than with the engine in general; 1 for a version that was not measured. */
export function versionFactor(
  point: {
    readonly shape: { readonly engine: ModelledEngine; readonly model: ModelShape }
    readonly engineVersion: string
  },
  { versions }: Coefficients,
): number {
  const [own, kind] = versionKeys(point.shape.engine, point.engineVersion, point.shape.model)
  return versions[own] ?? versions[kind] ?? 1
}
