import { type ChildProcess, spawn } from 'node:child_process'
import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** What a command printed, and whether it ended well. */
export interface Ran {
  readonly ok: boolean
  /** Standard output and standard error together, the last part of them. */
  readonly output: string
}

const MOST_OUTPUT = 20_000
/** What does not end when it is asked to is ended after this long. */
const GRACE_MS = 10_000

/** Runs a command to its end. Never throws: one that cannot be started has not ended well. */
export function run(command: string, args: readonly string[], tell: (line: string) => void = () => {}): Promise<Ran> {
  return new Promise(resolve => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    const hear = (chunk: Buffer) => {
      output = (output + chunk.toString()).slice(-MOST_OUTPUT)
      for (const line of chunk.toString().split('\n')) if (line.trim()) tell(line)
    }
    child.stdout.on('data', hear)
    child.stderr.on('data', hear)
    child.on('error', error => resolve({ ok: false, output: error.message }))
    child.on('close', code => resolve({ ok: code === 0, output }))
  })
}

export function isExecutable(path: string): Promise<boolean> {
  return access(path, constants.X_OK).then(
    () => true,
    () => false,
  )
}

/** The first executable of this name on PATH; null when there is none. */
export async function onPath(name: string): Promise<string | null> {
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    const path = join(folder, name)
    if (folder && (await isExecutable(path))) return path
  }
  return null
}

/** A process that goes on in the background, with the last part of what it printed. */
export interface Background {
  readonly child: ChildProcess
  /** What it printed so far, the last part of it. */
  output(): string
  /** Asks it to end and waits until it has. */
  stop(): Promise<void>
}

export function startInBackground(command: string, args: readonly string[], env = process.env): Background {
  // A group of its own: an interrupt of the terminal reaches only us, and we end what we started in order.
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env, detached: true })
  let output = ''
  const hear = (chunk: Buffer) => {
    output = (output + chunk.toString()).slice(-MOST_OUTPUT)
  }
  child.stdout.on('data', hear)
  child.stderr.on('data', hear)
  child.on('error', error => hear(Buffer.from(error.message)))
  const ended = new Promise<void>(resolve => {
    child.once('close', () => resolve())
    child.once('error', () => resolve())
  })
  // Nothing that we started may outlive us, however we end.
  const killNow = () => child.kill('SIGKILL')
  process.once('exit', killNow)
  void ended.then(() => process.removeListener('exit', killNow))
  return {
    child,
    output: () => output,
    async stop() {
      const force = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      child.kill('SIGTERM')
      await ended
      clearTimeout(force)
    },
  }
}
