import { Worker } from 'node:worker_threads'

/**
 * Starts a module as a thread. The compiler rewrites imports of `.ts` to `.js` but not texts, so the ending is that of
 * the module that asks. Flags of the process are not passed on: some, as `--input-type`, make no sense in a thread.
 *
 * @param name of the module, without its ending, beside the asking module
 */
export function startThread(name: string, importerUrl: string, workerData: unknown): Worker {
  const url = new URL(`./${name}${importerUrl.endsWith('.ts') ? '.ts' : '.js'}`, importerUrl)
  return new Worker(url, { workerData, name: `ledger ${name}`, execArgv: [] })
}

/** Settles with the promise, or after so long with what the fallback says; the timer keeps no process alive. */
export async function within<T>(promise: Promise<T>, milliseconds: number, fallback: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<T>(resolve => {
    timer = setTimeout(() => resolve(fallback()), milliseconds)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
