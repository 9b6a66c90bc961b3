import { ask } from '../load/caller.ts'
import { cpuOfAll } from '../process.ts'
import { bodyOf, type Call, callOf, type Played, playSessions } from '../real/play.ts'
import { type Rehearsed, rehearse } from '../real/rehearsal.ts'
import type { Speeds } from '../real/server.ts'
import { readScaledSessions, type Session } from '../real/sessions.ts'
import { type Chooser, SERVERS, type Site, startServers, startSite, stopAll } from '../real/site.ts'
import { median, percentile } from '../statistics.ts'
import type { Found, Keep } from './sideBySide.ts'

/** As many as the two servers have slots in all. */
export const SESSIONS_AT_ONCE = 8
/** Of the time to the first token: more than the new part of a usual prompt takes to read, less than all of it does where others use the cores too. */
export const TARGET_MS = 4_000
export const PHASE_MS = 60_000
const ROUNDS = 2
/** More than are begun in a phase. */
const SESSIONS = 60
const CHOOSERS: readonly Chooser[] = ['placement', 'roundRobin']

/** How a rehearsal's figures are called: by who chose, and how servers were taken to remember. */
export const REHEARSALS = CHOOSERS.flatMap(chooser =>
  (['slots', 'paged'] as const).map(memory => ({ name: `${chooser}, rehearsed, ${memory}`, chooser, memory })),
)

interface Servers {
  readonly slots: number
  readonly contextTokens: number
}

/** Agents' sessions on two real engines, placed by the gateway and in turn, and the same rehearsed at the speeds that were seen. */
export async function measureReal(keep: Keep): Promise<void> {
  const sessions = readScaledSessions(SESSIONS)
  const speeds: Speeds[] = []
  let servers: Servers | null = null
  for (let round = 1; round <= ROUNDS; round++) {
    for (const chooser of round % 2 === 1 ? CHOOSERS : CHOOSERS.toReversed()) {
      const { found, ...seen } = await phase(sessions, chooser)
      speeds.push(seen.speeds)
      servers = seen.servers
      keep(round, chooser, found)
    }
  }
  const usual: Speeds = {
    prefillTokenMs: median(speeds.map(one => one.prefillTokenMs))!,
    decodeStepMs: median(speeds.map(one => one.decodeStepMs))!,
    decodeSequenceMs: median(speeds.map(one => one.decodeSequenceMs))!,
  }
  for (const { name, chooser, memory } of REHEARSALS) {
    const policy = chooser === 'placement' ? 'penstock' : 'roundRobin'
    const script = { ...servers!, policy, memory, servers: SERVERS, speeds: usual } as const
    const rehearsed = rehearse(sessions, { ...script, concurrency: SESSIONS_AT_ONCE, durationMs: PHASE_MS })
    keep(1, name, { figures: { ...figuresOf(rehearsed), ...usual }, faults: [] })
  }
}

/** One choice of replicas on fresh servers, whose speeds are measured before. */
async function phase(
  sessions: readonly Session[],
  chooser: Chooser,
): Promise<{ found: Found; speeds: Speeds; servers: Servers }> {
  const engines = await startServers()
  let site: Site | null = null
  try {
    const speeds = await measureSpeeds(engines.map(({ url }) => Number(new URL(url).port)))
    site = await startSite(engines, chooser)
    const stage = { ...site, concurrency: SESSIONS_AT_ONCE, durationMs: PHASE_MS }
    const before = cpuOfAll()
    const played = await playSessions(sessions, stage)
    const after = cpuOfAll()
    const others = (after.machine - before.machine - (after.own - before.own)) / (played.elapsedMs / 1_000)
    const { slots, contextTokens } = engines[0]!
    return {
      found: {
        figures: { ...figuresOf(played), ...speeds, othersCores: Math.max(0, others) },
        faults: faultsOf(played),
      },
      speeds,
      servers: { slots, contextTokens },
    }
  } finally {
    await site?.stop()
    await stopAll(engines)
  }
}

export function figuresOf({ calls, elapsedMs }: Rehearsed): Record<string, number> {
  const sum = (of: (call: Call) => number) => calls.reduce((all, call) => all + of(call), 0)
  const seconds = elapsedMs / 1_000
  const first = calls.map(({ firstMs }) => firstMs)
  return {
    calls: calls.length,
    cachedShare:
      sum(call => call.cachedTokens) /
      Math.max(
        1,
        sum(call => call.promptTokens),
      ),
    firstP50Ms: percentile(first, 0.5) ?? 0,
    firstP90Ms: percentile(first, 0.9) ?? 0,
    firstP99Ms: percentile(first, 0.99) ?? 0,
    goodPerMinute: (60 * calls.filter(({ firstMs }) => firstMs <= TARGET_MS).length) / seconds,
    callsPerMinute: (60 * calls.length) / seconds,
    promptTokens: sum(call => call.promptTokens) / Math.max(1, calls.length),
    outputTokens: sum(call => call.outputTokens) / Math.max(1, calls.length),
  }
}

function faultsOf({ failures, calls }: Played): readonly string[] {
  if (failures.length === 0) return []
  return [`${failures.length} of ${calls.length + failures.length} calls failed, the first with ${failures[0]}`]
}

const PROMPT_WORDS = 60
const OUTPUT_TOKENS = 24
const WRITERS = 4

/** Asked of all servers at once, as they are under load. */
async function measureSpeeds(ports: readonly number[]): Promise<Speeds> {
  const each = await Promise.all(ports.map(speedsOf))
  const mean = (of: (speeds: Speeds) => number) => each.reduce((sum, speeds) => sum + of(speeds), 0) / each.length
  return {
    prefillTokenMs: mean(one => one.prefillTokenMs),
    decodeStepMs: mean(one => one.decodeStepMs),
    decodeSequenceMs: mean(one => one.decodeSequenceMs),
  }
}

/** Reads a prompt alone, and writes alone and with others: what is read for that was read before. */
async function speedsOf(port: number): Promise<Speeds> {
  const alone = await timed(port, 0)
  const together = await Promise.all(Array.from({ length: WRITERS }, (_, i) => timed(port, i, 1)))
  const stepMs = median(together.map(({ stepMs }) => stepMs))!
  const decodeSequenceMs = Math.max(0, (stepMs - alone.stepMs) / (WRITERS - 1))
  return {
    prefillTokenMs: alone.prefillTokenMs,
    decodeStepMs: Math.max(0, alone.stepMs - decodeSequenceMs),
    decodeSequenceMs,
  }
}

async function timed(port: number, number: number, words = PROMPT_WORDS) {
  const content = Array.from({ length: words }, (_, i) => `gate ${number + i}`).join(' ')
  const body = bodyOf({ messages: [{ role: 'user', content }], outputTokens: OUTPUT_TOKENS }, 'any')
  const seen = await ask(port, { headers: {}, body, patienceMs: 60_000 })
  const call = callOf(seen)
  if (!call?.engine) throw new Error(`the server did not say what it took: ${seen.status} ${seen.text.slice(0, 200)}`)
  const { promptMs, outputMs } = call.engine
  return {
    prefillTokenMs: promptMs / Math.max(1, call.promptTokens - call.cachedTokens),
    stepMs: outputMs / Math.max(1, call.outputTokens - 1),
  }
}
