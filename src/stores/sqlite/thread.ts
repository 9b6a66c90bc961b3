/**
 * The address of a module that is started as a thread. The compiler rewrites imports of `.ts` to `.js` but not texts,
 * so the ending is that of the module that asks.
 *
 * @param name without its ending, beside the asking module
 */
export function threadModule(name: string, importerUrl: string): URL {
  return new URL(`./${name}${importerUrl.endsWith('.ts') ? '.ts' : '.js'}`, importerUrl)
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
