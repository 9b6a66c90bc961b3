import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

const OPEN = new URL('./open.ts', import.meta.url).href
const SAMPLES = new URL('../samples.contract.ts', import.meta.url).href

/** Opens the ledger, says `open`, and keeps it. */
export const HOLD = `
  import { openSqliteStores } from ${JSON.stringify(OPEN)}
  try {
    await openSqliteStores({ directory: process.argv[1] })
    console.log('open')
    setInterval(() => {}, 1_000)
  } catch (error) {
    console.log(error.message)
    process.exit(0)
  }`

/** Appends records from a number on, with many in flight, and says each number once its record is durable. */
export const APPEND = `
  import { openSqliteStores } from ${JSON.stringify(OPEN)}
  import { plainCall } from ${JSON.stringify(SAMPLES)}
  const { ledger } = await openSqliteStores({ directory: process.argv[1] })
  let next = Number(process.argv[2])
  const one = () => {
    const n = next++
    ledger.append(plainCall(n), failure => {
      process.stdout.write((failure ? failure.message : n) + '\\n')
      setImmediate(one)
    })
  }
  for (let started = 0; started < 64; started++) one()`

/** A process of its own that runs one of the programs above. */
export interface Child {
  readonly pid: number
  /** Resolves with the next line that it says. */
  line(): Promise<string>
  /** Ends it as a loss of power would, and gives what it had said and nobody had taken. */
  kill(): Promise<readonly string[]>
}

export function startChild(program: string, ...args: readonly string[]): Child {
  const flags = ['--input-type=module-typescript', '--eval', program]
  const child: ChildProcess = spawn(process.execPath, [...flags, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  const said: string[] = []
  const lines = createInterface({ input: child.stdout! })
  const closed = once(lines, 'close')
  let heard = () => {}
  lines.on('line', line => {
    said.push(line)
    heard()
  })
  return {
    pid: child.pid!,
    async line() {
      while (said.length === 0) {
        await Promise.race([
          new Promise<void>(resolve => {
            heard = resolve
          }),
          closed.then(() => {
            if (said.length === 0) throw new Error('the child process ended without a word')
          }),
        ])
      }
      return said.shift()!
    },
    async kill() {
      child.kill('SIGKILL')
      await closed
      return said.splice(0)
    },
  }
}
