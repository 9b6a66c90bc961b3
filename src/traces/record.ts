import { z } from 'zod'
import { TraceError } from './trace.ts'

/** A count of tokens. */
export const tokenCount = z.int().min(0)
/** The id of a block inside its file. */
export const blockId = z.int().min(0).max(0xffff_ffff)

/** Parses one JSON value. */
export function parseJson(line: number, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    const beginning = text.length > 40 ? `${text.slice(0, 40)}…` : text
    throw new TraceError(line, `expected one JSON object, found \`${beginning}\``)
  }
}

/** Checks a record against its schema; the error names the line, the field and what was expected there. */
export function checkRecord<T>(line: number, schema: z.ZodType<T>, record: unknown): T {
  const checked = schema.safeParse(record)
  if (checked.success) return checked.data
  const issue = checked.error.issues[0]!
  const path = issue.path
    .map((key, i) => (typeof key === 'number' ? `[${key}]` : `${i ? '.' : ''}${String(key)}`))
    .join('')
  throw new TraceError(line, `${path || 'record'}: ${issue.message}`)
}
