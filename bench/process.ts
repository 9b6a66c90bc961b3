import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { availableParallelism } from 'node:os'

/** The gateway under test has this core alone. */
export const GATEWAY_CORE = 0
/** Load generator and mock upstream share this one. */
export const LOAD_CORE = availableParallelism() > 1 ? 1 : 0

const TICKS_PER_SECOND = 100
const STOP_MS = 40_000

export interface Command {
  readonly argv: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
}

/** A process on its cores, all its threads and children with it. */
export interface Pinned {
  readonly pid: number
  readonly child: ChildProcess
  readonly logFile: string
  /** Null while it runs. */
  exited(): string | null
  /** SIGTERM, then SIGKILL to the whole group when it does not end. */
  stop(): Promise<void>
}

/** Starts a command on one core, or on a list of them, with as many open files as the machine lets it have. */
export function startPinned(command: Command, cores: number | string, logFile: string): Pinned {
  const log = openSync(logFile, 'a')
  const child = spawn(
    'taskset',
    ['-c', String(cores), 'sh', '-c', 'ulimit -n "$(ulimit -Hn)"; exec "$@"', 'sh', ...command.argv],
    { cwd: command.cwd, env: environment(command.env), stdio: ['ignore', log, log], detached: true },
  )
  closeSync(log)
  const pid = child.pid!
  let ending: string | null = null
  const ended = new Promise<void>(resolve => {
    child.once('error', error => {
      ending = error.message
      resolve()
    })
    child.once('exit', (code, signal) => {
      ending = signal ?? `status ${code}`
      resolve()
    })
  })
  const stop = async (): Promise<void> => {
    if (ending === null) child.kill('SIGTERM')
    const timer = setTimeout(() => signalGroup(pid, 'SIGKILL'), STOP_MS)
    await ended
    clearTimeout(timer)
    signalGroup(pid, 'SIGKILL')
  }
  return { pid, child, logFile, exited: () => ending, stop }
}

/** Only what a program needs: a provider's key in the environment would add subjects' own discoveries. */
function environment(more: Readonly<Record<string, string>> = {}): NodeJS.ProcessEnv {
  const kept: NodeJS.ProcessEnv = {}
  for (const name of ['PATH', 'HOME', 'LANG', 'TMPDIR', 'USER']) {
    if (process.env[name] !== undefined) kept[name] = process.env[name]
  }
  return { ...kept, ...more }
}

function signalGroup(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-pid, signal)
  } catch {
    // Nobody of the group is left.
  }
}

/**
 * A port of loopback that was free a moment ago, and its neighbour too, which some subjects take for their metrics.
 * Ports below the range of outgoing connections, or one of ten thousand streams might have taken it meanwhile.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + 2 * Math.floor(Math.random() * 5_000)
    if ((await isFree(port)) && (await isFree(port + 1))) return port
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise(resolve => {
    const probe = createServer()
    probe.once('error', () => resolve(false))
    probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)))
  })
}

/** CPU seconds that a process and its children have used. */
export function cpuSeconds(pid: number): number {
  let ticks = 0
  for (const member of family(pid)) {
    const fields = statFields(member)
    if (fields) ticks += Number(fields[11]) + Number(fields[12])
  }
  return ticks / TICKS_PER_SECOND
}

/**
 * CPU seconds of the whole machine and of this program with all that it has started, ended ones included. What is
 * between them was used by others, or taken by the hypervisor.
 */
export function cpuOfAll(): { machine: number; own: number } {
  const line = read('/proc/stat').split('\n')[0]!.trim().split(/\s+/).slice(1).map(Number)
  const [user = 0, nice = 0, system = 0, _idle, _wait, irq = 0, softIrq = 0, steal = 0] = line
  let own = 0
  for (const member of family(process.pid)) {
    const fields = statFields(member)
    if (fields) own += Number(fields[11]) + Number(fields[12]) + Number(fields[13]) + Number(fields[14])
  }
  return { machine: (user + nice + system + irq + softIrq + steal) / TICKS_PER_SECOND, own: own / TICKS_PER_SECOND }
}

/** CPU microseconds of each thread of one process, by its number and name. */
export function threadMicroseconds(pid: number): Map<string, number> {
  const threads = new Map<string, number>()
  for (const thread of readdirSync(`/proc/${pid}/task`)) {
    const nanoseconds = Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0])
    threads.set(`${thread} ${read(`/proc/${pid}/task/${thread}/comm`).trim()}`, nanoseconds / 1000)
  }
  return threads
}

/** Resident memory of a process and its children, in bytes. */
export function residentBytes(pid: number): number {
  let kilobytes = 0
  for (const member of family(pid)) {
    kilobytes += Number(/VmRSS:\s+(\d+)/.exec(read(`/proc/${member}/status`))?.[1] ?? 0)
  }
  return kilobytes * 1024
}

function family(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    const fields = statFields(Number(name))
    if (fields) parents.set(Number(name), Number(fields[1]))
  }
  const members = new Set([root])
  for (let grown = true; grown; ) {
    grown = false
    for (const [pid, parent] of parents) {
      if (!members.has(parent) || members.has(pid)) continue
      members.add(pid)
      grown = true
    }
  }
  return [...members]
}

/** The fields of `/proc/PID/stat` after the name, which may itself have spaces; state first, parent second. */
function statFields(pid: number): string[] | null {
  const line = read(`/proc/${pid}/stat`)
  return line === '' ? null : line.slice(line.lastIndexOf(')') + 2).split(' ')
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return ''
  }
}

/** How many files a process may have open at most, by the hard limit. */
export function openFilesLimit(): number {
  return Number(/Max open files\s+\d+\s+(\d+)/.exec(read('/proc/self/limits'))?.[1] ?? 1024)
}
