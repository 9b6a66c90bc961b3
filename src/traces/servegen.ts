import { drawGamma, drawWeibull, gammaFunction, seededUniform, type Uniform } from './draws.ts'
import type { Line } from './lines.ts'
import { type Lengths, type LengthTables, readLengths } from './servegen-lengths.ts'
import { type Trace, TraceError, type TraceRequest } from './trace.ts'

const HEADER = 'client,t_s,rate_rps,cv,pattern,param1,param2'
const WINDOW_S = 600
/** Requests are drawn for so long at a time, so that a few requests of a busy pool are not picked from millions. */
const SLICE_S = 10
/** Requests that one reading makes at most: rates of a busy pool add up to billions. */
export const MOST_DRAWN_REQUESTS = 2_000_000

/** Whether a first line is the header of ServeGen's rates. */
export function isServegen(firstLine: string): boolean {
  return firstLine === HEADER
}

type Pattern = 'Gamma' | 'Weibull'

/** What one client sends in one window of 600 s. */
interface Rate {
  readonly client: number
  readonly perSecond: number
  readonly pattern: Pattern
  readonly shape: number
}

/** Rates by the beginning of their window in seconds, in order of time. */
type Windows = ReadonlyMap<number, readonly Rate[]>

function readRates(lines: Iterable<Line>): Windows {
  const windows = new Map<number, Rate[]>()
  for (const { number, text } of lines) {
    if (isServegen(text)) continue
    const cells = text.split(',')
    const [client, windowS, perSecond, , , shape] = cells.map(Number)
    const pattern = cells[4]
    const sound =
      cells.length === 7 && Number.isInteger(client) && Number.isInteger(windowS) && perSecond! >= 0 && shape! > 0
    if (!sound || (pattern !== 'Gamma' && pattern !== 'Weibull')) {
      throw new TraceError(
        number,
        `expected \`${HEADER}\` such as \`0,600,0.27,6.01,Weibull,0.49,3.38\`, found \`${text.slice(0, 80)}\``,
      )
    }
    const rates = windows.get(windowS!) ?? []
    rates.push({ client: client!, perSecond: perSecond!, pattern, shape: shape! })
    windows.set(windowS!, rates)
  }
  return new Map([...windows].sort(([a], [b]) => a - b))
}

/** How many requests the rates make, on average, in the time that is wanted. */
function expectedRequests(windows: Windows, { fromMs, durationMs }: ServegenOptions): number {
  let expected = 0
  for (const [startS, rates] of windows) {
    const fromS = Math.max(startS, fromMs / 1000)
    const untilS = Math.min(startS + WINDOW_S, (fromMs + durationMs) / 1000)
    if (untilS > fromS) expected += rates.reduce((sum, { perSecond }) => sum + perSecond, 0) * (untilS - fromS)
  }
  return expected
}

/** A gap with a mean of 1 and the shape of the client's window. */
function drawGap({ pattern, shape }: Rate, uniform: Uniform): number {
  return pattern === 'Gamma'
    ? drawGamma(shape, uniform) / shape
    : drawWeibull(shape, uniform) / gammaFunction(1 + 1 / shape)
}

/**
 * What is left of the gap that a moment in the middle of everything falls into. Long gaps are met more often than short
 * ones, so it is a part of a gap drawn by its length; without it every client would begin with a burst.
 */
function drawFirstGap({ pattern, shape }: Rate, uniform: Uniform): number {
  const met =
    pattern === 'Gamma'
      ? drawGamma(shape + 1, uniform) / shape
      : drawGamma(1 + 1 / shape, uniform) ** (1 / shape) / gammaFunction(1 + 1 / shape)
  return met * uniform()
}

/** One client's arrivals: gaps with a mean of 1 on a clock that runs as fast as the client's rate. */
class ClientArrivals {
  readonly #uniform: Uniform
  /** Until the next arrival, on the client's own clock; null before the first window. */
  #left: number | null = null

  constructor(uniform: Uniform) {
    this.#uniform = uniform
  }

