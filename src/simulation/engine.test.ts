import { describe, expect, it } from 'vitest'
import { BlockHasher } from './block-hash.ts'
import { createEngine, step, submit } from './engine.ts'
import { describeReplica } from './replica.ts'

const { options } = describeReplica({
  model: 'Llama-3.1-8B',
  accelerator: { kind: 'H100-SXM', count: 1 },
  tokenEvents: true,
})

function hashes(tokens: number, content = 1) {
  const hasher = new BlockHasher(options.blockTokens)
  for (let i = 0; i < tokens; i++) hasher.push(content)
  return hasher.hashes()
}

describe('an engine', () => {
  it('tells the first token, then the others, then the end, with the cached tokens', () => {
    const engine = createEngine(options)
    submit(engine, { id: 1, promptTokens: 33, outputTokens: 3, hashes: hashes(33) })
    const events = [step(engine), step(engine), step(engine)].flatMap(outcome => outcome.events)
    expect(events).toEqual([
      { kind: 'firstToken', id: 1, cachedTokens: 0 },
      { kind: 'tokens', id: 1, count: 1 },
      { kind: 'tokens', id: 1, count: 1 },
      { kind: 'finished', id: 1, cachedTokens: 0, outputTokens: 3, preemptions: 0 },
    ])
    submit(engine, { id: 2, promptTokens: 33, outputTokens: 1, hashes: hashes(33) })
    expect(step(engine).events).toContainEqual({ kind: 'firstToken', id: 2, cachedTokens: 32 })
  })
})
