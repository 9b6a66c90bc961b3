import { stringAt } from './text.ts'

interface KnownKey<Name extends string> {
  readonly bytes: Uint8Array
  readonly found: FoundKey<Name>
}

/** A key that was found: `exact`, or spelled like the name but for upper and lower case. */
export interface FoundKey<Name extends string> {
  readonly name: Name
  readonly exact: boolean
}

/** Recognises a few keys, or other short strings, by their bytes. Their lengths differ mostly, so that one look settles most unknown keys. */
export class KnownKeys<Name extends string> {
  readonly #byLength: readonly (readonly KnownKey<Name>[])[]

  constructor(names: readonly Name[]) {
    const byLength: KnownKey<Name>[][] = []
    for (const name of names) {
      while (byLength.length <= name.length) byLength.push([])
      byLength[name.length]!.push({ bytes: Buffer.from(name), found: { name, exact: true } })
    }
    this.#byLength = byLength
  }

  /**
   * @param at offset of the key's first quote
   * @param end offset behind its last
   */
  find(bytes: Uint8Array, at: number, end: number, escaped: boolean): FoundKey<Name> | null {
    if (escaped) return this.#findDecoded(stringAt(bytes, at, end, true))
    const candidates = this.#byLength[end - at - 2]
    if (candidates === undefined) return null
    for (let i = 0; i < candidates.length; i++) {
      const { bytes: spelling, found } = candidates[i]!
      const likeness = compare(bytes, at + 1, spelling)
      if (likeness === SAME) return found
      if (likeness === SAME_BUT_FOR_CASE) return { name: found.name, exact: false }
    }
    return null
  }

  #findDecoded(key: string): FoundKey<Name> | null {
    for (const { found } of this.#byLength[key.length] ?? []) {
      if (key === found.name) return found
      if (key.toLowerCase() === found.name) return { name: found.name, exact: false }
    }
    return null
  }
}

const DIFFERENT = 0
const SAME_BUT_FOR_CASE = 1
const SAME = 2

/** Names are in lower case; only their letters have another one. */
function compare(bytes: Uint8Array, at: number, name: Uint8Array): number {
  let likeness = SAME
  for (let i = 0; i < name.length; i++) {
    const byte = bytes[at + i]!
    if (byte === name[i]) continue
    if ((byte | 0x20) !== name[i]) return DIFFERENT
    likeness = SAME_BUT_FOR_CASE
  }
  return likeness
}