  /** Goes on for a slice; calls `arrive` with the seconds from its beginning. */
  through(rate: Rate, arrive: (afterS: number) => void): void {
    let left = this.#left ?? drawFirstGap(rate, this.#uniform)
    let passed = 0
    const whole = rate.perSecond * SLICE_S
    while (passed + left < whole) {
      passed += left
      arrive(passed / rate.perSecond)
      left = drawGap(rate, this.#uniform)
    }
    this.#left = left - (whole - passed)
  }
}

export interface ServegenOptions {
  readonly seed: number
  /** The beginning of what is drawn, in the recording's time. */
  readonly fromMs: number
  readonly durationMs: number
  readonly requests: number
}

/** Draws requests window by window until the time is over or there are enough. */
class Drawing {
  readonly requests: TraceRequest[] = []
  readonly withoutLengths = new Set<number>()
  readonly #options: ServegenOptions
  readonly #lengths: LengthTables
  readonly #arrivals = new Map<number, ClientArrivals>()
  readonly #uniforms = new Map<number, Uniform>()

  constructor(options: ServegenOptions, lengths: LengthTables) {
    this.#options = options
    this.#lengths = lengths
  }

  /** @returns false when nothing later is wanted */
  window(startS: number, rates: readonly Rate[]): boolean {
    const { fromMs, durationMs, requests } = this.#options
    for (let sliceS = startS; sliceS < startS + WINDOW_S; sliceS += SLICE_S) {
      if ((sliceS + SLICE_S) * 1000 <= fromMs) continue
      if (sliceS * 1000 > fromMs + durationMs) return false
      const drawn: TraceRequest[] = []
      for (const rate of rates) {
        const lengths = this.#lengths.at(rate.client, sliceS)
        if (!lengths) this.withoutLengths.add(rate.client)
        else this.#draw(rate, lengths, sliceS * 1000 - fromMs, drawn)
      }
      for (const request of drawn.sort((a, b) => a.atMs - b.atMs)) this.requests.push(request)
      if (this.requests.length >= requests) return false
    }
    return true
  }

  #draw(rate: Rate, lengths: Lengths, sliceMs: number, drawn: TraceRequest[]): void {
    const uniform = this.#once(this.#uniforms, rate.client, () =>
      seededUniform(this.#options.seed, 2 * rate.client + 1),
    )
    const arrivals = this.#once(
      this.#arrivals,
      rate.client,
      () => new ClientArrivals(seededUniform(this.#options.seed, 2 * rate.client)),
    )
    arrivals.through(rate, afterS => {
      const atMs = sliceMs + afterS * 1000
      if (atMs < 0 || atMs > this.#options.durationMs) return
      drawn.push({
        atMs,
        model: null,
        ...lengths.draw(uniform),
        blocks: null,
        tenant: `client ${rate.client}`,
        session: null,
        follows: null,
      })
    })
  }

  #once<T>(map: Map<number, T>, client: number, make: () => T): T {
    let value = map.get(client)
    if (value === undefined) {
      value = make()
      map.set(client, value)
    }
    return value
  }
}

/**
 * Draws requests as ServeGen's clients send them: each client has a rate and a shape of its gaps for every 600 s, and
 * its own lengths of prompts and answers for every 6 h.
 *
 * @param lengthLines the lines of the pool's file of lengths, which the rates do not hold
 * Source: data of alibaba/ServeGen (NSDI 2026).
 */
export function readServegen(lines: Iterable<Line>, lengthLines: Iterable<Line>, options: ServegenOptions): Trace {
  const windows = readRates(lines)
  if (Math.min(expectedRequests(windows, options), options.requests) > MOST_DRAWN_REQUESTS) {
    throw new TraceError(
      null,
      `these rates make more than ${MOST_DRAWN_REQUESTS} requests: name a shorter time or fewer requests`,
    )
  }
  const drawing = new Drawing(options, readLengths(lengthLines))
  for (const [startS, rates] of windows) if (!drawing.window(startS, rates)) break
  const missing = [...drawing.withoutLengths].sort((a, b) => a - b)
  const notes = missing.length ? [`left out, since their lengths are not recorded: clients ${missing.join(', ')}`] : []
  return { format: 'servegen', requests: drawing.requests, blockTokens: null, blockIds: 0, notes }
}
