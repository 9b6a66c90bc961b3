/** Finds an entry by its name or another spelling of it: case, spaces, hyphens and a maker's name make no difference. */
export class NameTable<Entry extends { readonly name: string; readonly aliases?: readonly string[] }> {
  /** As they are written in the table. */
  readonly names: readonly string[]
  readonly #what: string
  readonly #bySpelling = new Map<string, Entry>()

  constructor(what: string, entries: readonly Entry[]) {
    this.#what = what
    this.names = entries.map(entry => entry.name)
    for (const entry of entries) {
      for (const spelling of [entry.name, ...(entry.aliases ?? [])]) this.#bySpelling.set(plain(spelling), entry)
    }
  }

  /** @returns undefined when there is no such entry */
  find(name: string): Entry | undefined {
    return this.#bySpelling.get(plain(name))
  }

  /** @throws Error with a sentence that lists what there is */
  get(name: string): Entry {
    const entry = this.find(name)
    if (entry !== undefined) return entry
    throw new Error(`there is no ${this.#what} ${JSON.stringify(name)} in the table; it has ${this.names.join(', ')}`)
  }
}

const MAKERS = /^(?:nvidia|amd|intel|meta-llama|qwen|mistralai|openai|deepseek-ai|moonshotai|zai-org|minimaxai)[/ _-]+/

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(MAKERS, '')
    .replace(/[^a-z0-9.]/g, '')
    .replace(/(?:instruct|chat|it)$/, '')
}
