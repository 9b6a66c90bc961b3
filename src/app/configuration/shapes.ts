import { z } from 'zod'
import { Leaf } from './document.ts'

/**
 * A mapping with these entries and no others. The message of an issue about unknown entries is the list of the known
 * ones, since that is what the reader of a fault wants to see.
 */
export function mapping<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, { error: issue => (issue.code === 'unrecognized_keys' ? known : undefined) })
}

/** A mapping from names that the user chooses. */
export function named<Item extends z.ZodType>(item: Item) {
  return z.record(z.string(), item)
}

type Structure = z.ZodObject | z.ZodRecord | z.ZodArray

/** Keeps a value or a list from passing for a mapping, which it does to zod: all are objects. */
function asStructure(schema: Structure, empty: null | undefined): (input: unknown) => unknown {
  const wantsList = schema.def.type === 'array'
  return input => {
    if (input instanceof Leaf) return input.kind === 'null' ? empty : NO_STRUCTURE
    return Array.isArray(input) && !wantsList ? NO_STRUCTURE : input
  }
}

const NO_STRUCTURE = 'neither a mapping nor a list'

/** A mapping or a list that must be there. */
export function required<Schema extends Structure>(schema: Schema): z.ZodType<z.output<Schema>> {
  return z.preprocess(asStructure(schema, null), schema) as z.ZodType<z.output<Schema>>
}

/** A mapping or a list that may be left out; with nothing after its colon it is. */
export function optional<Schema extends Structure>(
  schema: Schema,
): z.ZodOptional<z.ZodType<z.output<Schema> | undefined>> {
  return z.preprocess(asStructure(schema, undefined), schema.optional()).optional() as z.ZodOptional<
    z.ZodType<z.output<Schema> | undefined>
  >
}

/** Where the form of a value says which schema it must fit; keeps the issues of that one alone. */
export function chosen<T>(choose: (input: unknown) => z.ZodType<T>): z.ZodType<T> {
  return z.unknown().transform((input, context): T => {
    const result = choose(input).safeParse(input, { reportInput: true })
    if (result.success) return result.data
    for (const issue of result.error.issues) context.addIssue({ ...issue })
    return z.NEVER
  }) as z.ZodType<T>
}
