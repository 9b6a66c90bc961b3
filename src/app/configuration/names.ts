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

/** What clients and upstreams call a model: it stands in headers, so it is printable ASCII, without spaces around. */
const MODEL_NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/
export const MODEL_NAME_RULE = '1 to 256 printable ASCII characters, no space first or last'

export function isModelName(text: string): boolean {
  return MODEL_NAME.test(text)
}

/** Teams, users and the values of tags. */
const LABEL = /^(?!\s)[^\p{Cc}\p{Zl}\p{Zp}]{1,128}(?<!\s)$/u
export const LABEL_RULE = '1 to 128 characters, no control characters, no space first or last'

export function isLabel(text: string): boolean {
  return LABEL.test(text)
}

/** Names of HTTP headers. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

export function isHeaderName(text: string): boolean {
  return HEADER_NAME.test(text)
}
