import { describe, expect, it } from 'vitest'
import { BlockHasher } from './block-hash.ts'
import { abort, createEngine, type Engine, type EngineEvent, setPaused, step, submit } from './engine.ts'
import { describeReplica, type ReplicaDescription } from './replica.ts'

function engineOf(over: Partial<ReplicaDescription> = {}): Engine {
  const accelerator = { kind: 'H100-SXM', count: 1 }
  return createEngine(describeReplica({ model: 'Llama-3.1-8B', accelerator, tokenEvents: true, ...over }).options)
}

let nextContent = 1
/** A request with its own content, unless it is given. */
function request(id: number, promptTokens: number, outputTokens: number, content = nextContent++) {
  const hasher = new BlockHasher(16)
  for (let i = 0; i < promptTokens; i++) hasher.push(content)
  return { id, promptTokens, outputTokens, hashes: hasher.hashes() }
}

const ids = (events: readonly EngineEvent[], kind: EngineEvent['kind']) =>
  events.filter(event => event.kind === kind).map(({ id }) => id)

const running = (engine: Engine) => engine.running.map(({ id }) => id)

describe("vLLM's scheduler", () => {
  it('has its defaults by the accelerator', () => {
    const limitsOf = (kind: string) =>
      describeReplica({ model: 'Llama-3.1-8B', accelerator: { kind, count: 1 } }).options.limits
    expect(limitsOf('H100-SXM')).toMatchObject({ stepTokens: 8192, maxSequences: 1024, reserveFullPrompt: true })
    expect(limitsOf('A100-SXM')).toMatchObject({ stepTokens: 2048, maxSequences: 256 })
    expect(limitsOf('L40S')).toMatchObject({ stepTokens: 2048, maxSequences: 256 })
  })

  it('computes at most its budget in a step, prompts in chunks, first come, first served', () => {
    const engine = engineOf({ limits: { stepTokens: 100 } })
    for (const [id, prompt] of [
      [1, 150],
      [2, 30],
      [3, 60],
    ] as const)
      submit(engine, request(id, prompt, 50))
    expect(step(engine).events).toEqual([])
    expect(engine.running.map(({ computed }) => computed)).toEqual([100])
    // 50 to the first, 30 to the second, the rest to the third.
    expect(ids(step(engine).events, 'firstToken')).toEqual([1, 2])
    expect(engine.running.map(({ computed }) => computed)).toEqual([150, 30, 20])
    // Two decode, and the third gets what it lacks.
    const { events } = step(engine)
    expect([ids(events, 'tokens'), ids(events, 'firstToken')]).toEqual([[1, 2], [3]])
  })

  it('serves the running ones before it admits a waiting one', () => {
    const engine = engineOf({ limits: { stepTokens: 64 } })
    submit(engine, request(1, 200, 5))
    step(engine)
    submit(engine, request(2, 10, 5))
    step(engine)
    expect(running(engine)).toEqual([1])
    step(engine)
    step(engine)
    expect(running(engine)).toEqual([1, 2])
  })

  it('cuts a long prompt at its own threshold, so that others get their share of the step', () => {
    const engine = engineOf({ limits: { stepTokens: 100, longPrefillTokens: 40 } })
    submit(engine, request(1, 200, 5))
    submit(engine, request(2, 30, 5))
    expect(ids(step(engine).events, 'firstToken')).toEqual([2])
    expect(engine.running[0]!.computed).toBe(40)
  })

  it('runs at most so many sequences', () => {
    const engine = engineOf({ limits: { maxSequences: 2 } })
    for (let id = 1; id <= 3; id++) submit(engine, request(id, 10, 3))
    const admitted = () => [running(engine), engine.waiting.length]
    step(engine)
    expect(admitted()).toEqual([[1, 2], 1])
    step(engine)
    step(engine)
    step(engine)
    expect(admitted()).toEqual([[3], 0])
  })

  it('preempts the newest when blocks run out, and admits nobody in that step', () => {
    // Room for 8 blocks: two sequences of 4 blocks, that both want a fifth.
    const engine = engineOf({ kvBlocks: 9 })
    submit(engine, request(1, 63, 10))
    submit(engine, request(2, 63, 10))
    step(engine)
    step(engine)
    submit(engine, request(3, 1, 1))
    const { events } = step(engine)
    expect([ids(events, 'preempted'), ids(events, 'tokens'), running(engine)]).toEqual([[2], [1], [1]])
    expect(engine.waiting.peek()!.id).toBe(2)
  })

  it('recomputes a preempted sequence from what is still cached of it, before later ones, and repeats no token', () => {
    const engine = engineOf({ kvBlocks: 9 })
    submit(engine, request(1, 63, 10))
    submit(engine, request(2, 63, 10))
    const events: EngineEvent[] = []
    for (let outcome = step(engine); outcome.steps > 0; outcome = step(engine)) events.push(...outcome.events)
    expect(ids(events, 'preempted')).toEqual([2])
    expect(ids(events, 'firstToken')).toEqual([1, 2])
    expect(ids(events, 'tokens').filter(id => id === 2)).toHaveLength(9)
    // The cached tokens that it tells are those of its first admission.
    expect(events.at(-1)).toEqual({ kind: 'finished', id: 2, cachedTokens: 0, outputTokens: 10, preemptions: 1 })
  })

  it('stops admitting at the first that finds no room, though later ones would', () => {
    const engine = engineOf({ kvBlocks: 11 })
    submit(engine, request(1, 96, 3))
    submit(engine, request(2, 96, 3))
    submit(engine, request(3, 1, 3))
    step(engine)
    expect([running(engine), engine.waiting.length]).toEqual([[1], 2])
  })

  it('admits a prompt only when all of it fits, unless it is told otherwise', () => {
    const admittedWith = (reserveFullPrompt: boolean) => {
      const engine = engineOf({ kvBlocks: 11, limits: { stepTokens: 64, reserveFullPrompt } })
      submit(engine, request(1, 64, 30))
      step(engine)
      submit(engine, request(2, 128, 3))
      step(engine)
      return running(engine)
    }
    expect(admittedWith(true)).toEqual([1])
    expect(admittedWith(false)).toEqual([1, 2])
  })

  it('counts shared blocks once, so that many can share a long beginning', () => {
    const engine = engineOf({ kvBlocks: 40 })
    submit(engine, request(1, 480, 50, 7))
    step(engine)
    for (let id = 2; id <= 5; id++) submit(engine, request(id, 481, 2, 7))
    const { events } = step(engine)
    expect(running(engine)).toEqual([1, 2, 3, 4, 5])
    expect(events.filter(event => event.kind === 'firstToken' && event.cachedTokens === 480)).toHaveLength(4)
  })

  it('shares blocks that an earlier request of the same step fills, as vLLM does', () => {
    const engine = engineOf()
    submit(engine, request(1, 100, 2, 8))
    submit(engine, request(2, 100, 2, 8))
    const { events } = step(engine)
    expect(events).toContainEqual({ kind: 'firstToken', id: 2, cachedTokens: 96 })
  })

  it('takes back what an aborted sequence held, waiting or running', () => {
    const engine = engineOf({ kvBlocks: 11 })
    submit(engine, request(1, 96, 30))
    submit(engine, request(2, 96, 30))
    submit(engine, request(3, 96, 30))
    step(engine)
    abort(engine, 2)
    abort(engine, 1)
    abort(engine, 1)
    step(engine)
    expect([running(engine), engine.waiting.length]).toEqual([[3], 0])
    abort(engine, 3)
    expect([engine.cache.free, engine.sequences.size, step(engine).steps]).toEqual([10, 0, 0])
  })

  it('gives a paused sequence nothing, and goes on with the others', () => {
    const engine = engineOf()
    submit(engine, request(1, 10, 30))
    submit(engine, request(2, 10, 30))
    step(engine)
    setPaused(engine, 1, true)
    expect(ids(step(engine).events, 'tokens')).toEqual([2])
    setPaused(engine, 2, true)
    expect(step(engine).steps).toBe(0)
    setPaused(engine, 1, false)
    expect(ids(step(engine).events, 'tokens')).toEqual([1])
  })

  it('takes no request that could never fit, none without tokens, and none twice', () => {
    const engine = engineOf({ kvBlocks: 9 })
    expect(submit(engine, request(1, 120, 9))).toBe(false)
    expect(submit(engine, request(1, 120, 8))).toBe(true)
    expect(() => submit(engine, request(1, 1, 1))).toThrow(/under way/)
    expect(() => submit(engine, request(2, 0, 1))).toThrow(RangeError)
    expect(() => submit(engine, request(2, 1, 0))).toThrow(RangeError)
  })
})
