import { z } from 'zod'
import type { LimitTerms } from '../../vocabulary/limit.ts'
import { LIMIT_FIELDS, readLimitTerms } from '../../vocabulary/limit-terms.ts'
import { Leaf, type Tree } from './document.ts'
import { cut, type LeafIssue, shown } from './leaves.ts'
import { isMapping, type Mapping } from './walk.ts'

/** A value of a file as JSON would have it. */
export function plain(tree: Tree): unknown {
  if (!(tree instanceof Leaf)) {
    if (!isMapping(tree)) return (tree as readonly Tree[]).map(plain)
    return Object.fromEntries(Object.entries(tree).map(([name, inner]) => [name, plain(inner)]))
  }
  if (tree.kind === 'number') return Number(tree.text)
  if (tree.kind === 'boolean') return tree.text === 'true'
  return tree.kind === 'null' ? null : tree.text
}

/** A limit of a file in the form that its terms are read from. */
export function plainLimit(limit: Mapping): Readonly<Record<string, unknown>> {
  const fields = plain(limit) as Record<string, unknown>
  const { amount } = limit
  // The environment knows only text, and counts are numbers.
  if (amount instanceof Leaf && amount.kind === 'variable' && fields.unit !== 'dollars' && /^\d+$/.test(amount.text)) {
    return { ...fields, amount: Number(amount.text) }
  }
  return fields
}

/** Whether a variable in it could not be replaced, which was reported where it stands. */
export function isBroken(tree: Tree): boolean {
  if (tree instanceof Leaf) return tree.broken
  return Object.values(tree as Mapping).some(isBroken)
}

/** What stands there as the file has it, as the end of a sentence: no value of the environment is in it. */
export function described(tree: Tree | undefined): string {
  if (tree === undefined) return 'is missing'
  if (!(tree instanceof Leaf)) {
    return `is ${cut(JSON.stringify(tree, (_, inner) => (inner instanceof Leaf ? inner.written : inner)))}`
  }
  if (tree.kind === 'null') return 'is empty'
  return `is ${tree.kind === 'number' || tree.kind === 'boolean' ? tree.written : shown(tree)}`
}

/** What a sentence about a limit expected, without the value that it got: the file may have that from the environment. */
export function expectedBy(sentence: string): string {
  const got = sentence.indexOf('; got ')
  return (got < 0 ? sentence : sentence.slice(0, got)).replace(/^expected /, '')
}

const FORM = '{ scope, unit, amount, window }'

/** A limit, read as the admin API reads it, with every fault at its field. */
export const limit: z.ZodType<LimitTerms> = z.unknown().transform((input, context): LimitTerms => {
  const refuse = (field: string | null, message: string, params: LeafIssue): never => {
    context.addIssue({ code: 'custom', path: field === null ? [] : [field], message, params: { ...params } })
    return z.NEVER
  }
  const tree = input as Tree
  if (!isMapping(tree)) {
    const [broken, empty] = tree instanceof Leaf ? [tree.broken, tree.kind === 'null'] : [false, false]
    return refuse(null, empty ? 'is empty' : 'is not a mapping', { expected: FORM, reported: broken })
  }
  const read = readLimitTerms(plainLimit(tree))
  const broken = Object.keys(tree).filter(name => isBroken(tree[name]!))
  const unknown = Object.keys(tree).filter(name => !LIMIT_FIELDS.includes(name))
  if (unknown.length > 0) {
    context.addIssue({ code: 'unrecognized_keys', keys: unknown, input: { ...tree }, message: LIMIT_FIELDS.join(', ') })
  }
  if (broken.length > 0) refuse(null, '', { expected: '', reported: true })
  for (const { field, sentence } of 'faults' in read ? read.faults : []) {
    // Of a field that says nothing nobody knows what it would have asked of the others.
    const unclear = broken.includes(field) || (tree[field] === undefined && broken.length > 0)
    if (!unclear && !unknown.includes(field)) {
      refuse(field, described(tree[field]), { expected: expectedBy(sentence), reported: false })
    }
  }
  return 'terms' in read ? read.terms : z.NEVER
}) as z.ZodType<LimitTerms>
