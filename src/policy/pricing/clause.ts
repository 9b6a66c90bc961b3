/**
 * How a price book recognises a model by its name, in the book's own form: `{ starts_with: 'gpt-5' }`, or `or` and `and`
 * of such clauses. All but `regex` ignore case.
 */
export type Clause =
  | { readonly equals: string }
  | { readonly starts_with: string }
  | { readonly ends_with: string }
  | { readonly contains: string }
  | { readonly regex: string }
  | { readonly or: readonly Clause[] }
  | { readonly and: readonly Clause[] }

const TEXT_CLAUSES = ['equals', 'starts_with', 'ends_with', 'contains', 'regex']

/** Whether a value of unknown origin is a clause. */
export function isClause(value: unknown): value is Clause {
  if (typeof value !== 'object' || value === null) return false
  const entries = Object.entries(value)
  if (entries.length !== 1) return false
  const [kind, argument] = entries[0] as [string, unknown]
  if (TEXT_CLAUSES.includes(kind)) return typeof argument === 'string'
  return (kind === 'or' || kind === 'and') && Array.isArray(argument) && argument.every(isClause)
}

/** @param name in lower case, without spaces around */
export function matches(clause: Clause, name: string): boolean {
  if ('or' in clause) return clause.or.some(part => matches(part, name))
  if ('and' in clause) return clause.and.every(part => matches(part, name))
  if ('equals' in clause) return name === clause.equals.toLowerCase()
  if ('starts_with' in clause) return name.startsWith(clause.starts_with.toLowerCase())
  if ('ends_with' in clause) return name.endsWith(clause.ends_with.toLowerCase())
  if ('contains' in clause) return name.includes(clause.contains.toLowerCase())
  return new RegExp(clause.regex).test(name)
}
