/** Values of the environment by name, as `process.env` has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A text whose variables were replaced, and what went wrong with them. */
export interface Substitution {
  readonly text: string
  /** Whether there was a variable at all. */
  readonly substituted: boolean
  readonly problems: readonly { readonly problem: string; readonly expected: string }[]
}

const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
// `$${` stands for a `${` that is no variable; then `${…}`; then a `${` that nothing closes.
const VARIABLE = /\$\$\{|\$\{([^}]*)\}|\$\{/g

/**
 * Replaces `${NAME}` and `${NAME:-default}`. As in a shell, the default counts for a variable that is unset or empty.
 * Values and defaults are taken as they are: variables in them are not replaced. `$${` is a plain `${`.
 */
export function substitute(text: string, environment: Environment): Substitution {
  if (!text.includes('${')) return { text, substituted: false, problems: [] }
  const problems: { problem: string; expected: string }[] = []
  let substituted = false
  const replaced = text.replace(VARIABLE, (whole, inner: string | undefined) => {
    if (whole === '$${') return '${'
    substituted = true
    if (inner === undefined) {
      problems.push({
        problem: 'has a variable that is not closed',
        expected: `\${NAME}, \${NAME:-default} or, for the text itself, $\${`,
      })
      return ''
    }
    const at = inner.indexOf(':-')
    const name = at < 0 ? inner : inner.slice(0, at)
    if (!NAME.test(name)) {
      problems.push({
        problem: `has a variable that cannot be read, ${whole}`,
        expected: `\${NAME} or \${NAME:-default}`,
      })
      return ''
    }
    const value = Object.hasOwn(environment, name) ? environment[name] : undefined
    if (at >= 0) return value || inner.slice(at + 2)
    if (value !== undefined) return value
    problems.push({
      problem: `needs the environment variable ${name}, which is not set`,
      expected: `a value for ${name}, or \${${name}:-default}`,
    })
    return ''
  })
  return { text: replaced, substituted, problems }
}

/*
 * YAML ends a plain scalar inside `{ … }` at a brace, so that `{ secret: ${CI_KEY} }` would be no YAML. Each variable is
 * therefore hidden before the file is parsed: its characters move to a private block of Unicode, one for one, so that
 * every line and column stays what it was, and back when a scalar is read. Quotes and backslashes in a default stay out
 * of this: they only make sense inside quotes, where YAML has no trouble with braces.
 */
const HIDDEN_FROM = 0xe000
const HIDDEN = /[\uE000-\uE07F]/g
const HIDEABLE = /\$\{[A-Za-z_][A-Za-z0-9_]*(?::-[^}"'\\\r\n\t]*)?\}/g

/** Whether the text has characters that `hideVariables` needs for itself. */
export function holdsHidden(text: string): boolean {
  return text.search(HIDDEN) >= 0
}

/** Makes variables plain letters to a YAML parser, without moving anything. */
export function hideVariables(text: string): string {
  return text.replace(HIDEABLE, variable =>
    variable.replace(/[\x20-\x7e]/g, c => String.fromCharCode(HIDDEN_FROM + c.charCodeAt(0))),
  )
}

/** Undoes `hideVariables`. */
export function showVariables(text: string): string {
  return text.replace(HIDDEN, c => String.fromCharCode(c.charCodeAt(0) - HIDDEN_FROM))
}
