import { existsSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { countTokens as countCl100k } from 'gpt-tokenizer/encoding/cl100k_base'
import { countTokens as countO200k } from 'gpt-tokenizer/encoding/o200k_base'
import { describe, expect, it } from 'vitest'
import { boundInputTokens, estimateInputTokens, estimateOutputTokens, outputBound } from './estimate.ts'

const COUNTS = [
  ['o200k_base', countO200k],
  ['cl100k_base', countCl100k],
] as const

const bulk = new URL('../../../../shared/data/bulk/', import.meta.url)
const absent = !existsSync(bulk)

function lines(path: string, field: string): string[] {
  const rows = readFileSync(new URL(path, bulk), 'utf8').trim().split('\n')
  return rows.map(row => String(JSON.parse(row)[field]))
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0)
}

const code = readFileSync(new URL('./estimate.ts', import.meta.url), 'utf8')
const TEXTS = {
  code,
  chinese: '系统在启动时读取配置，并检查每一个上游是否可用。如果没有任何部署可以回答，请求会立即被拒绝。'.repeat(20),
  japanese: '要求は到着した順に処理され、応答の最後のバイトは記録がディスクに書き込まれた後に送られます。'.repeat(20),
  korean: '요청은 도착한 순서대로 처리되며 응답의 마지막 바이트는 기록이 저장된 다음에 전송됩니다. '.repeat(20),
}

describe('the bound on input tokens', () => {
  it('is a whole number that never falls as a prompt grows, and holds something for none', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 40_000_000, noNaN: true }), fc.nat(1_000), (promptWeight, more) => {
        const bound = boundInputTokens({ promptWeight })
        expect(Number.isSafeInteger(bound)).toBe(true)
        expect(bound).toBeGreaterThan(promptWeight)
        expect(boundInputTokens({ promptWeight: promptWeight + more })).toBeGreaterThanOrEqual(bound)
      }),
    )
  })
})

describe('estimates', () => {
  it('of nothing are nothing, and of anything something', () => {
    expect([estimateInputTokens(0), estimateOutputTokens(0)]).toEqual([0, 0])
    expect([estimateInputTokens(1), estimateOutputTokens(1)]).toEqual([1, 1])
  })

  it.each(['code', 'chinese', 'japanese', 'korean'] as const)('are within a third of o200k_base for %s', kind => {
    const text = TEXTS[kind]
    const share = estimateInputTokens(Buffer.byteLength(text)) / countO200k(text)
    expect(share).toBeGreaterThan(2 / 3)
    expect(share).toBeLessThan(4 / 3)
  })

  it.skipIf(absent).each(COUNTS)(
    'are within a fifth of %s over English questions, answers and mail (skipped where ../shared/data is absent)',
    (_, count) => {
      const share = (texts: readonly string[], estimate: (bytes: number) => number) =>
        sum(texts.map(text => estimate(Buffer.byteLength(text)))) / sum(texts.map(text => count(text)))
      const questions = share(lines('gsm8k/test.jsonl', 'question').slice(0, 400), estimateInputTokens)
      const mail = lines('spam-assassin/mail.jsonl', 'body')
        .slice(0, 300)
        .map(text => text.slice(0, 8_000))
      const answers = share(lines('gsm8k/test.jsonl', 'answer').slice(0, 400), estimateOutputTokens)
      for (const each of [questions, share(mail, estimateInputTokens), answers]) {
        expect(each).toBeGreaterThan(0.8)
        expect(each).toBeLessThan(1.2)
      }
    },
  )
})

describe('the bound on output tokens', () => {
  it.each([
    ['the caller names', { callerMaximum: 100, choices: 1, modelMaximum: 4_096, cap: 32_000 }, 100],
    [
      'the model can write, when the caller asks for more',
      { callerMaximum: 9_000, choices: 1, modelMaximum: 4_096, cap: 32_000 },
      4_096,
    ],
    [
      'the caller names, when nobody knows the model',
      { callerMaximum: 90_000, choices: 1, modelMaximum: null, cap: 32_000 },
      90_000,
    ],
    [
      'the model can write, when the caller names nothing',
      { callerMaximum: null, choices: 1, modelMaximum: 4_096, cap: 32_000 },
      4_096,
    ],
    ['the cap allows, when nobody knows', { callerMaximum: null, choices: 1, modelMaximum: null, cap: 32_000 }, 32_000],
    ['each choice may have', { callerMaximum: 100, choices: 5, modelMaximum: null, cap: 32_000 }, 500],
    [
      'one choice may have, when none was asked for',
      { callerMaximum: 100, choices: 0, modelMaximum: null, cap: 32_000 },
      100,
    ],
    ['the caller names, even if that is nothing', { callerMaximum: 0, choices: 1, modelMaximum: null, cap: 32_000 }, 0],
  ])('is what %s', (_, limits, tokens) => expect(outputBound(limits)).toBe(tokens))
})
