import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { GATEWAY_CORE, LOAD_CORE, threadMicroseconds } from '../process.ts'
import type { Running, Subject } from '../subject.ts'
import { penstockLimited, penstockThreads } from '../subjects/penstock.ts'
import { ROOT } from '../workshop.ts'
import { type Length, measurePlain, warmUp } from './load.ts'
import { type Found, type Keep, sideBySide } from './sideBySide.ts'

/** Two threads, their owner and the ledger's writer take one each, beside the one of the load generator. */
const CORES_TO_SHOW_IT = 5
/** Each thread compiles for itself, and is given but a part of the calls. */
const WARM_UPS = 3
const CROSSINGS_FILE = 'crossings.json'

/** Whether a machine can show what two threads bring. */
export function hasCoresForThreads(cores: number): boolean {
  return cores >= CORES_TO_SHOW_IT
}

/** The gateway's cores in this measure: all but the load generator's where they are enough to show what threads bring. */
function coresForThreads(): readonly number[] {
  const cores = availableParallelism()
  if (!hasCoresForThreads(cores)) return [GATEWAY_CORE]
  return Array.from({ length: cores }, (_, core) => core).filter(core => core !== LOAD_CORE)
}

/**
 * Plain calls by one thread and by two, each call bound by 20 limits: the rates, and the time of a core that a call takes
 * in each thread. From that follows what two threads bring where each thread has a core, on a machine that has too few.
 */
export async function measureThreads(
  upstreamPort: number,
  length: Length & { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  const work = {
    upstreamPort,
    cores: coresForThreads().join(','),
    rounds: length.rounds,
    async warm(target: Running) {
      for (let i = 0; i < WARM_UPS; i++) await warmUp(target, length.dialect)
    },
    measure: (target: Running) => measured(target, length),
    ended: (target: Running) => asked(JSON.parse(readFileSync(join(target.directory!, CROSSINGS_FILE), 'utf8'))),
  }
  await sideBySide([penstockLimited, penstockThreads].map(counting), work, keep)
}

async function measured(target: Running, length: Length): Promise<Found> {
  const before = threadMicroseconds(target.process!.pid)
  const { figures, faults } = await measurePlain(target, length)
  const after = threadMicroseconds(target.process!.pid)
  const calls = (figures.callsPerSecond ?? 0) * length.seconds
  return { figures: { ...figures, ...spentBy({ before, after, calls }) }, faults }
}

function counting(subject: Subject): Subject {
  return {
    ...subject,
    command: place => {
      const { argv, ...rest } = subject.command(place)
      const [node, ...args] = argv
      return {
        ...rest,
        argv: [node!, '--import', join(ROOT, 'bench', 'crossings.ts'), ...args],
        env: { ...rest.env, BENCH_CROSSINGS: join(place.directory, CROSSINGS_FILE) },
      }
    },
  }
}

interface Spending {
  readonly before: ReadonlyMap<string, number>
  readonly after: ReadonlyMap<string, number>
  readonly calls: number
}

/** Microseconds of a core that a call took, thread by thread, and the rate that the busiest one of them allows. */
function spentBy({ before, after, calls }: Spending): Record<string, number> {
  const usOf = (name: RegExp): readonly number[] =>
    [...after].filter(([thread]) => name.test(thread)).map(([thread, us]) => (us - (before.get(thread) ?? 0)) / calls)
  const sum = (all: readonly number[]): number => all.reduce((a, b) => a + b, 0)
  const mainUs = sum(usOf(/MainThread| node$/))
  const planesUs = usOf(/data plane/)
  const writerUs = sum(usOf(/ledger/))
  const busiestUs = Math.max(mainUs, writerUs, sum(planesUs) / Math.max(1, planesUs.length))
  return {
    mainThreadUs: mainUs,
    dataPlanesUs: sum(planesUs),
    writerUs,
    otherThreadsUs: sum(usOf(/./)) - mainUs - sum(planesUs) - writerUs,
    callsPerSecondOfBusiest: 1e6 / busiestUs,
  }
}

/** How many calls of a hundred waited for the owner's decision, warm-up included; none where nobody has to be asked. */
function asked(crossings: Readonly<Record<string, number>>): Record<string, number> {
  const { admit = 0, carve = 0, lists = 0, append = 0 } = crossings
  if (append === 0) return {}
  return { askedPercent: (100 * admit) / (admit + carve), messagesPerCall: lists / append }
}
