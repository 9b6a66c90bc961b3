/** Resolves at the first SIGTERM or SIGINT. Later ones are ignored: the stop is under way and has its own bound. */
export function untilStopped(): Promise<void> {
  return new Promise(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve())
  })
}
