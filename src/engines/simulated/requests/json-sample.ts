import { isObject, type Json } from './fields.ts'

/** Schemas that refer to themselves end here. */
const MAX_DEPTH = 12
/** Values in a sample, items of an array and characters of a string at most, whatever a schema demands. */
const MAX_VALUES = 500
const MAX_ITEMS = 100
const MAX_CHARACTERS = 10_000
const WORD = 'simulated'

/** Strings of the formats that JSON Schema names. */
const FORMATS: Readonly<Record<string, string>> = {
  date: '2026-01-01',
  time: '12:00:00Z',
  'date-time': '2026-01-01T12:00:00Z',
  duration: 'PT1S',
  email: 'simulated@example.com',
  hostname: 'example.com',
  ipv4: '192.0.2.1',
  ipv6: '2001:db8::1',
  uri: 'https://example.com/',
  uuid: '00000000-0000-4000-8000-000000000000',
}

/**
 * A value that a JSON Schema allows, the plainest that can be found: all properties, the first alternative, the first of
 * an enumeration, the least number. Patterns are not obeyed.
 */
export function sampleOf(schema: unknown): unknown {
  return sample(schema, { schema: isObject(schema) ? schema : {}, values: 0 }, 0)
}

/** The whole schema, and how many values were made of it so far. */
interface Root {
  readonly schema: Json
  values: number
}

function sample(schema: unknown, root: Root, depth: number): unknown {
  if (!isObject(schema) || depth > MAX_DEPTH || ++root.values > MAX_VALUES) return null
  if ('const' in schema) return schema.const
  if (Array.isArray(schema.enum) && schema.enum.length > 0) return schema.enum[0]
  if (typeof schema.$ref === 'string') return sample(resolve(schema.$ref, root.schema), root, depth + 1)
  const alternatives = schema.anyOf ?? schema.oneOf
  if (Array.isArray(alternatives)) return sample(alternatives[0], root, depth + 1)
  if (Array.isArray(schema.allOf)) {
    return Object.assign({}, ...schema.allOf.map(part => sample(part, root, depth + 1)))
  }
  return sampleOfType(schema, root, depth)
}

function sampleOfType(schema: Json, root: Root, depth: number): unknown {
  switch (typeOf(schema)) {
    case 'object':
      return sampleObject(schema, root, depth)
    case 'array': {
      const least = typeof schema.minItems === 'number' ? schema.minItems : 1
      return Array.from({ length: Math.max(0, Math.min(least, MAX_ITEMS)) }, () =>
        sample(schema.items ?? {}, root, depth + 1),
      )
    }
    case 'integer':
      return Math.ceil(sampleNumber(schema))
    case 'number':
      return sampleNumber(schema)
    case 'boolean':
      return true
    case 'null':
      return null
    default:
      return sampleString(schema)
  }
}

function typeOf(schema: Json): unknown {
  const { type } = schema
  if (Array.isArray(type)) return type.find(one => one !== 'null') ?? 'null'
  if (type === undefined && isObject(schema.properties)) return 'object'
  if (type === undefined && schema.items !== undefined) return 'array'
  return type
}

function sampleObject(schema: Json, root: Root, depth: number): Json {
  const properties = isObject(schema.properties) ? Object.entries(schema.properties) : []
  const required = Array.isArray(schema.required) ? schema.required : []
  // Deep down only what must be there, so that a schema that contains itself comes to an end.
  const wanted = properties.filter(([name]) => depth < MAX_DEPTH / 2 || required.includes(name))
  return Object.fromEntries(wanted.map(([name, inner]) => [name, sample(inner, root, depth + 1)]))
}

function sampleNumber(schema: Json): number {
  const { minimum, exclusiveMinimum, maximum, exclusiveMaximum, multipleOf } = schema
  const step = typeof multipleOf === 'number' && multipleOf > 0 ? multipleOf : 1
  if (typeof minimum === 'number') return Math.ceil(minimum / step) * step
  if (typeof exclusiveMinimum === 'number') return (Math.floor(exclusiveMinimum / step) + 1) * step
  if (typeof maximum === 'number' && maximum < step) return Math.floor(maximum / step) * step
  if (typeof exclusiveMaximum === 'number' && exclusiveMaximum <= step) {
    return (Math.ceil(exclusiveMaximum / step) - 1) * step
  }
  return step
}

function sampleString(schema: Json): string {
  const text = (typeof schema.format === 'string' ? FORMATS[schema.format] : undefined) ?? WORD
  const least = typeof schema.minLength === 'number' ? Math.min(schema.minLength, MAX_CHARACTERS) : 0
  const most = typeof schema.maxLength === 'number' ? schema.maxLength : Infinity
  const longEnough = text.length >= least ? text : text.repeat(Math.ceil(least / text.length)).slice(0, least)
  return longEnough.length > most ? longEnough.slice(0, most) : longEnough
}

/** Follows a reference inside the document: `#/$defs/Name`. */
function resolve(reference: string, root: Json): unknown {
  let at: unknown = root
  for (const part of reference.replace(/^#\/?/, '').split('/').filter(Boolean)) {
    at = isObject(at) ? at[part.replaceAll('~1', '/').replaceAll('~0', '~')] : undefined
  }
  return at
}
