import { type Scope, scopeText } from '../../vocabulary/limit.ts'
import type { Configuration, DeclaredKey } from './configuration.ts'
import type { ConfigurationDocument } from './document.ts'
import { type Fault, formatPath } from './fault.ts'

/** Whether a declared key is in a scope; true also where something else than the key decides it. */
function isIn(scope: Scope, { name, team, user }: DeclaredKey): boolean {
  switch (scope.kind) {
    case 'key':
      return name === scope.name
    case 'team':
      return team === scope.name
    case 'user':
      return user === scope.name
    case 'each':
      return scope.of === 'team' ? team !== null : scope.of === 'user' ? user !== null : true
    default:
      return true
  }
}

/**
 * Limits that no declared key is bound by: right where the keys are made in the admin API, and else a slip of the pen that
 * leaves spending without a limit.
 */
export function limitWarnings(
  { limits, keys, source }: Configuration,
  document: Pick<ConfigurationDocument, 'placeOf'>,
): readonly Fault[] {
  if (keys.length === 0) return []
  return limits.flatMap(({ scope }, i): Fault[] => {
    if (keys.some(key => isIn(scope, key))) return []
    const at = ['limits', i, 'scope']
    const problem = `is ${scopeText(scope)}, which binds no key of this file: only one that the admin API makes`
    return [{ file: source, ...document.placeOf(at), path: formatPath(at), problem, expected: '' }]
  })
}
