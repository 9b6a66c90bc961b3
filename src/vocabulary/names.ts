/** Upstreams and tags: they stand in scopes, headers and metrics. */
const SHORT_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
export const SHORT_NAME_RULE = '1 to 64 letters, digits, dots, hyphens and underscores, a letter or digit first'

export function isShortName(text: string): boolean {
  return SHORT_NAME.test(text)
}

/** Keys: as above, and what mail addresses need besides. */
const KEY_NAME = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/
export const KEY_NAME_RULE = '1 to 64 letters, digits and . _ - @ +, a letter or digit first'

export function isKeyName(text: string): boolean {
  return KEY_NAME.test(text)
}

/** Teams, users and the values of tags. */
const LABEL = /^(?!\s)[^\p{Cc}\p{Zl}\p{Zp}]{1,128}(?<!\s)$/u
export const LABEL_RULE = '1 to 128 characters, no control characters, no space first or last'

export function isLabel(text: string): boolean {
  return LABEL.test(text)
}
