/**
 * Where a call's time goes: runs Penstock (`penstock`, `penstock-ram`, `-limits`, `-threads`, `-resilience`, `-scheduled`) or the bare
 * proxy (`bare`) under load with V8's sampling profiler on and prints self time per call (or per frame) in microseconds,
 * by thread, by part and by function.
 *
 *   node bench/profile.ts [--subject NAME] [--work plain|long|streams|paced] [--seconds N] [--top N] [--allocations]
 *
 * With `--allocations` it prints bytes that were allocated per call instead.
 */
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { measurePaced, measurePlain, measureStreams, warmUp } from './measures/load.ts'
import { type Command, freePort, LOAD_CORE, startPinned, threadMicroseconds } from './process.ts'
import { answers, call, type Subject, start } from './subject.ts'
import { penstock, penstockInMemory, penstockLimited, penstockThreads } from './subjects/penstock.ts'
import { penstockResilient } from './subjects/resilient.ts'
import { penstockScheduled, penstockScheduledEight } from './subjects/scheduled.ts'
import { bare } from './subjects/undici.ts'
import { plainBody } from './traffic.ts'
import { compiled, discard, ROOT, scratch } from './workshop.ts'

const INTERVAL_US = 200
const MAX_THREADS = 8
const ALLOCATIONS_FILE = 'allocations.heapprofile'
const SUBJECTS = {
  penstock,
  'penstock-ram': penstockInMemory,
  'penstock-limits': penstockLimited,
  'penstock-threads': penstockThreads,
  'penstock-resilience': penstockResilient,
  'penstock-scheduled': penstockScheduled,
  'penstock-scheduled-8': penstockScheduledEight,
  bare,
}
const WORKS = {
  plain: measurePlain,
  long: (...[target, length]: Parameters<typeof measurePlain>) => measurePlain(target, { ...length, isLong: true }),
  streams: measureStreams,
  paced: measurePaced,
}

interface CallFrame {
  readonly functionName: string
  readonly url: string
  readonly lineNumber: number
}

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number
    readonly callFrame: CallFrame
    readonly children?: readonly number[]
  }[]
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
  /** Microseconds of the monotonic clock, as `process.hrtime` has them. */
  readonly startTime: number
}

interface Window {
  readonly fromUs: number
  readonly toUs: number
}

const { values } = parseArgs({
  options: {
    subject: { type: 'string', default: 'penstock' },
    work: { type: 'string', default: 'plain' },
    seconds: { type: 'string', default: '6' },
    top: { type: 'string', default: '45' },
    allocations: { type: 'boolean', default: false },
  },
})
const subject = SUBJECTS[values.subject as keyof typeof SUBJECTS]
const work = WORKS[values.work as keyof typeof WORKS]
if (!subject || !work)
  throw new Error(`--subject is one of ${Object.keys(SUBJECTS)}, --work one of ${Object.keys(WORKS)}`)
await profile(subject, Number(values.seconds), Number(values.top))

async function profile(subject: Subject, seconds: number, top: number): Promise<void> {
  const directory = scratch('profile')
  mkdirSync(directory, { recursive: true })
  const port = await freePort()
  const upstream = startPinned(
    { argv: [compiled('upstream'), String(port)] },
    LOAD_CORE,
    join(directory, 'upstream.log'),
  )
  try {
    await answers(upstream, () => call({ port, headers: {} }, plainBody('openai')))
    const target = await start({ ...subject, command: place => profiled(subject.command(place), directory) }, port)
    // Allocations are sampled over the whole life, so they are divided by all its calls, of which there must be one kind.
    if (!values.allocations) await warmUp(target, 'openai')
    const fromUs = monotonicUs()
    const before = threadMicroseconds(target.process!.pid)
    const { figures, faults } = await work(target, { dialect: 'openai', seconds })
    const after = threadMicroseconds(target.process!.pid)
    const window = { fromUs, toUs: monotonicUs() }
    await target.stop()
    const served = (figures.callsPerSecond ?? figures.framesPerSecond ?? 0) * seconds
    process.stdout.write(`${JSON.stringify(figures)} ${faults.join('; ')}\n-- threads, µs of the core each\n`)
    const spent = [...after].map(([thread, us]): [string, number] => [thread, us - (before.get(thread) ?? 0)])
    printTop(new Map(spent), served, MAX_THREADS)
    if (values.allocations) return printAllocations(join(directory, ALLOCATIONS_FILE), served, top)
    const files = readdirSync(directory).filter(name => name.endsWith('.cpuprofile'))
    if (files.length === 0) throw new Error('the subject left no profile: did it end by itself?')
    for (const file of files.sort()) {
      print(JSON.parse(readFileSync(join(directory, file), 'utf8')) as CpuProfile, {
        file,
        window,
        count: served,
        top,
      })
    }
  } finally {
    await upstream.stop()
    discard(directory)
  }
}

