import { describe, expect, it } from 'vitest'
import { drawExponential, drawGamma, drawWeibull, gammaFunction, seededUniform } from './draws.ts'
import { readTrace } from './read.ts'
import { TraceError } from './trace.ts'

const bytes = (text: string) => new TextEncoder().encode(text)
const HEADER = 'client,t_s,rate_rps,cv,pattern,param1,param2'
const lengthsOf = (client: number, window: object) => JSON.stringify({ client, windows: { 0: window } })
const PLAIN = { input_tokens: '{10: 0.25, 30: 0.75}', output_tokens: '{7: 1.0}' }

describe('draws', () => {
  const many = 40_000
  const moments = (draw: () => number) => {
    const values = Array.from({ length: many }, draw)
    const mean = values.reduce((a, b) => a + b) / many
    return { mean, variance: values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / many }
  }

  it.each([
    ['exponential', (u: () => number) => drawExponential(u), 1, 1],
    ['gamma of shape 0.4', (u: () => number) => drawGamma(0.4, u), 0.4, 0.4],
    ['gamma of shape 3', (u: () => number) => drawGamma(3, u), 3, 3],
    [
      'Weibull of shape 0.8',
      (u: () => number) => drawWeibull(0.8, u),
      gammaFunction(2.25),
      gammaFunction(3.5) - gammaFunction(2.25) ** 2,
    ],
    [
      'Weibull of shape 2',
      (u: () => number) => drawWeibull(2, u),
      gammaFunction(1.5),
      gammaFunction(2) - gammaFunction(1.5) ** 2,
    ],
  ])('%s have the mean and the variance they should', (_, draw, mean, variance) => {
    const uniform = seededUniform(11)
    const found = moments(() => draw(uniform))
    expect(Math.abs(found.mean / mean - 1)).toBeLessThan(0.03)
    expect(Math.abs(found.variance / variance - 1)).toBeLessThan(0.1)
  })

  it('knows the gamma function where its values are known', () => {
    for (const [x, value] of [
      [1, 1],
      [5, 24],
      [0.5, Math.sqrt(Math.PI)],
      [1.5, Math.sqrt(Math.PI) / 2],
      [11, 3_628_800],
    ] as const) {
      expect(Math.abs(gammaFunction(x) / value - 1)).toBeLessThan(1e-12)
    }
  })

  it('repeats itself for a seed and differs between seeds and streams', () => {
    const some = (seed: number, stream?: number) => Array.from({ length: 20 }, seededUniform(seed, stream))
    expect(some(1)).toEqual(some(1))
    expect(some(1)).not.toEqual(some(2))
    expect(some(1, 1)).not.toEqual(some(1, 2))
    for (const value of some(3)) expect(value >= 0 && value < 1).toBe(true)
  })
})

