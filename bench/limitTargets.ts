import { hasCoresForThreads } from './measures/threads.ts'
import { printed, ratio } from './ratios.ts'
import type { Result } from './result.ts'
import { atLeast, atMost, isBusy, type Verdict } from './verdict.ts'

const MAX_DECIDE_20_US = 10
const MAX_DECIDE_200_US = 100
/** An `each:key` limit with the dearest window, in use all day. */
const MAX_BYTES_PER_KEY = 1_500
const MAX_BYTES_PER_RUN = 150
const MIN_SHARE_WITH_LIMITS = 0.85
const MIN_TWO_THREADS = 1.8
const MIN_HONEST_CALLS = 9
const MIN_GENEROUS_STREAMS = 8
/** Of models that obey `max_tokens`: what a model writes unasked no gateway can hold back. */
const OBEYED = ['honestPlain', 'honestStream', 'unevenPlain', 'generousPlain', 'generousStream']
const RACERS = ['penstock-race', 'penstock-threads-race']

/** What limits must not cost, and how well they must hold. */
export function limitVerdicts(result: Result): Verdict[] {
  const decide = (count: number) => perThousand(printed(result, 'limits.ts', `decide and hold, ${count} limits`))
  const keyBytes = printed(result, 'limits.ts', 'memory of 100,000 keys, sliding 1d, 50 calls')
  const runBytes = printed(result, 'limits.ts', 'memory of a million runs a day, total')
  const share = (name: string) => ratio(result, { measure: 'limits', subject: 'penstock-limits', to: 'penstock', name })
  const busy = isBusy(result, 'limits', ['penstock', 'penstock-limits'])
  return [
    atMost('deciding over 20 limits', MAX_DECIDE_20_US, decide(20), ' µs', false),
    atMost('deciding over 200 limits', MAX_DECIDE_200_US, decide(200), ' µs', false),
    atMost('memory of each of 100,000 keys with a limit', MAX_BYTES_PER_KEY, keyBytes, ' B', false),
    atMost('memory of each of a million runs a day', MAX_BYTES_PER_RUN, runBytes, ' B', false),
    atLeast('plain calls with 20 limits, share of without', MIN_SHARE_WITH_LIMITS, share('callsPerSecond'), busy),
    atLeast('streams with 20 limits, share of without', MIN_SHARE_WITH_LIMITS, share('streamsPerSecond'), busy),
    twoThreads(result),
    atLeast(
      'race, plain, honest maxima: let through, of 10',
      MIN_HONEST_CALLS,
      least(result, 'honestPlain.admitted'),
      false,
    ),
    atLeast(
      'race, streamed, honest maxima: let through, of 10',
      MIN_HONEST_CALLS,
      least(result, 'honestStream.admitted'),
      false,
    ),
    atLeast(
      'race, streamed, maxima 20 times too high: let through, of 10',
      MIN_GENEROUS_STREAMS,
      least(result, 'generousStream.admitted'),
      false,
    ),
    atMost('races, models that obey: dollars over the cap', 0, mostOver(result), '', false),
  ]
}

/** Measured where each thread has a core; else what the busiest thread allows. */
function twoThreads(result: Result): Verdict {
  const of = { measure: 'threads', subject: 'penstock-threads', to: 'penstock-limits' } as const
  const busy = isBusy(result, 'threads', ['penstock-threads', 'penstock-limits'])
  if (hasCoresForThreads(result.machine.cores)) {
    return atLeast('two threads, share of one', MIN_TWO_THREADS, ratio(result, { ...of, name: 'callsPerSecond' }), busy)
  }
  const allowed = ratio(result, { ...of, name: 'callsPerSecondOfBusiest' })
  return atLeast('two threads, share of one, by the busiest thread’s time', MIN_TWO_THREADS, allowed, busy)
}

function perThousand(value: number | null): number | null {
  return value === null ? null : value / 1_000
}

/** The least of all races, so that one bad race is seen. */
function least(result: Result, name: string): number | null {
  const all = raced(result, [name])
  return all.length === 0 ? null : Math.min(...all)
}

function mostOver(result: Result): number | null {
  const all = raced(
    result,
    OBEYED.map(kind => `${kind}.overDollars`),
  )
  return all.length === 0 ? null : Math.max(...all)
}

function raced({ measurements }: Result, names: readonly string[]): readonly number[] {
  return measurements
    .filter(({ measure, subject }) => measure === 'race' && RACERS.includes(subject))
    .flatMap(({ figures }) => names.flatMap(name => figures[name] ?? []))
}
