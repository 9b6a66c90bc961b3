import { endingOf } from '../ending.ts'
import { ask, type Seen } from '../load/caller.ts'
import { CASES, type Case, serveFaults, WARM_UP } from '../load/faulty.ts'
import { TEXT } from '../load/speech.ts'
import { freePort } from '../process.ts'
import { type Running, type Subject, start } from '../subject.ts'
import type { Found, Keep } from './sideBySide.ts'

/** Without an end for so long a call is called hung; every gateway is told to give up sooner. */
export const PATIENCE_MS = 12_000
/** Cases that run at once. */
const AT_ONCE = 8
/** Calls that the slow upstream answers at once, before it is slow: hedges are paid for by calls that had none. */
const WARM_UPS = 60
const QUESTION = 'What happens in the power house when one of the valves jams?'

/** Every fault once in each round, in front of a gateway that was started anew. */
export async function measureFaults(
  subject: Subject,
  { rounds }: { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  for (let round = 1; round <= rounds; round++) {
    const port = await freePort()
    const upstream = await serveFaults(port)
    let target: Running | null = null
    try {
      target = await start(subject, port)
      keep(round, subject.name, await allCases(subject, target, port))
    } finally {
      await target?.stop()
      await upstream.close()
    }
  }
}

async function allCases(subject: Subject, target: Running, upstreamPort: number): Promise<Found> {
  const figures: Record<string, number> = {}
  const call = (one: Case, question: string): Promise<Seen> => {
    const { model, headers } = subject.reach!(one, upstreamPort)
    const messages = [{ role: 'user', content: question }]
    const body = { model, messages, max_tokens: 256, ...(one.mode === 'stream' ? { stream: true } : {}) }
    return ask(target.port, { headers, body, patienceMs: PATIENCE_MS })
  }
  const waiting = [...CASES]
  const work = async (): Promise<void> => {
    for (let one = waiting.shift(); one; one = waiting.shift()) {
      if (one.fault.name === 'slow') for (let i = 0; i < WARM_UPS; i++) await call(one, `${QUESTION} ${WARM_UP} ${i}`)
      const seen = await call(one, QUESTION)
      figures[`${one.name}.${endingOf(seen, { streamed: one.mode === 'stream', text: TEXT })}`] = 1
      figures[`${one.name}.ms`] = Math.round(seen.ms)
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  return { figures, faults: [] }
}
