import type { z } from 'zod'
import { fieldsOf } from '../../vocabulary/limit-terms.ts'
import { isShortName } from '../../vocabulary/names.ts'
import type { Plan } from '../../vocabulary/plan.ts'
import { type PlanFault, readPlan } from '../../vocabulary/plan-terms.ts'
import { Leaf, type Tree } from './document.ts'
import type { LeafIssue } from './leaves.ts'
import { described, expectedBy, isBroken, plain } from './limits.ts'
import { isMapping } from './walk.ts'

/** Fields that are numbers whatever the limit counts. */
const COUNTS = ['count', 'priority']
/** Fields that are numbers where the limit does not count dollars. */
const AMOUNTS = ['amount', 'each']
const UNKNOWN = 'unknown; expected one of '

/** A plan of a file in the form that its terms are read from. */
function plainPlan(tree: Tree, unit: unknown = undefined): unknown {
  if (tree instanceof Leaf) return plain(tree)
  if (!isMapping(tree)) return (tree as readonly Tree[]).map(inner => plainPlan(inner, unit))
  const own = tree.unit instanceof Leaf ? tree.unit.text : unit
  const fields = Object.entries(tree).map(([name, inner]) => {
    const isNumber = COUNTS.includes(name) || (AMOUNTS.includes(name) && own !== 'dollars')
    return [name, isNumber ? numberOf(inner) : plainPlan(inner, own)]
  })
  return Object.fromEntries(fields)
}

/** The environment knows only text, and counts are numbers. */
function numberOf(tree: Tree): unknown {
  const isText = tree instanceof Leaf && tree.kind === 'variable' && /^\d+$/.test(tree.text)
  return isText ? Number(tree.text) : plainPlan(tree)
}

function treeAt(tree: Tree, path: PlanFault['path']): Tree | undefined {
  let found: Tree | undefined = tree
  for (const step of path) {
    if (found === undefined || found instanceof Leaf) return undefined
    const inside: Readonly<Record<string | number, Tree>> = found as never
    found = Object.hasOwn(inside, step) ? inside[step] : undefined
  }
  return found
}

/** Whether it, or what stands beside it where it is missing, says nothing because of a variable that is not set. */
function isUnclear(tree: Tree, path: PlanFault['path']): boolean {
  const found = treeAt(tree, path)
  if (found !== undefined) return isBroken(found)
  const around = treeAt(tree, path.slice(0, -1))
  return around !== undefined && isBroken(around)
}

function report(context: z.RefinementCtx, name: string, tree: Tree, { path, sentence }: PlanFault): void {
  const at = [name, ...path]
  const last = path.at(-1)
  if (sentence.startsWith(UNKNOWN) && typeof last === 'string') {
    const keys = [last]
    const message = sentence.slice(UNKNOWN.length)
    context.addIssue({ code: 'unrecognized_keys', keys, input: {}, path: at.slice(0, -1), message })
    return
  }
  const isExpectation = sentence.startsWith('expected ')
  const message = isExpectation ? described(treeAt(tree, path)) : sentence
  const params: LeafIssue = { expected: isExpectation ? expectedBy(sentence) : '', reported: isUnclear(tree, path) }
  context.addIssue({ code: 'custom', path: at, message, params: { ...params } })
}

/** Plans by their names, read as the admin API reads them, with every fault where it stands. */
export function plansOf(
  trees: Readonly<Record<string, unknown>> | undefined,
  context: z.RefinementCtx,
): readonly Plan[] {
  const plans: Plan[] = []
  for (const [name, value] of Object.entries(trees ?? {})) {
    const tree = value as Tree
    // What a name may be is said of the name, where all names are checked.
    const read = readPlan(isShortName(name) ? name : 'unnamed', fieldsOf(plainPlan(tree)))
    if ('plan' in read) plans.push(read.plan)
    else for (const fault of read.faults) report(context, name, tree, fault)
    // A broken variable may leave a plan that can be read, which is not the one that was meant.
    if ('plan' in read && isBroken(tree)) {
      context.addIssue({ code: 'custom', path: [name], message: '', params: { expected: '', reported: true } })
    }
  }
  return plans
}
