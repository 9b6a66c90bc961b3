// How bytes and the bound on input tokens compare with tokenizers: `node bench/tokens/measure.ts`, about a minute.
import { readFileSync } from 'node:fs'
import { bodyParser } from '../../src/dialects/body/parse.ts'
import { contrivedTexts, HOSTILE, ORDINARY } from '../../src/dialects/body/texts.fixture.ts'
import { boundInputTokens, CONTRIVED_MARGIN, INPUT_MARGIN } from '../../src/policy/estimate/estimate.ts'
import type { ParsedBody } from '../../src/ports/wire.ts'
import { sourceFiles } from '../../src/tidy/house.ts'
import { type Corpus, recordedCorpora, recordedIsMissing } from './recorded.ts'
import { startTokenizers, type Tokenizer } from './tokenizers.ts'

/** One request to be measured: its body, and the texts in it that a tokenizer sees. */
interface Prompt {
  readonly body: string
  readonly texts: readonly string[]
  readonly messages: number
}

/** What one tokenizer makes of the prompts of a corpus. */
interface Found {
  readonly bytesPerToken: readonly number[]
  /** The bound over the truth. */
  readonly tightness: readonly number[]
  /** The same for three tokens of four bytes and 32, whatever the bytes are. */
  readonly flat: readonly number[]
}

/** Lengths in characters and how many generated texts have them. */
const SIZES = [
  [40, 20],
  [300, 10],
  [3_000, 5],
  [20_000, 1],
] as const
const SEED = 4_099

const parse = bodyParser('chat/completions')

function chatOf(texts: readonly string[]): Prompt {
  const messages = texts.map((content, i) => ({ role: i % 2 === 0 ? 'user' : 'assistant', content }))
  return { body: JSON.stringify({ model: 'm', messages }), texts, messages: texts.length }
}

/** An upper bound of the truth: no template shows a model its tools in more tokens than their JSON has. */
function toolPrompt(schemas: string): Prompt {
  const messages = [{ role: 'user', content: 'Go on.' }]
  const body = JSON.stringify({ model: 'm', messages, tools: JSON.parse(schemas) })
  return { body, texts: ['Go on.', schemas], messages: 1 }
}

function generated(): readonly Corpus[] {
  return [...ORDINARY, ...HOSTILE].map(({ name, text }) => ({
    name,
    texts: SIZES.flatMap(([length, count]) => Array.from({ length: count }, (_, i) => text(SEED * i + length, length))),
  }))
}

/** The least of bound over truth, without the tokens that the bound has for a template. */
async function leastOfContrived(tokenizer: Tokenizer): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  let of = ''
  for (const { name, text } of contrivedTexts()) {
    const weight = (parse(Buffer.from(chatOf([text]).body)) as ParsedBody).promptWeight
    const ratio = weight / (await tokenizer.count(text))
    if (ratio < least) [least, of] = [ratio, name]
  }
  console.log(`${tokenizer.name}: ${least.toFixed(3)} of the truth for contrived texts, the least for ${of}`)
  return least
}

/** Several messages each: examples before a question, and a long talk of short turns. */
function chats(recorded: readonly Corpus[]): readonly (readonly [string, readonly Prompt[]])[] {
  const questions = recorded[0]!.texts
  const answers = recorded[1]!.texts
  const shots = Array.from({ length: 60 }, (_, i) =>
    chatOf(Array.from({ length: 17 }, (_, j) => (j % 2 === 0 ? questions : answers)[(i * 8 + (j >> 1)) % 500]!)),
  )
  const talks = Array.from({ length: 20 }, (_, i) =>
    chatOf(Array.from({ length: 2 * i + 1 }, (_, j) => ['ok', 'Yes.', '好', '7', ''][(i + j) % 5]!)),
  )
  return [
    ['GSM8K with 8 examples', shots],
    ['short turns', talks],
  ]
}

function allPrompts(): readonly (readonly [string, readonly Prompt[]])[] {
  const recorded = recordedCorpora()
  const code = { name: 'code', texts: sourceFiles().map(file => readFileSync(file.path, 'utf8').slice(0, 12_000)) }
  const corpora = [...recorded, code, ...generated()]
  const single = corpora.map(
    ({ name, texts }) =>
      [name, texts.map(text => (name === 'schemas of tools' ? toolPrompt(text) : chatOf([text])))] as const,
  )
  return [...chats(recorded), ...single]
}

async function findFor(prompts: readonly Prompt[], tokenizer: Tokenizer): Promise<Found> {
  const found = { bytesPerToken: [] as number[], tightness: [] as number[], flat: [] as number[] }
  for (const { body, texts, messages } of prompts) {
    const parsed = parse(Buffer.from(body)) as ParsedBody
    const counts = await Promise.all(texts.map(text => tokenizer.count(text)))
    const truth = counts.reduce((a, b) => a + b, 0) + tokenizer.chatTokens + messages * tokenizer.messageTokens
    found.bytesPerToken.push(parsed.promptBytes / truth)
    found.tightness.push(boundInputTokens(parsed) / truth)
    found.flat.push((parsed.promptBytes * 0.75 + 32) / truth)
  }
  return found
}

function quantile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]!
}

function shown(values: readonly number[], ...shares: readonly number[]): string {
  return shares.map(share => quantile(values, share).toFixed(2).padStart(5)).join(' ')
}

/** @returns whether the margins hold */
async function measure(tokenizers: readonly Tokenizer[]): Promise<boolean> {
  const least = new Map<string, number>()
  console.log(
    'bytes of a request a token: least, 1st percentile, median | bound over truth: least, median (flat 3/4)\n',
  )
  console.log(`${''.padEnd(46)}${tokenizers.map(({ name }) => name.padEnd(44)).join('')}`)
  for (const [name, prompts] of allPrompts()) {
    const cells: string[] = []
    for (const tokenizer of tokenizers) {
      const { bytesPerToken, tightness, flat } = await findFor(prompts, tokenizer)
      cells.push(`${shown(bytesPerToken, 0, 0.01, 0.5)} | ${shown(tightness, 0, 0.5)} (${shown(flat, 0, 0.5)})`)
      least.set(tokenizer.name, Math.min(least.get(tokenizer.name) ?? 9, ...tightness))
    }
    console.log(`${name.padEnd(40)} ${String(prompts.length).padStart(4)} ${cells.join('   ')}`)
  }
  for (const [name, ratio] of least) console.log(`${name}: the bound is at least ${ratio.toFixed(3)} of the truth`)
  const contrived: number[] = []
  for (const tokenizer of tokenizers) contrived.push(await leastOfContrived(tokenizer))
  return Math.min(...least.values()) >= 1 - INPUT_MARGIN && Math.min(...contrived) >= 1 - CONTRIVED_MARGIN
}

async function main(): Promise<number> {
  const tell = (line: string) => console.error(line)
  const missing = recordedIsMissing()
  if (missing !== null) {
    tell(missing)
    return 1
  }
  const tokenizers = await startTokenizers(tell)
  if ('unavailable' in tokenizers) {
    tell(tokenizers.unavailable)
    return 1
  }
  try {
    return (await measure(tokenizers.all)) ? 0 : 1
  } finally {
    await tokenizers.stop()
  }
}

process.exitCode = await main()
