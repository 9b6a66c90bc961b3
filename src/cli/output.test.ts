import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { csvField, toCsv } from './output.ts'

/** Reads CSV as RFC 4180 says, to hold the writer to it. */
function readCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = []
  const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\n)/gy
  let row: string[] = []
  for (let found = field.exec(text); found !== null; found = field.exec(text)) {
    row.push(found[1] === undefined ? found[2]! : found[1].replaceAll('""', '"'))
    if (found[3] === '\n') {
      rows.push(row)
      row = []
    }
    if (field.lastIndex === text.length) break
  }
  return rows
}

describe('CSV', () => {
  it('comes back as it was, whatever stands in a field', () => {
    const text = fc.string({ unit: fc.constantFrom('a', ',', '"', '\n', '\r', ' ', 'é', '=') })
    const table = fc.integer({ min: 1, max: 4 }).chain(width =>
      fc.tuple(
        fc.uniqueArray(
          text.filter(name => name !== '__proto__'),
          { minLength: width, maxLength: width },
        ),
        fc.array(fc.array(text, { minLength: width, maxLength: width })),
      ),
    )
    fc.assert(
      fc.property(table, ([columns, rows]) => {
        const written = toCsv(
          columns,
          rows.map(row => Object.fromEntries(columns.map((column, at) => [column, row[at]]))),
        )
        expect(readCsv(written)).toEqual([columns, ...rows])
      }),
    )
  })

  it.each([
    [null, ''],
    [undefined, ''],
    [0, '0'],
    ['0.0012', '0.0012'],
    [false, 'false'],
    [{ project: 'atlas' }, '"{""project"":""atlas""}"'],
  ])('writes %o as %s', (value, expected) => expect(csvField(value)).toBe(expected))
})
