import { existsSync } from 'node:fs'
import fc from 'fast-check'
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { DATA, recordedCorpora } from '../../../bench/tokens/recorded.ts'
import { boundInputTokens, CONTRIVED_MARGIN, INPUT_MARGIN } from '../../policy/estimate/estimate.ts'
import type { ParsedBody } from '../../ports/wire.ts'
import type { Endpoint } from '../../vocabulary/dialect.ts'
import { ARTICLE_1 } from './languages.fixture.ts'
import { bodyParser, TOOLS_TOKENS } from './parse.ts'
import { MEDIA_TOKENS } from './payloads.ts'
import { textWeight } from './text-weight.ts'
import { contrivedTexts, HOSTILE, ORDINARY } from './texts.fixture.ts'

const COUNTS = [
  ['o200k_base', countO200k],
  ['cl100k_base', countCl100k],
] as const
/** What OpenAI's template puts around a chat of one message. */
const CHAT_TOKENS = 7

const absent = !existsSync(new URL('bulk/', DATA))

function parse(body: unknown, endpoint: Endpoint = 'chat/completions', indent?: number | string): ParsedBody {
  return bodyParser(endpoint)(Buffer.from(JSON.stringify(body, null, indent))) as ParsedBody
}

function chat(content: unknown, endpoint?: Endpoint): ParsedBody {
  return parse({ model: 'm', messages: [{ role: 'user', content }] }, endpoint)
}

/** The bound as a share of the truth. */
function share(text: string, count: (text: string) => number): number {
  return boundInputTokens(chat(text)) / (count(text) + CHAT_TOKENS)
}

describe('the bound on the tokens of a prompt', () => {
  it.each([...ORDINARY, ...HOSTILE].map(kind => [kind.name, kind] as const))(
    `is at most ${INPUT_MARGIN * 100}% below the truth: %s`,
    (_, { text }) => {
      fc.assert(
        fc.property(fc.nat(), fc.integer({ min: 1, max: 800 }), (seed, length) => {
          const prompt = text(seed, length)
          for (const [, count] of COUNTS) expect(share(prompt, count)).toBeGreaterThanOrEqual(1 - INPUT_MARGIN)
        }),
        { numRuns: 15 },
      )
    },
  )

  it.skipIf(absent)(
    'is at most that far below for what others wrote (skipped where ../shared/data is absent)',
    () => {
      for (const { name, texts } of recordedCorpora()) {
        for (const text of texts.filter((_, i) => i % 10 === 0)) {
          for (const [, count] of COUNTS) expect(share(text, count), name).toBeGreaterThanOrEqual(1 - INPUT_MARGIN)
        }
      }
    },
    30_000,
  )

  it(`is at most ${CONTRIVED_MARGIN * 100}% below the truth for what is contrived to be weighed too lightly`, () => {
    for (const { name, text } of contrivedTexts()) {
      const weight = chat(text).promptWeight
      for (const [, count] of COUNTS) expect(weight / count(text), name).toBeGreaterThanOrEqual(1 - CONTRIVED_MARGIN)
    }
  }, 30_000)

  it('is no less for characters that are spelled by their number, as some clients spell all but ASCII', () => {
    for (const { name, text } of [...ORDINARY, ...HOSTILE]) {
      const prompt = text(11, 600)
      const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: prompt }] })
      const spelled = body.replace(/[^ -~]/g, unit => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      const { promptWeight } = bodyParser('chat/completions')(Buffer.from(spelled)) as ParsedBody
      const bound = boundInputTokens({ promptWeight })
      for (const [, count] of COUNTS) expect(bound, name).toBeGreaterThanOrEqual(count(prompt) * (1 - INPUT_MARGIN))
    }
  })

  it('holds English prose for less than two and a half times its tokens, and German for little more than two', () => {
    expect(share(ARTICLE_1.English!.repeat(20), countO200k)).toBeLessThan(2.5)
    expect(share(ARTICLE_1.German!.repeat(20), countO200k)).toBeLessThan(2.1)
  })

  it('covers the frame of gpt-oss around a short message', () => {
    expect(boundInputTokens(chat('Hi.'))).toBeGreaterThanOrEqual(66 + countO200k('Hi.'))
  })

  it('covers many short messages, each with a frame of its own', () => {
    const messages = Array.from({ length: 200 }, (_, i) => ({
      role: i % 2 === 0 ? 'user' : 'assistant',
      content: 'ok',
    }))
    const bound = boundInputTokens(parse({ model: 'm', messages }))
    expect(bound).toBeGreaterThan(200 * 6)
    expect(bound).toBeLessThan(200 * 6 * 4)
  })

  it('never falls as a text grows, and is never more than a token a byte', () => {
    const text = fc.oneof(fc.string({ unit: 'binary', maxLength: 60 }), fc.string({ unit: 'grapheme-ascii' }))
    fc.assert(
      fc.property(text, text, (before, more) => {
        const { promptWeight, promptBytes } = chat(before)
        expect(chat(before + more).promptWeight).toBeGreaterThanOrEqual(promptWeight)
        expect(promptWeight).toBeLessThanOrEqual(promptBytes)
      }),
      { numRuns: 1_000 },
    )
  })

  it('adds the weights of parts, wherever a text is split but in an escape or a run', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme-ascii', minLength: 2, maxLength: 99 }), fc.nat(), (text, cut) => {
        const bytes = Buffer.from(JSON.stringify(text))
        const middle = 1 + (cut % (bytes.length - 1))
        fc.pre(bytes[middle - 1] !== bytes[middle] && !text.includes('\\') && !/[^ -~]|"/.test(text))
        const parts = textWeight(bytes, 1, middle) + textWeight(bytes, middle, bytes.length)
        expect(parts).toBe(textWeight(bytes, 1, bytes.length))
      }),
    )
  })

  it('has no length at which sums run over', () => {
    expect(textWeight(Buffer.alloc(40_000_001, '7'), 1, 40_000_001)).toBe(4_000_000_000)
  })

  it.each([undefined, 2, 8, '\t'])('is about the same however the JSON is printed: indented by %j', indent => {
    const properties = Object.fromEntries(
      ['city', 'country', 'unit', 'days'].map(name => [
        name,
        { type: 'string', description: `The ${name} to look up.` },
      ]),
    )
    const tools = [{ type: 'function', function: { name: 'forecast', parameters: { type: 'object', properties } } }]
    const body = { model: 'm', messages: [{ role: 'user', content: 'Will it rain?' }], tools }
    const printed = parse(body, 'chat/completions', indent).promptWeight
    expect(printed).toBeGreaterThan(countO200k(JSON.stringify(tools)))
    expect(printed).toBeLessThan(1.4 * parse(body).promptWeight)
    expect(printed).toBeGreaterThan(0.9 * parse(body).promptWeight)
  })
})

