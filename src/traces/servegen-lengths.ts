import { z } from 'zod'
import type { Uniform } from './draws.ts'
import type { Line } from './lines.ts'
import { checkRecord, parseJson } from './record.ts'
import { TraceError } from './trace.ts'

const WINDOW_S = 21_600
/** Of the prompt; a number of images, sounds or videos multiplies the tokens of one. */
const PARTS = ['image', 'audio', 'video'] as const

const schema = z.object({
  client: z.int().min(0),
  windows: z.record(z.string().regex(/^\d+$/), z.record(z.string(), z.string())),
})

type Window = Readonly<Record<string, string>>

/** Values with their cumulated probabilities. */
class Histogram {
  readonly #values: number[] = []
  readonly #cumulated: number[] = []

  /** @param text as a dictionary of Python: `{45: 0.25, 46: 0.75}` */
  constructor(line: number, text: string) {
    let sum = 0
    for (const pair of text.replace(/^\s*\{|\}\s*$/g, '').split(',')) {
      const [value, probability] = pair.split(':').map(Number)
      if (!(value! >= 0) || !(probability! >= 0)) {
        throw new TraceError(
          line,
          `expected lengths with their probabilities such as \`{45: 0.25, 46: 0.75}\`, found \`${pair.slice(0, 40)}\``,
        )
      }
      sum += probability!
      this.#values.push(value!)
      this.#cumulated.push(sum)
    }
  }

  draw(uniform: Uniform): number {
    const wanted = uniform() * this.#cumulated[this.#cumulated.length - 1]!
    let low = 0
    let high = this.#cumulated.length - 1
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#cumulated[middle]! > wanted) high = middle
      else low = middle + 1
    }
    return this.#values[low]!
  }
}

/** Lengths of one client's prompts and answers in one window. */
export class Lengths {
  readonly #text: Histogram
  readonly #parts: readonly { readonly count: Histogram; readonly tokens: Histogram }[]
  readonly #output: Histogram

  constructor(line: number, window: Window) {
    const histogram = (name: string) => {
      const text = window[name]
      if (text === undefined) throw new TraceError(line, `expected \`${name}\` in every window`)
      return new Histogram(line, text)
    }
    this.#output = histogram('output_tokens')
    this.#text = histogram('input_tokens' in window ? 'input_tokens' : 'text_tokens')
    this.#parts = PARTS.filter(part => `${part}_count` in window).map(part => ({
      count: histogram(`${part}_count`),
      tokens: histogram(`${part}_tokens`),
    }))
  }

  draw(uniform: Uniform): { readonly inputTokens: number; readonly outputTokens: number } {
    let inputTokens = this.#text.draw(uniform)
    for (const { count, tokens } of this.#parts) {
      for (let left = count.draw(uniform); left > 0; left--) inputTokens += tokens.draw(uniform)
    }
    return {
      inputTokens: Math.max(1, Math.round(inputTokens)),
      outputTokens: Math.max(1, Math.round(this.#output.draw(uniform))),
    }
  }
}

/** The lengths of all clients, read when they are first needed: a busy pool has tens of megabytes of them. */
export class LengthTables {
  readonly #clients: ReadonlyMap<number, { readonly line: number; readonly windows: ReadonlyMap<number, Window> }>
  readonly #read = new Map<Window, Lengths>()

  constructor(clients: ReadonlyMap<number, { readonly line: number; readonly windows: ReadonlyMap<number, Window> }>) {
    this.#clients = clients
  }

  /** Those of the window of 6 h that a moment falls into, else of the nearest that is recorded; null when none is. */
  at(client: number, seconds: number): Lengths | null {
    const known = this.#clients.get(client)
    if (!known) return null
    let nearest: Window | null = null
    let distance = Number.POSITIVE_INFINITY
    for (const [startS, window] of known.windows) {
      const away = Math.abs(startS + WINDOW_S / 2 - seconds)
      if (away >= distance) continue
      nearest = window
      distance = away
    }
    if (!nearest) return null
    let lengths = this.#read.get(nearest)
    if (!lengths) {
      lengths = new Lengths(known.line, nearest)
      this.#read.set(nearest, lengths)
    }
    return lengths
  }
}

/** Reads ServeGen's lengths: one client a line, with histograms for each window of 6 h. */
export function readLengths(lines: Iterable<Line>): LengthTables {
  const clients = new Map<number, { line: number; windows: ReadonlyMap<number, Window> }>()
  for (const { number, text } of lines) {
    const { client, windows } = checkRecord(number, schema, parseJson(number, text))
    clients.set(client, {
      line: number,
      windows: new Map(Object.entries(windows).map(([at, window]) => [Number(at), window])),
    })
  }
  return new LengthTables(clients)
}
