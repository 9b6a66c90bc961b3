#!/usr/bin/env node
import { enableCompileCache } from 'node:module'

// Before anything else is loaded: the second start finds every module compiled.
enableCompileCache()
// Whoever reads may have enough before the end, as `head` does; that ends neither a report with a stack nor a gateway.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}
const { run } = await import('./program.ts')
process.exitCode = await run(process.argv.slice(2))
