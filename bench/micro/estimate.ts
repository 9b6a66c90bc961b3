// What the bound on a prompt's tokens costs, in nanoseconds: `node bench/micro/estimate.ts`.
import { bodyParser } from '../../src/dialects/body/parse.ts'
import { textWeight } from '../../src/dialects/body/text-weight.ts'
import { HOSTILE, ORDINARY, type TextKind } from '../../src/dialects/body/texts.fixture.ts'
import { boundInputTokens, estimateInputTokens } from '../../src/policy/estimate/estimate.ts'
import type { ParsedBody } from '../../src/ports/wire.ts'

/** Rounds of a measure, and how long each takes at least; the fastest is told, since whatever else runs only slows. */
const ROUNDS = 15
const ROUND_MS = 8

/** Takes what every operation returns, so that none is optimised away. */
let sink = 0

function nanosecondsOf(work: () => number): number {
  let batch = 1
  let fastest = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const began = performance.now()
    for (let i = 0; i < batch; i++) sink += work()
    const elapsedMs = performance.now() - began
    if (elapsedMs < ROUND_MS && round === 0) {
      batch = Math.max(2 * batch, Math.ceil((batch * ROUND_MS) / Math.max(elapsedMs, 0.01)))
      round = -1
    } else fastest = Math.min(fastest, (elapsedMs * 1e6) / batch)
  }
  return fastest
}

function kindCalled(name: string): TextKind {
  const found = [...ORDINARY, ...HOSTILE].find(kind => kind.name === name)
  if (found === undefined) throw new Error(`there is no text called '${name}'`)
  return found
}

function print(name: string, nanoseconds: number, bytes: number): void {
  const each = (nanoseconds / bytes).toFixed(2)
  console.log(`${name.padEnd(48)} ${nanoseconds.toFixed(0).padStart(10)} ns   ${each} ns a byte`)
}

const parse = bodyParser('chat/completions')

for (const name of ['prose in English', 'code', 'prose in Chinese', 'base64', 'random characters']) {
  const text = name === 'code' ? bodyParser.toString().repeat(120).slice(0, 100_000) : kindCalled(name).text(1, 100_000)
  for (const length of [1_000, 100_000]) {
    const bytes = Buffer.from(JSON.stringify(text.slice(0, length)))
    print(
      `weigh ${length} characters of ${name}`,
      nanosecondsOf(() => textWeight(bytes, 1, bytes.length)),
      bytes.length,
    )
  }
}

for (const length of [200, 3_000, 100_000, 10_000_000]) {
  const content = kindCalled('prose in English').text(1, length)
  const bytes = Buffer.from(JSON.stringify({ model: 'fast', messages: [{ role: 'user', content }] }))
  const whole = nanosecondsOf(() => boundInputTokens(parse(bytes) as ParsedBody))
  const weighing = nanosecondsOf(() => textWeight(bytes, 1, bytes.length))
  print(`parse and bound a prompt of ${length} characters`, whole, bytes.length)
  print('  of which weighing', weighing, bytes.length)
}

const body = parse(Buffer.from('{"model":"fast","messages":[{"role":"user","content":"Hi"}]}')) as ParsedBody
console.log(`bound                ${nanosecondsOf(() => boundInputTokens(body)).toFixed(1)} ns`)
console.log(`estimate             ${nanosecondsOf(() => estimateInputTokens(body.promptBytes)).toFixed(1)} ns`)
if (sink === 0) throw new Error('nothing was measured')