function profiled(command: Command, directory: string): Command {
  const [node, ...rest] = command.argv
  if (values.allocations) {
    const preload = ['--import', join(ROOT, 'bench', 'allocations.ts')]
    const env = { ...command.env, BENCH_ALLOCATIONS: join(directory, ALLOCATIONS_FILE) }
    return { ...command, argv: [node!, ...preload, ...rest], env }
  }
  const flags = ['--cpu-prof', `--cpu-prof-dir=${directory}`, `--cpu-prof-interval=${INTERVAL_US}`]
  return { ...command, argv: [node!, ...flags, ...rest] }
}

function print(profile: CpuProfile, of: { file: string; window: Window; count: number; top: number }): void {
  const selfUs = selfTimes(profile, of.window)
  const frames = new Map(profile.nodes.map(({ id, callFrame }) => [id, callFrame]))
  const byFunction = new Map<string, number>()
  const byPart = new Map<string, number>()
  for (const [id, us] of selfUs) {
    const frame = frames.get(id)!
    add(byFunction, `${frame.functionName || '(anonymous)'} ${placeOf(frame)}`, us)
    add(byPart, partOf(frame), us)
  }
  const total = [...byPart].reduce((sum, [part, us]) => (part === '(idle)' ? sum : sum + us), 0)
  process.stdout.write(`\n== ${of.file}: ${(total / of.count).toFixed(2)} µs each, not idle\n-- by part\n`)
  printTop(byPart, of.count, of.top)
  process.stdout.write('-- by function, self time\n')
  printTop(byFunction, of.count, of.top)
}

interface AllocationNode {
  readonly callFrame: CallFrame
  readonly selfSize: number
  readonly children: readonly AllocationNode[]
}

function printAllocations(file: string, count: number, top: number): void {
  const byFunction = new Map<string, number>()
  const byPart = new Map<string, number>()
  const waiting = [(JSON.parse(readFileSync(file, 'utf8')) as { head: AllocationNode }).head]
  for (let node = waiting.pop(); node; node = waiting.pop()) {
    add(byFunction, `${node.callFrame.functionName || '(anonymous)'} ${placeOf(node.callFrame)}`, node.selfSize)
    add(byPart, partOf(node.callFrame), node.selfSize)
    waiting.push(...node.children)
  }
  const total = [...byPart.values()].reduce((sum, bytes) => sum + bytes, 0)
  process.stdout.write(`\n== ${(total / count).toFixed(0)} bytes allocated each\n-- by part\n`)
  printTop(byPart, count, top)
  process.stdout.write('-- by function\n')
  printTop(byFunction, count, top)
}

/** Self time of each node within a window, in microseconds. */
function selfTimes(profile: CpuProfile, window: Window): Map<number, number> {
  const times = new Map<number, number>()
  let at = profile.startTime
  profile.samples.forEach((id, i) => {
    const delta = profile.timeDeltas[i]!
    at += delta
    if (at >= window.fromUs && at <= window.toUs) times.set(id, (times.get(id) ?? 0) + delta)
  })
  return times
}

function printTop(times: ReadonlyMap<string, number>, count: number, top: number): void {
  const rows = [...times].sort((a, b) => b[1] - a[1]).slice(0, top)
  for (const [name, us] of rows) process.stdout.write(`${(us / count).toFixed(3).padStart(9)}  ${name}\n`)
}

function placeOf({ url, lineNumber }: CallFrame): string {
  return url === '' ? '' : `${pathOf(url)}:${lineNumber + 1}`
}

/** A room of the project, a package, a part of Node, or what V8 calls it. */
function partOf(frame: CallFrame): string {
  if (frame.url === '') return frame.functionName.startsWith('(') ? frame.functionName : 'built in'
  const path = pathOf(frame.url)
  const packageName = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1]
  if (packageName) return packageName
  return path.split('/').slice(0, 2).join('/')
}

function pathOf(url: string): string {
  return url.startsWith('file:') ? relative(ROOT, fileURLToPath(url)) : url
}

function monotonicUs(): number {
  return Number(process.hrtime.bigint() / 1000n)
}

function add(sums: Map<string, number>, name: string, value: number): void {
  sums.set(name, (sums.get(name) ?? 0) + value)
}
