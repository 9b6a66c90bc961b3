import { parseArgs } from 'node:util'
import { MEASURES, type MeasureName } from './result.ts'
import type { Subject } from './subject.ts'
import { litellmFaults, portkeyFaults } from './subjects/faultPeers.ts'
import { litellm } from './subjects/litellm.ts'
import { nginx } from './subjects/nginx.ts'
import { penstock, penstockCompiled, penstockInMemory, penstockLimited, penstockThreads } from './subjects/penstock.ts'
import { portkey } from './subjects/portkey.ts'
import { litellmRace, litellmStrictRace, penstockRace, penstockThreadsRace } from './subjects/racers.ts'
import { penstockDead, penstockFaults, penstockHedge, penstockOutage, penstockResilient } from './subjects/resilient.ts'
import { sglangRouter, vllmRouter } from './subjects/routers.ts'
import { penstockReal, penstockScheduled } from './subjects/scheduled.ts'
import { bare } from './subjects/undici.ts'
import type { Dialect } from './traffic.ts'

export const SUBJECTS: readonly Subject[] = [
  nginx,
  bare,
  penstock,
  penstockInMemory,
  penstockCompiled,
  sglangRouter,
  vllmRouter,
  portkey,
  litellm,
  penstockLimited,
  penstockThreads,
  penstockRace,
  penstockThreadsRace,
  litellmRace,
  litellmStrictRace,
  penstockResilient,
  penstockDead,
  penstockOutage,
  penstockHedge,
  penstockFaults,
  litellmFaults,
  portkeyFaults,
  penstockScheduled,
  penstockReal,
]

export interface Options {
  readonly subjects: readonly Subject[]
  readonly measures: ReadonlySet<MeasureName>
  readonly rounds: number
  readonly seconds: number
  readonly dialect: Dialect
  /** Only writes RESULTS.md again, from the newest result. */
  readonly reportOnly: boolean
  readonly whole: boolean
}

export const USAGE = `npm run bench -- [options]

  --subjects A,B     ${SUBJECTS.map(({ name }) => name).join(', ')}; all
  --only A,B         ${MEASURES.join(', ')}; all
  --rounds N         turns that each subject takes (3)
  --seconds N        length of each measurement (5)
  --dialect NAME     openai or anthropic, for those that speak it (openai)
  --report           writes bench/RESULTS.md again from the newest result, and measures nothing`

/** Reads the command line; throws with a sentence when it can't be read. */
export function readOptions(argv: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      subjects: { type: 'string' },
      only: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      seconds: { type: 'string', default: '5' },
      dialect: { type: 'string', default: 'openai' },
      report: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) throw new Error(USAGE)
  if (values.dialect !== 'openai' && values.dialect !== 'anthropic')
    throw new Error(`no dialect ${values.dialect}\n${USAGE}`)
  const dialect = values.dialect
  const chosen = picked(
    values.subjects,
    SUBJECTS.map(({ name }) => name),
  )
  const measures = new Set(picked(values.only, MEASURES))
  const isMeasured = ({ only }: Subject) =>
    [...measures].some(name => (only === undefined ? !isApart(name) : name === only))
  return {
    subjects: SUBJECTS.filter(
      subject => chosen.includes(subject.name) && (dialect === 'openai' || subject.messages) && isMeasured(subject),
    ),
    measures,
    rounds: positive('rounds', values.rounds),
    seconds: positive('seconds', values.seconds),
    dialect,
    reportOnly: values.report,
    whole: values.subjects === undefined && values.only === undefined && dialect === 'openai',
  }
}

/** Whether a measure has subjects of its own, or none. */
function isApart(name: MeasureName): boolean {
  return name === 'micro' || SUBJECTS.some(({ only }) => only === name)
}

function picked<T extends string>(list: string | undefined, known: readonly T[]): readonly T[] {
  if (list === undefined) return known
  return list.split(',').map(name => {
    const found = known.find(one => one === name.trim())
    if (found === undefined) throw new Error(`unknown: ${name}\n${USAGE}`)
    return found
  })
}

function positive(name: string, text: string): number {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1) throw new Error(`--${name} must be a whole number of at least 1`)
  return value
}
