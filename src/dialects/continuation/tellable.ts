const HALF_PAIR_AT_END = /[\ud800-\udbff]$/

/** A text without half a character at its end, which no upstream could read; its other half comes with what goes on. */
export function tellablePart(text: string): string {
  return HALF_PAIR_AT_END.test(text) ? text.slice(0, -1) : text
}
