import type { Command } from 'commander'
import type { Clock } from '../ports/clock.ts'
import { CommandFailure, WRONG_USAGE } from './failure.ts'
import { type Answer, ask, withKey, withUrl } from './gateway.ts'
import { readLimits } from './limitView.ts'
import { statusText } from './statusText.ts'
import { findGateway, type GatewayOptions } from './whereabouts.ts'

/** In all: a coding tool draws its status line again and again. */
const TIMEOUT_MS = 1_000
/** What a tool says of its session comes at once or not at all. */
const SESSION_TIMEOUT_MS = 200
const MAX_SESSION_BYTES = 1_000_000
const OK = 200
const UNAUTHORISED = 401

/** Adds `status-line` to the commands. */
export function register(program: Command): void {
  withKey(withUrl(program.command('status-line')), 'whose limits are told')
    .description("one line for a coding tool's status line: what is left, and when it resets")
    .action(show)
}

/** Prints one line, whatever happens: a tool whose gateway is away goes on without a word from it. */
async function show(options: GatewayOptions): Promise<void> {
  const { SYSTEM_CLOCK: clock } = await import('../app/clock.ts')
  const began = clock.monotonic()
  const { url } = await findGateway(options)
  const session = sessionOf(await readInput(process.stdin, clock))
  const secret = options.key || null
  let line: string
  try {
    const answer = await ask(url, '/v1/limits', {
      secret,
      headers: session === null ? {} : { 'x-penstock-run': session },
      timeoutMs: Math.max(1, Math.ceil(TIMEOUT_MS - (clock.monotonic() - began))),
    })
    line = lineOf(answer, secret !== null, clock.now())
  } catch (error) {
    if (!(error instanceof CommandFailure) || error.status === WRONG_USAGE) throw error
    line = 'penstock: not reachable'
  }
  process.stdout.write(`${line}\n`)
}

function lineOf({ status, body }: Answer, withKey: boolean, now: number): string {
  if (status === UNAUTHORISED) return withKey ? 'penstock: the key is not known' : 'penstock: no key (PENSTOCK_KEY)'
  const limits = status === OK ? readLimits(body) : null
  return limits === null ? `penstock: the gateway answered ${status} without limits` : statusText(limits, now)
}

/** All that stands on standard input, as far as it comes in time; nothing from a terminal. */
function readInput(input: NodeJS.ReadStream, clock: Clock): Promise<string> {
  if (input.isTTY) return Promise.resolve('')
  return new Promise(resolve => {
    const pieces: Buffer[] = []
    let bytes = 0
    const done = () => {
      cancel()
      // Left open, it would keep the command from ending.
      input.destroy()
      resolve(Buffer.concat(pieces).toString())
    }
    const cancel = clock.after(SESSION_TIMEOUT_MS, done)
    input.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > MAX_SESSION_BYTES) done()
      else pieces.push(piece)
    })
    input.on('end', done).on('error', done)
  })
}

/** The session that a coding tool names in the JSON that it hands over; null for anything else. */
export function sessionOf(text: string): string | null {
  let told: unknown
  try {
    told = JSON.parse(text)
  } catch {
    return null
  }
  const { session_id: session } = (told ?? {}) as { session_id?: unknown }
  return typeof session === 'string' && /^[\x21-\x7e]{1,128}$/.test(session) ? session : null
}
