export { isKeyName, isLabel, isShortName, KEY_NAME_RULE, LABEL_RULE, SHORT_NAME_RULE } from '../../vocabulary/names.ts'

/** What clients and upstreams call a model: it stands in headers, so it is printable ASCII, without spaces around. */
const MODEL_NAME = /^[\x21-\x7e](?:[\x20-\x7e]{0,254}[\x21-\x7e])?$/
export const MODEL_NAME_RULE = '1 to 256 printable ASCII characters, no space first or last'

export function isModelName(text: string): boolean {
  return MODEL_NAME.test(text)
}

/** Names of HTTP headers. */
const HEADER_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/

export function isHeaderName(text: string): boolean {
  return HEADER_NAME.test(text)
}
