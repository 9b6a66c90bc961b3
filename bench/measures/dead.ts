import { DEAF_HOST, REFUSING_HOST, startDeaf } from '../load/faulty.ts'
import { json, serveOn } from '../load/server.ts'
import type { Running } from '../subject.ts'
import { penstockDeadAt, penstockOne, penstockTwo } from '../subjects/resilient.ts'
import { type Length, measurePlain, warmUpWell } from './load.ts'
import { type Keep, sideBySide } from './sideBySide.ts'

const ERRING_HOST = '127.0.0.4'
const ERROR = { error: { message: 'The engine had a bad day.', type: 'server_error', param: null, code: null } }

/** What every other configuration is compared with. */
export const ONE = penstockOne.name
/** Configurations with a dead deployment. */
export const DEAD = ['one of two refuses', 'one of two never accepts', 'one of two answers 500'] as const
const DEAD_HOSTS = [REFUSING_HOST, DEAF_HOST, ERRING_HOST] as const

/** Plain calls with a dead deployment that stands first, when its breaker has opened, and with healthy ones only. */
export async function measureDead(
  upstreamPort: number,
  length: Length & { readonly rounds: number },
  keep: Keep,
): Promise<void> {
  const deaf = startDeaf(upstreamPort)
  const erring = await serveOn(ERRING_HOST, upstreamPort, ({ response }) => json(response, 500, ERROR))
  const work = {
    upstreamPort,
    rounds: length.rounds,
    warm: (target: Running) => warmUpWell(target, length.dialect),
    measure: (target: Running) => measurePlain(target, length),
  }
  try {
    const dead = DEAD.map((name, i) => penstockDeadAt(name, DEAD_HOSTS[i]!))
    await sideBySide([penstockOne, penstockTwo, ...dead], work, keep)
  } finally {
    await erring.close()
    await deaf.close()
  }
}
