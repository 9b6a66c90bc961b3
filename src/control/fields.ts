import { z } from '@hono/zod-openapi'
import { formatTime } from '../units/time.ts'
import { isKeyName, isLabel, isShortName, KEY_NAME_RULE, LABEL_RULE, SHORT_NAME_RULE } from '../vocabulary/names.ts'
import { CALL_OUTCOMES } from '../vocabulary/outcome.ts'

/** An object that takes no field it does not know, and names those it does. */
export function closed<Shape extends z.core.$ZodLooseShape>(
  shape: Shape,
  what: string,
): z.ZodObject<Shape, z.core.$strict> {
  const known = Object.keys(shape).join(', ')
  return z.strictObject(shape, {
    error: issue => (issue.code === 'unrecognized_keys' ? `unknown ${what}, expected one of ${known}` : undefined),
  })
}

const TIME = /^\d{4}-\d\d-\d\d(?:T\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+ -]\d\d:\d\d))?$/i
const TIME_RULE = 'expected a time in RFC 3339, such as 2026-01-31T12:00:00Z, or a date'

/**
 * A moment in a query: RFC 3339, or a date alone, which is its midnight in UTC. The plus of an offset that nobody
 * escaped arrives as a space and is taken for what it was.
 */
export const moment = z
  .string()
  .transform((text, context) => {
    const at = TIME.test(text) ? Date.parse(text.replace(' ', '+').toUpperCase()) : Number.NaN
    if (!Number.isNaN(at) && sameDay(text, at)) return at
    context.addIssue({ code: 'custom', message: TIME_RULE })
    return z.NEVER
  })
  .openapi({ type: 'string', format: 'date-time', description: 'RFC 3339; a date alone is its midnight in UTC.' })

/** `Date.parse` takes the 31st of February for a day in March. */
function sameDay(text: string, at: number): boolean {
  const offset = /([+ -])(\d\d):(\d\d)$/.exec(text.slice(10))
  const minutes = offset ? (Number(offset[2]) * 60 + Number(offset[3])) * (offset[1] === '-' ? -1 : 1) : 0
  return formatTime(at + minutes * 60_000).startsWith(text.slice(0, 10))
}

/** How much a query asks for at most: 1 to `most`. What it gets when it says nothing is the route's to apply. */
export function pageSize({ most, byDefault }: { readonly most: number; readonly byDefault: number }) {
  const rule = `expected a whole number from 1 to ${most}`
  return z
    .string()
    .regex(/^\d{1,6}$/, { error: rule })
    .transform(Number)
    .refine(size => size >= 1 && size <= most, { error: rule })
    .openapi({ type: 'integer', minimum: 1, maximum: most, default: byDefault })
}

export const time = z.string().openapi({ format: 'date-time' })

export const money = z.string().openapi({
  pattern: '^-?\\d+(\\.\\d+)?$',
  description: 'Dollars as a decimal string.',
  example: '0.0012',
})

export const keyName = z
  .string({ error: `expected a name: ${KEY_NAME_RULE}` })
  .refine(isKeyName, { error: `expected ${KEY_NAME_RULE}` })

export const label = z.string({ error: 'expected text' }).refine(isLabel, { error: `expected ${LABEL_RULE}` })

export const tagName = z.string().refine(isShortName, { error: `expected a name of ${SHORT_NAME_RULE}` })

export const callOutcome = z.enum([...CALL_OUTCOMES], { error: `expected one of ${CALL_OUTCOMES.join(', ')}` })
