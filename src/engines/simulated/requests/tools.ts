import type { AnswerForm } from './ask.ts'
import type { Fields } from './fields.ts'
import { isObject, type Json } from './fields.ts'
import { sampleOf } from './json-sample.ts'

/** A tool that a caller offers, whatever its dialect. */
export interface OfferedTool {
  readonly name: string
  readonly schema: unknown
}

/** How each dialect says that a tool must be called, and which. */
export interface ForcedCall {
  /** Name of the tool; null for any. */
  readonly name: string | null
}

/** The form of the answer to a forced call: that tool, or the first. Null, with a fault told, when there is no such tool. */
export function callForm(body: Fields, tools: readonly OfferedTool[], forced: ForcedCall): AnswerForm | null {
  const tool = forced.name === null ? tools[0] : tools.find(({ name }) => name === forced.name)
  if (tool === undefined) {
    body.unsupported(
      'tool_choice',
      forced.name === null
        ? "'tool_choice' is only allowed when 'tools' are specified."
        : `Tool choice '${forced.name}' not found in 'tools' parameter.`,
    )
    return null
  }
  const sample = sampleOf(tool.schema)
  // Arguments are always an object, though a tool without any may describe them by nothing.
  return { kind: 'call', name: tool.name, text: JSON.stringify(isObject(sample) ? sample : {}) }
}

/** The form of an answer that must be JSON, of a schema or of none. */
export function jsonForm(schema: unknown): AnswerForm {
  const value: Json = { simulated: true, answer: 'This is a simulated answer: no model was asked.' }
  return { kind: 'json', text: JSON.stringify(isObject(schema) ? sampleOf(schema) : value) }
}
