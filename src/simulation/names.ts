/**
 * Finds an entry by its name or another spelling of it: case, spaces, hyphens, a maker's name, and what the names of
 * checkpoints say beside the model's make no difference.
 */
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

/** What names of checkpoints say beside the model's: how it was trained on, in which format its weights are, and when. */
const CHECKPOINT =
  /(?:[-_ ](?:instruct|chat|it|base|thinking|fp8|fp4|nvfp4|mxfp4|bf16|int4|awq|gptq|w4a16|kv|dynamic|preview|hf|0324|0528|2507))+$/
const MAKERS = /^(?:nvidia|amd|intel|meta-llama|qwen|mistralai|openai|deepseek-ai|moonshotai|zai-org|minimaxai)[/ _-]+/

function plain(name: string): string {
  return name
    .toLowerCase()
    .replace(/^.*\//, '')
    .replace(MAKERS, '')
    .replace(CHECKPOINT, '')
    .replace(/[^a-z0-9.]/g, '')
    .replace(/(?:instruct|chat|it)$/, '')
}
