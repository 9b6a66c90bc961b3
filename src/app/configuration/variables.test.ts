import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { hideVariables, showVariables, substitute } from './variables.ts'

const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,20}$/)
const value = fc.string({ unit: 'grapheme', maxLength: 40 })
/** Text that holds no variable. */
const plain = value.map(text => text.replaceAll('$', 'S'))
const fallback = plain.map(text => text.replaceAll('}', ')'))

describe('variables', () => {
  it('are replaced by their values, and everything around them stays', () => {
    fc.assert(
      fc.property(plain, name, value.filter(Boolean), plain, (before, variable, replaced, after) => {
        const text = `${before}\${${variable}}${after}`
        expect(substitute(text, { [variable]: replaced })).toEqual({
          text: `${before}${replaced}${after}`,
          substituted: true,
          problems: [],
        })
      }),
    )
  })

  it('that are unset or empty give their default, as in a shell', () => {
    fc.assert(
      fc.property(name, fallback, fc.constantFrom(undefined, ''), (variable, instead, unset) => {
        expect(substitute(`\${${variable}:-${instead}}`, { [variable]: unset })).toMatchObject({
          text: instead,
          problems: [],
        })
      }),
    )
  })

  it('that are set never give their default', () => {
    fc.assert(
      fc.property(name, fallback, value.filter(Boolean), (variable, instead, replaced) => {
        expect(substitute(`\${${variable}:-${instead}}`, { [variable]: replaced }).text).toBe(replaced)
      }),
    )
  })

  it('that are unset without a default are each a problem that names them', () => {
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), names => {
        const { problems } = substitute(names.map(variable => `\${${variable}}`).join(' '), {})
        expect(problems.map(({ problem }) => problem)).toEqual(
          names.map(variable => expect.stringContaining(` ${variable},`)),
        )
      }),
    )
  })

  it('leave text without a variable as it is', () => {
    fc.assert(
      fc.property(plain, text => {
        expect(substitute(text, {})).toEqual({ text, substituted: false, problems: [] })
      }),
    )
  })

  it('of the value of a variable are not replaced', () => {
    expect(substitute(`\${A}`, { A: `\${B}`, B: 'b' }).text).toBe(`\${B}`)
  })

  it.each([
    [`$\${A}`, `\${A}`],
    ['$A', '$A'],
    ['$5.00', '$5.00'],
    [`\${A}-\${B}`, 'a-b'],
    [`\${E}`, ''],
    [`\${C:-x:-y}`, 'x:-y'],
    [`\${C:-}`, ''],
  ])('of %s give %s', (text, replaced) => {
    expect(substitute(text, { A: 'a', B: 'b', E: '' })).toMatchObject({ text: replaced, problems: [] })
  })

  it.each([`\${A`, `\${}`, `\${1A}`, `\${A-b}`, `\${A:=b}`, `\${ A }`, `\${toString}`])(
    'that cannot be read, as in %s, are a problem',
    text => {
      expect(substitute(text, { A: 'a' }).problems).toHaveLength(1)
    },
  )
})

describe('hiding variables from YAML', () => {
  it('moves nothing and can be undone', () => {
    fc.assert(
      fc.property(plain, name, fc.option(fallback, { nil: null }), plain, (before, variable, instead, after) => {
        const text = `${before}\${${variable}${instead === null ? '' : `:-${instead}`}}${after}`
        const hidden = hideVariables(text)
        expect(hidden).toHaveLength(text.length)
        expect(showVariables(hidden)).toBe(text)
        if (instead === null || !/["'\\\r\n\t]/.test(instead)) expect(hidden).not.toContain(`\${`)
      }),
    )
  })
})
