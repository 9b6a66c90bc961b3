import { setTimeout as pause } from 'node:timers/promises'
import { measureDead } from './measures/dead.ts'
import { measureDisk } from './measures/disk.ts'
import { measureFaults } from './measures/faults.ts'
import { measureHedges } from './measures/hedge.ts'
import { measureLatency } from './measures/latency.ts'
import { measureLimits } from './measures/limits.ts'
import { measurePaced, measurePlain, measureStreams, warmUp } from './measures/load.ts'
import { measureMemory } from './measures/memory.ts'
import { measureOutages } from './measures/outage.ts'
import { measureRaces } from './measures/race.ts'
import { measureReal } from './measures/real.ts'
import { measureResilience } from './measures/resilience.ts'
import { measureScheduling } from './measures/scheduling.ts'
import { npmStartMs } from './measures/startup.ts'
import { measureThreads } from './measures/threads.ts'
import type { Options } from './options.ts'
import type { Measurement, MeasureName, SubjectState } from './result.ts'
import { direct, quiet, type Running, type Subject, start } from './subject.ts'
import { Unavailable } from './workshop.ts'

const IN_ROUNDS = ['plain', 'streams', 'paced', 'latency'] as const satisfies readonly MeasureName[]
const ROUND_MEASURE = { plain: measurePlain, streams: measureStreams, paced: measurePaced, latency: measureLatency }
/** What a machine needs to be quiet again after a subject was stopped. */
const SETTLE_MS = 500

type Found = Pick<Measurement, 'figures' | 'faults'>

/** Measures all that the options ask for, the subjects taking turns. */
export class Bench {
  readonly measurements: Measurement[] = []
  readonly #unavailable = new Map<string, string>()
  readonly #options: Options
  readonly #upstreamPort: number
  readonly #say: (line: string) => void

  constructor(options: Options, upstreamPort: number, say: (line: string) => void) {
    this.#options = options
    this.#upstreamPort = upstreamPort
    this.#say = say
  }

  /** What became of each subject. */
  states(): SubjectState[] {
    return this.#options.subjects.map(({ name, describe }) => ({
      name,
      describe: describe(),
      unavailable: this.#unavailable.get(name) ?? null,
    }))
  }

  async run(): Promise<void> {
    for (const subject of this.#options.subjects) {
      this.#say(`preparing ${subject.name}`)
      await this.#guarded(subject, async () => subject.prepare())
    }
    if (IN_ROUNDS.some(measure => this.#options.measures.has(measure)) || this.#options.measures.has('startup')) {
      for (let round = 1; round <= this.#options.rounds; round++) await this.#round(round)
    }
    for (const subject of this.#available()) {
      if (subject.only === undefined) await this.#once(subject)
      else await this.#alone(subject, subject.only)
    }
  }

  /** What has a way of its own to take turns. */
  async #alone(subject: Subject, measure: MeasureName): Promise<void> {
    const keep = (round: number, name: string, found: Found) => this.#keep(round, measure, name, found)
    await this.#guarded(subject, async () => {
      if (measure === 'limits') await measureLimits(this.#upstreamPort, this.#options, keep)
      if (measure === 'threads') await measureThreads(this.#upstreamPort, this.#options, keep)
      if (measure === 'race') await measureRaces(subject, keep)
      if (measure === 'resilience') await measureResilience(this.#upstreamPort, this.#options, keep)
      if (measure === 'scheduling') await measureScheduling(this.#upstreamPort, this.#options, keep)
      if (measure === 'real') await measureReal(keep)
      if (measure === 'dead') await measureDead(this.#upstreamPort, this.#options, keep)
      if (measure === 'outage') await measureOutages(subject, this.#options, keep)
      if (measure === 'faults') await measureFaults(subject, this.#options, keep)
      if (measure === 'hedge') await measureHedges(subject, this.#options, keep)
    })
  }

  /** One turn of every subject; each round begins with another one. */
  async #round(round: number): Promise<void> {
    if (IN_ROUNDS.some(measure => this.#options.measures.has(measure)))
      await this.#measureAll(round, direct(this.#upstreamPort))
    const subjects = this.#available().filter(({ only }) => only === undefined)
    for (let i = 0; i < subjects.length; i++) {
      const subject = subjects[(i + round - 1) % subjects.length]!
      await this.#guarded(subject, () => this.#turn(round, subject))
    }
  }

  async #turn(round: number, subject: Subject): Promise<void> {
    const target = await start(subject, this.#upstreamPort)
    try {
      if (this.#options.measures.has('startup')) await this.#startup(round, subject, target)
      await this.#measureAll(round, target)
    } finally {
      await target.stop()
      await pause(SETTLE_MS)
    }
  }

  async #measureAll(round: number, target: Running): Promise<void> {
    const wanted = IN_ROUNDS.filter(measure => this.#options.measures.has(measure))
    if (wanted.length === 0) return
    await warmUp(target, this.#options.dialect)
    for (const measure of wanted) {
      await quiet(target)
      this.#keep(round, measure, target.name, await ROUND_MEASURE[measure](target, this.#options))
    }
  }

  async #startup(round: number, subject: Subject, target: Running): Promise<void> {
    const figures: Record<string, number> = { liveMs: target.startedMs! }
    if (subject.name === 'penstock') figures.npmMs = await npmStartMs(this.#upstreamPort)
    this.#keep(round, 'startup', subject.name, { figures, faults: [] })
  }

  /** What needs no rounds: it is counted, not timed. */
  async #once(subject: Subject): Promise<void> {
    const { measures, dialect } = this.#options
    if (measures.has('memory') && !subject.aside) {
      await this.#guarded(subject, async () => {
        const target = await start(subject, this.#upstreamPort)
        try {
          this.#keep(1, 'memory', subject.name, await measureMemory(target, dialect))
        } finally {
          await target.stop()
        }
      })
    }
    if (measures.has('disk') && subject.name === 'penstock') {
      await this.#guarded(subject, async () =>
        this.#keep(1, 'disk', subject.name, await measureDisk(subject, this.#upstreamPort, this.#options)),
      )
    }
  }

  #keep(round: number, measure: MeasureName, subject: string, { figures, faults }: Found): void {
    this.measurements.push({ round, measure, subject, figures, faults })
    const shown = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`)
    this.#say(`${round} ${measure} ${subject}: ${[...shown, ...faults.map(fault => `(${fault})`)].join(', ')}`)
  }

  #available(): Subject[] {
    return this.#options.subjects.filter(({ name }) => !this.#unavailable.has(name))
  }

  async #guarded(subject: Subject, work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      if (!(error instanceof Unavailable)) this.#say(error instanceof Error ? String(error.stack) : reason)
      this.#unavailable.set(subject.name, reason)
      this.#say(`${subject.name} can't be measured: ${reason}`)
    }
  }
}
