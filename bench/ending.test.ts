import { expect, test } from 'vitest'
import { endingOf } from './ending.ts'
import type { Seen } from './load/caller.ts'
import { answerOf, lastFrames, roleFrame, TEXT, WORDS, wordFrame, wordsAfter } from './load/speech.ts'

const ERROR = 'data: {"error":{"message":"It broke.","type":"server_error"}}\n\n'

function seenOf(text: string, more: Partial<Seen> = {}): Seen {
  return { status: 200, headers: {}, text, cut: false, hung: false, firstContentMs: 1, ms: 2, ...more }
}

function streamed(text: string, more: Partial<Seen> = {}) {
  return endingOf(seenOf(text, more), { streamed: true, text: TEXT })
}

function plain(text: string, more: Partial<Seen> = {}) {
  return endingOf(seenOf(text, more), { streamed: false, text: TEXT })
}

function words(from: number, to: number): string {
  const frames = WORDS.slice(from, to).map(word => wordFrame('a', word))
  return frames.join('')
}

const WHOLE = roleFrame('a') + words(0, WORDS.length) + lastFrames('a')
const BEGUN = roleFrame('a') + words(0, 5)

test('only an answer that is whole, word for word, has survived', () => {
  expect(streamed(WHOLE)).toBe('survived')
  expect(streamed(WHOLE.replaceAll('\n', '\r\n'))).toBe('survived')
  expect(streamed(BEGUN + words(4, WORDS.length) + lastFrames('a'))).toBe('false')
  expect(streamed(BEGUN + words(6, WORDS.length) + lastFrames('a'))).toBe('false')
  expect(plain(JSON.stringify(answerOf('a')))).toBe('survived')
  expect(plain(JSON.stringify(answerOf('a')).replace('valve', 'gate'))).toBe('false')
})

test('an answer that ends as if it were whole, and is not, is false', () => {
  expect(streamed(BEGUN)).toBe('false')
  expect(streamed(BEGUN + lastFrames('a'))).toBe('false')
  expect(streamed('')).toBe('false')
  expect(streamed('<!doctype html>')).toBe('false')
  expect(plain('<!doctype html>')).toBe('false')
  expect(plain('')).toBe('false')
  expect(plain('{"choices":[]}')).toBe('false')
})

test('an error is honest as a status, in a body and in a stream, unless the stream had already finished', () => {
  expect(streamed('{"error":{}}', { status: 502 })).toBe('honest')
  expect(plain(ERROR.slice('data: '.length))).toBe('honest')
  expect(streamed(BEGUN + ERROR)).toBe('honest')
  expect(streamed(`${BEGUN}${ERROR}data: [DONE]\n\n`)).toBe('honest')
  expect(streamed(BEGUN + lastFrames('a') + ERROR)).toBe('false')
})

test('a frame that no client can read spoils an answer that is whole otherwise', () => {
  expect(streamed(`${BEGUN}data: {"choices":[{"delta"\n\n${words(5, WORDS.length)}${lastFrames('a')}`)).toBe('false')
})

test('a connection that breaks without a word is told from an end, and from no end at all', () => {
  expect(streamed(BEGUN, { cut: true })).toBe('cut')
  expect(streamed(WHOLE, { cut: true })).toBe('survived')
  expect(streamed('', { status: 0, cut: true })).toBe('cut')
  expect(plain('{"id":', { cut: true })).toBe('cut')
  expect(streamed(BEGUN, { hung: true })).toBe('hung')
})

test('a scripted model goes on exactly where the answer that it is given ends, be it inside a word', () => {
  for (const at of [0, 4, 7, 40, TEXT.length]) expect(wordsAfter(TEXT.slice(0, at)).join('')).toBe(TEXT.slice(at))
  expect(wordsAfter('Something else').join('')).toBe(TEXT)
})
