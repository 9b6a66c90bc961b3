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

/**
 * Appends records from a number on, each with a use of limits before it, with many in flight, and says each number once
 * its record is durable.
 */
export const APPEND = `
  import { openSqliteStores } from ${JSON.stringify(OPEN)}
  import { placedCall } from ${JSON.stringify(SAMPLES)}
  const { ledger, limits } = await openSqliteStores({ directory: process.argv[1] })
  let next = Number(process.argv[2])
  let seq = limits.lastSeq
  const one = () => {
    const n = next++
    limits.keepUse({ seq: ++seq, text: String(n) })
    ledger.append(placedCall(n), failure => {
      process.stdout.write((failure ? failure.message : n) + '\\n')
      setImmediate(one)
    })
  }
  for (let started = 0; started < 64; started++) one()`

/** Members among which CHECKPOINT spreads its uses: more than one piece of a checkpoint takes. */
export const MEMBERS = 1_200

/**
 * Takes up what is kept, then goes on without an end: uses that count one each, in turn for each member, with records
 * between them, and checkpoints one after the other. Says the last use that is durable.
 */
export const CHECKPOINT = `
  import { openSqliteStores } from ${JSON.stringify(OPEN)}
  import { plainCall } from ${JSON.stringify(SAMPLES)}
  const { ledger, limits } = await openSqliteStores({ directory: process.argv[1] })
  const members = ${MEMBERS}
  const used = new Array(members).fill(0)
  const asOf = new Array(members).fill(0)
  for (const { balance, asOf: covered } of limits.balances()) {
    used[balance.member] = balance.used
    asOf[balance.member] = covered
  }
  for (const { seq } of limits.uses()) if (seq > asOf[seq % members]) used[seq % members]++
  let seq = limits.lastSeq
  const one = () => {
    used[++seq % members]++
    limits.keepUse({ seq, text: String(seq) })
    const last = seq
    ledger.append(plainCall(seq), failure => {
      process.stdout.write((failure ? failure.message : last) + '\\n')
      setImmediate(one)
    })
  }
  for (let started = 0; started < 64; started++) one()
  for (;;) {
    const balances = used.map((used, member) =>
      ({ limit: null, member: String(member), budget: null, used, opensAt: 0, endsAt: null, uses: null }))
    await limits.checkpoint(balances, seq, 1)
  }`

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
