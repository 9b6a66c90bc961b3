import type { z } from 'zod'
import type { ConfigurationDocument } from './document.ts'
import { expectedNames, type Fault, formatPath, type Path } from './fault.ts'
import type { LeafIssue } from './leaves.ts'
import { type ConfigurationForm, configurationSchema } from './schema.ts'

/** What a clause of a later version is told. To read it and do nothing would be a promise that nobody keeps. */
const NOT_YET = 'is not supported in this version'

/** Entries that have a meaning in a later version, by the path they stand at; `*` is any name or index. */
const LATER: Readonly<Record<string, readonly string[]>> = {
  '': ['budgets', 'contracts'],
  'keys.*': ['plan', 'limits'],
  'models.*': ['tiers', 'limits'],
}

const STRUCTURES: Readonly<Record<string, string>> = { object: 'a mapping', record: 'a mapping', array: 'a list' }

type Issue = z.core.$ZodIssue

type Later = typeof LATER

function isLater(later: Later, path: Path, entry: string): boolean {
  const pattern = path.map((step, i) => (i === 0 ? step : '*')).join('.')
  return later[pattern]?.includes(entry) ?? false
}

function whole(issue: Issue): { problem: string; expected: string } | null {
  if (issue.code === 'custom') {
    const { expected, reported } = issue.params as unknown as LeafIssue
    return reported ? null : { problem: issue.message, expected }
  }
  if (issue.code === 'invalid_type') {
    const expected = STRUCTURES[issue.expected] ?? issue.expected
    const missing = issue.input === undefined ? 'is missing' : issue.input === null ? 'is empty' : null
    return missing ? { problem: missing, expected } : { problem: `is not ${expected}`, expected: '' }
  }
  return { problem: issue.message, expected: '' }
}

/** The entries of a mapping that it may not have. */
function unknownEntries(
  document: ConfigurationDocument,
  file: string,
  of: { readonly issue: Issue & { code: 'unrecognized_keys' }; readonly later: Later },
): Fault[] {
  const { issue, later } = of
  const path = issue.path as Path
  return issue.keys.map(entry => {
    const said = isLater(later, path, entry)
      ? { problem: NOT_YET, expected: '' }
      : { problem: 'is unknown', expected: expectedNames(entry, issue.message.split(', ')) }
    return { file, ...document.placeOfName([...path, entry]), path: formatPath([...path, entry]), ...said }
  })
}

/** A checked form; null when there are faults. */
export interface CheckedForm<Form> {
  readonly form: Form | null
  readonly faults: readonly Fault[]
}

/** Checks the form of a configuration: what may stand where, and what it looks like. */
export function checkStructure(document: ConfigurationDocument, file: string): CheckedForm<ConfigurationForm> {
  return checkForm(configurationSchema, document, file, LATER)
}

/** Checks the form of any file that is read like a configuration. */
export function checkForm<Form>(
  schema: z.ZodType<Form>,
  document: ConfigurationDocument,
  file: string,
  later: Later = {},
): CheckedForm<Form> {
  const result = schema.safeParse(document.tree, { reportInput: true })
  if (result.success) return { form: result.data, faults: [] }
  const faults = result.error.issues.flatMap(issue => {
    if (issue.code === 'unrecognized_keys') return unknownEntries(document, file, { issue, later })
    const said = whole(issue)
    const path = issue.path as Path
    return said ? [{ file, ...document.placeOf(path), path: formatPath(path), ...said }] : []
  })
  return { form: null, faults }
}
