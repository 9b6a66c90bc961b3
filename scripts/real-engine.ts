import { availableParallelism } from 'node:os'
import { startRealEngine } from './real-engine/engine.ts'
import { startGateway } from './real-engine/gateway.ts'

// Serves a real model through Penstock: `npm run real-engine`, optionally with an address to listen on.

const DEFAULT_LISTEN = '127.0.0.1:4000'

function tell(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(listen: string): Promise<number> {
  let serving = false
  const interrupted = new Promise<void>(resolve => {
    // Before it serves there is nothing to end in order: what was started ends with us.
    const end = () => (serving ? resolve() : process.exit(130))
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, end)
  })
  // One core is left to the gateway and its callers.
  const engine = await startRealEngine({ threads: Math.max(1, availableParallelism() - 1), tell })
  if ('unavailable' in engine) {
    tell(engine.unavailable)
    return 1
  }
  try {
    const gateway = await startGateway(engine, listen)
    serving = true
    process.stdout.write(`listening on ${gateway.url}\n\n${curlLine(gateway.url, gateway.key, engine.modelName)}\n`)
    await interrupted
    tell('stopping the gateway, then the engine')
    await gateway.stop()
    return 0
  } catch (error) {
    tell(error instanceof Error ? error.message : String(error))
    return 1
  } finally {
    await engine.stop()
  }
}

function curlLine(url: string, key: string, model: string): string {
  const body = JSON.stringify({ model, stream: true, messages: [{ role: 'user', content: 'What is a penstock?' }] })
  return `curl -N ${url}/v1/chat/completions -H 'authorization: Bearer ${key}' -H 'content-type: application/json' -d '${body}'`
}

process.exitCode = await main(process.argv[2] ?? DEFAULT_LISTEN)