describe('reading ServeGen', () => {
  const rates = (rows: readonly string[]) => bytes([HEADER, ...rows].join('\n'))

  it.each([
    ['even', 'Gamma,1,1'],
    ['bursty', 'Gamma,0.1,1'],
    ['Weibull', 'Weibull,0.6,1'],
  ])('draws as many requests as the rates say, when they are %s', (_, pattern) => {
    const rows = Array.from({ length: 60 }, (_, i) => `0,${i * 600},${i % 2 ? 2 : 0.5},1,${pattern}`)
    const { requests } = readTrace(rates(rows), { lengths: bytes(lengthsOf(0, PLAIN)) })
    const expected = 30 * 600 * 2.5
    expect(Math.abs(requests.length / expected - 1)).toBeLessThan(0.06)
    const busy = requests.filter(({ atMs }) => Math.floor(atMs / 600_000) % 2 === 1).length
    expect(Math.abs(busy / requests.length - 0.8)).toBeLessThan(0.05)
  })

  it('draws lengths as each client has them, and names the client', () => {
    const lengths = bytes(`${lengthsOf(0, PLAIN)}\n${lengthsOf(4, { ...PLAIN, output_tokens: '{9: 1.0}' })}`)
    const { requests, blockTokens } = readTrace(rates(['0,0,2,1,Gamma,1,1', '4,0,2,1,Gamma,1,1']), { lengths })
    expect(blockTokens).toBeNull()
    const thirty = requests.filter(({ inputTokens }) => inputTokens === 30).length
    expect(Math.abs(thirty / requests.length - 0.75)).toBeLessThan(0.05)
    for (const { tenant, inputTokens, outputTokens } of requests) {
      expect([10, 30]).toContain(inputTokens)
      expect(outputTokens).toBe(tenant === 'client 0' ? 7 : 9)
    }
  })

  it('adds the tokens of every image to those of the text', () => {
    const window = {
      text_tokens: '{5: 1.0}',
      image_tokens: '{100: 1.0}',
      image_count: '{3: 1.0}',
      output_tokens: '{1: 1.0}',
    }
    const { requests } = readTrace(rates(['0,0,0.1,1,Gamma,1,1']), { lengths: bytes(lengthsOf(0, window)) })
    expect(new Set(requests.map(({ inputTokens }) => inputTokens))).toEqual(new Set([305]))
  })

  it('begins and ends where it is told, and stops when there are enough', () => {
    const rows = Array.from({ length: 6 }, (_, i) => `0,${i * 600},1,1,Gamma,1,1`)
    const lengths = bytes(lengthsOf(0, PLAIN))
    const { requests } = readTrace(rates(rows), { lengths, fromMs: 900_000, durationMs: 600_000 })
    expect(Math.abs(requests.length / 600 - 1)).toBeLessThan(0.2)
    for (const { atMs } of requests) expect(atMs >= 0 && atMs <= 600_000).toBe(true)
    expect(readTrace(rates(rows), { lengths, requests: 17 }).requests).toHaveLength(17)
  })

  it('leaves out clients without lengths, and says so', () => {
    const trace = readTrace(rates(['0,0,1,1,Gamma,1,1', '3,0,1,1,Gamma,1,1']), { lengths: bytes(lengthsOf(0, PLAIN)) })
    expect(new Set(trace.requests.map(({ tenant }) => tenant))).toEqual(new Set(['client 0']))
    expect(trace.notes.join()).toMatch(/clients 3/)
  })

  it('gives the same trace for the same seed, and another for another', () => {
    const read = (seed: number) =>
      readTrace(rates(['0,0,1,1,Weibull,0.5,1']), { seed, lengths: bytes(lengthsOf(0, PLAIN)) })
    expect(read(1)).toEqual(read(1))
    expect(read(1).requests).not.toEqual(read(2).requests)
  })

  it.each([
    ['rates that make billions of requests', ['0,0,9000,1,Gamma,1,1'], lengthsOf(0, PLAIN), null, /2000000/],
    ['a pattern that nobody knows', ['0,0,1,1,Gamma,1,1', '0,600,1,1,Pareto,1,1'], lengthsOf(0, PLAIN), 3, /Weibull/],
    ['a row that is short', ['0,0,1'], lengthsOf(0, PLAIN), 2, /client,t_s/],
    [
      'lengths that are no histogram',
      ['0,0,1,1,Gamma,1,1'],
      lengthsOf(0, { ...PLAIN, input_tokens: 'many' }),
      1,
      /probabilities/,
    ],
    ['lengths without answers', ['0,0,1,1,Gamma,1,1'], lengthsOf(0, { input_tokens: '{1: 1.0}' }), 1, /output_tokens/],
  ])('refuses %s', (_, rows, lengths, line, message) => {
    try {
      readTrace(rates(rows), { lengths: bytes(lengths) })
    } catch (error) {
      expect(error).toBeInstanceOf(TraceError)
      expect((error as TraceError).line).toBe(line)
      expect((error as TraceError).message).toMatch(message)
      return
    }
    throw new Error('it was read')
  })
})
