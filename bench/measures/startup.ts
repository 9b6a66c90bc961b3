import { join } from 'node:path'
import { freePort, GATEWAY_CORE, startPinned } from '../process.ts'
import { answers, get, type Place } from '../subject.ts'
import { serveArguments } from '../subjects/penstock.ts'
import { discard, ROOT, scratch, which } from '../workshop.ts'

/** Milliseconds from `npm start` to the first 200 on `/health/live`. */
export async function npmStartMs(upstreamPort: number): Promise<number> {
  const place: Place = { port: await freePort(), upstreamPort, directory: scratch('npm-start') }
  // The script says `serve` by itself.
  const argv = [which('npm') ?? 'npm', 'start', '--silent', '--', ...serveArguments(place).slice(1)]
  const begun = performance.now()
  const process = startPinned({ argv, cwd: ROOT }, GATEWAY_CORE, join(place.directory, 'output.log'))
  try {
    await answers(process, () => get(place.port, '/health/live'))
    return performance.now() - begun
  } finally {
    await process.stop()
    discard(place.directory)
  }
}