describe('what is no text', () => {
  const base64 = Buffer.alloc(900_000, 'not all the same bytes').toString('base64')

  it('weighs what an image, a sound or a file has at most, and its base64 nothing', () => {
    const url = `data:image/png;base64,${base64}`
    const { promptWeight } = chat([
      { type: 'text', text: 'Compare.' },
      { type: 'image_url', image_url: { url } },
      { type: 'image_url', image_url: { url } },
    ])
    expect(promptWeight).toBeGreaterThan(2 * MEDIA_TOKENS)
    expect(promptWeight).toBeLessThan(2 * MEDIA_TOKENS + 150)
  })

  it('hides no text: before it, between and behind it all is weighed', () => {
    const image = { type: 'image', source: { type: 'base64', media_type: 'image/png', data: base64 } }
    const text = (length: number) => ({ type: 'text', text: '7'.repeat(length) })
    const { promptWeight } = parse(
      {
        image_data: { source: { data: base64 } },
        model: 'm',
        system: '7'.repeat(500),
        messages: [
          { role: 'user', content: [text(5_000), image, text(3_000), image] },
          { role: 'user', content: [text(900)] },
        ],
      },
      'messages',
    )
    expect(promptWeight).toBeGreaterThan(2 * MEDIA_TOKENS + 9_400)
    expect(promptWeight).toBeLessThan(2 * MEDIA_TOKENS + 9_400 + 300)
  })

  it('weighs documents by their size', () => {
    const data = Buffer.concat([Buffer.from('%PDF-1.7'), Buffer.alloc(90_000, 7)]).toString('base64')
    const source = { type: 'base64', media_type: 'application/pdf', data }
    const { promptWeight } = chat([{ type: 'document', source }], 'messages')
    expect(promptWeight).toBeGreaterThan(MEDIA_TOKENS + 0.09 * data.length)
    expect(promptWeight).toBeLessThan(MEDIA_TOKENS + 0.1 * data.length)
  })

  it.each([
    ['a list of tokens', Array.from({ length: 1_000 }, (_, i) => 100_000 + i), 1_000],
    ['lists of tokens', [[15_496, 11, 995], [9_906], [1, 2, 3, 4]], 8],
  ])('is a text cut into tokens, which has as many as there are numbers: %s', (_, input, tokens) => {
    expect(parse({ model: 'm', input }, 'embeddings').promptWeight).toBe(tokens)
    expect(parse({ model: 'm', input }, 'embeddings', 2).promptWeight).toBe(tokens)
  })

  it('is no list of strings, whose digits may be a token each', () => {
    expect(parse({ model: 'm', input: ['1234567890'] }, 'embeddings').promptWeight).toBeGreaterThan(10)
    expect(parse({ model: 'm', input: [1_234_567_890] }, 'responses').promptWeight).toBeGreaterThan(10)
  })
})

describe('tools of a message', () => {
  const tools = [{ name: 'f', input_schema: { type: 'object' } }]
  const weight = (members: object, endpoint: Endpoint) => parse({ model: 'm', ...members }, endpoint).promptWeight

  it('bring a system prompt of the provider’s', () => {
    const more = weight({ tools }, 'messages') - weight({ other: tools }, 'messages')
    expect(more).toBeCloseTo(TOOLS_TOKENS, 0)
  })

  it.each<[string, object, Endpoint]>([
    ['there is none', { tools: [] }, 'messages'],
    ['they are another dialect’s', { tools }, 'chat/completions'],
    ['they are deeper in', { metadata: { tools } }, 'messages'],
  ])('bring none where %s', (_, members, endpoint) => {
    expect(weight(members, endpoint)).toBeLessThan(100)
  })
})
