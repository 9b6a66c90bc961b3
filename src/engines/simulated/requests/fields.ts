import type { RequestFault } from './fault.ts'

/** A JSON object whose fields are not known to be right. */
export type Json = Readonly<Record<string, unknown>>

export function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The first fault found in a body: the real APIs tell one at a time. */
export class FirstFault {
  fault: RequestFault | null = null

  missing(param: string): void {
    this.fault ??= { param, message: `Missing required parameter: '${param}'.`, code: 'missing_required_parameter' }
  }

  wrong(param: string, expected: string, found: unknown): void {
    const message = `Invalid value for '${param}': expected ${expected}, but got ${kindOf(found)} instead.`
    this.fault ??= { param, message, code: 'invalid_type' }
  }

  unsupported(param: string, message: string, code: string | null): void {
    this.fault ??= { param, message, code }
  }

  unsupportedBody(message: string): void {
    this.fault ??= { param: null, message, code: null }
  }
}

function kindOf(value: unknown): string {
  if (value === null || value === undefined) return 'null'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty array' : 'an array'
  if (typeof value === 'object') return 'an object'
  return typeof value === 'number' ? `the number ${value}` : `a ${typeof value}`
}

/** Reads the fields of one object; null and absent are the same, as with the real APIs. */
export class Fields {
  readonly #object: Json
  readonly #path: string
  readonly #faults: FirstFault

  constructor(object: Json, faults: FirstFault, path = '') {
    this.#object = object
    this.#faults = faults
    this.#path = path
  }

  /** The object itself. */
  get whole(): Json {
    return this.#object
  }

  raw(name: string): unknown {
    return this.#object[name] ?? null
  }

  string(name: string): string | null {
    return this.#read(name, 'a string', (value): value is string => typeof value === 'string')
  }

  boolean(name: string): boolean | null {
    return this.#read(name, 'a boolean', (value): value is boolean => typeof value === 'boolean')
  }

  integer(name: string, range: { readonly least: number; readonly most: number }): number | null {
    const expected = `a whole number from ${range.least} to ${range.most}`
    return this.#read(
      name,
      expected,
      (value): value is number =>
        Number.isInteger(value) && Number(value) >= range.least && Number(value) <= range.most,
    )
  }

  number(name: string): number | null {
    return this.#read(name, 'a number', (value): value is number => typeof value === 'number')
  }

  array(name: string): readonly unknown[] | null {
    return this.#read(name, 'an array', (value): value is readonly unknown[] => Array.isArray(value))
  }

  object(name: string): Fields | null {
    const value = this.#read(name, 'an object', isObject)
    return value === null ? null : new Fields(value, this.#faults, this.pathOf(name))
  }

  /** Objects of an array; null when it is absent or something else. */
  objects(name: string): readonly Fields[] | null {
    const items = this.array(name)
    if (items === null) return null
    const objects: Fields[] = []
    for (const [place, item] of items.entries()) {
      const path = `${this.pathOf(name)}[${place}]`
      if (isObject(item)) objects.push(new Fields(item, this.#faults, path))
      else this.#faults.wrong(path, 'an object', item)
    }
    return objects
  }

  /** Tells a fault when the field is absent. */
  need(name: string): void {
    if (this.raw(name) === null) this.#faults.missing(this.pathOf(name))
  }

  wrong(name: string, expected: string): void {
    this.#faults.wrong(this.pathOf(name), expected, this.#object[name])
  }

  unsupported(name: string, message: string, code: string | null = null): void {
    this.#faults.unsupported(this.pathOf(name), message, code)
  }

  pathOf(name: string): string {
    return this.#path === '' ? name : `${this.#path}.${name}`
  }

  #read<Value>(name: string, expected: string, is: (value: unknown) => value is Value): Value | null {
    const value = this.#object[name]
    if (value === undefined || value === null) return null
    if (is(value)) return value
    this.#faults.wrong(this.pathOf(name), expected, value)
    return null
  }
}
