/**
 * Preloaded by the measure of threads: counts in the owner's thread what threads of the data plane ask it and tell it,
 * and writes the sums when the process ends.
 */
import { writeFileSync } from 'node:fs'
import { isMainThread, Worker } from 'node:worker_threads'

const file = process.env.BENCH_CROSSINGS
if (isMainThread && file) {
  const counts: Record<string, number> = { lists: 0 }
  const emit = Worker.prototype.emit
  Worker.prototype.emit = function counted(this: Worker, ...event: Parameters<typeof emit>): boolean {
    const [name, messages] = event as readonly unknown[]
    if (name === 'message' && Array.isArray(messages) && messages[0]?.is !== undefined) {
      counts.lists!++
      for (const { is } of messages as readonly { is: string }[]) counts[is] = (counts[is] ?? 0) + 1
    }
    return emit.apply(this, event)
  } as typeof emit
  process.on('exit', () => writeFileSync(file, JSON.stringify(counts)))
}
