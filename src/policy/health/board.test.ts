import { describe, expect, it } from 'vitest'
import { HealthBoard } from './board.ts'
import { deploymentOf, fail, modelOf, noDraw, START, TERMS, take } from './health.fixture.ts'

const GPT = deploymentOf('openai/gpt')
const POOL = deploymentOf('pool/llama', 2)
const FAST = modelOf('fast', [GPT, POOL])
const SMART = modelOf('smart', [GPT])
const STRICT = modelOf('strict', [GPT], { ...TERMS, failures: 1 })
const MODELS = [FAST, SMART, STRICT]

function boards(count: number): readonly HealthBoard[] {
  const memory = HealthBoard.memoryFor(MODELS)
  return Array.from({ length: count }, (_, thread) => new HealthBoard(MODELS, memory, thread))
}

describe('a board of health', () => {
  it('gives models with equal terms one breaker, others their own', () => {
    const [board] = boards(1)
    const standings = () => [FAST, SMART, STRICT].map(model => board!.of(model, GPT).standing(START).kind)
    fail(board!.of(FAST, GPT), START, TERMS.failures)
    expect(standings()).toEqual(['open', 'open', 'ready'])
    fail(board!.of(STRICT, GPT), START)
    expect(standings()).toEqual(['open', 'open', 'open'])
  })

  it('shares what is learnt, outstanding and quiet among all models of a deployment', () => {
    const [board] = boards(1)
    const taken = take(board!.of(FAST, GPT), START)
    taken.answered(START, { waitedMs: 70, streamed: true })
    expect(board!.of(STRICT, GPT).timeToFirstTokenMs(START)).toBe(70)
    expect(board!.of(STRICT, GPT).outstanding()).toBe(1)
    taken.ended('limited', START, START + 1_000)
    expect(board!.of(STRICT, GPT).standing(START)).toEqual({ kind: 'quiet', until: START + 1_000 })
  })

  it('keeps deployments apart', () => {
    const [board] = boards(1)
    fail(board!.of(FAST, GPT), START, TERMS.failures)
    expect(board!.of(FAST, POOL).standing(START).kind).toBe('ready')
    expect(board!.of(FAST, POOL).failureShare(START)).toBeNull()
  })

  it('is one for all threads', () => {
    const [one, two] = boards(2)
    fail(one!.of(FAST, GPT), START, TERMS.failures)
    expect(two!.of(SMART, GPT).standing(START)).toEqual({ kind: 'open', until: START + TERMS.openMs })
    const probe = take(two!.of(SMART, GPT), START + TERMS.openMs)
    expect(one!.of(FAST, GPT).take(START + TERMS.openMs, noDraw, [])).toBeNull()
    expect(one!.of(FAST, GPT).outstanding()).toBe(1)
    probe.ended('well', START + TERMS.openMs, null)
    expect(one!.of(FAST, GPT).standing(START + TERMS.openMs).kind).toBe('ready')
  })

  it('clears what a dead thread had: its calls are over, its probe is free, and nothing of others', () => {
    const [one, two] = boards(2)
    fail(one!.of(FAST, GPT), START, TERMS.failures)
    const now = START + TERMS.openMs
    take(two!.of(FAST, GPT), now)
    take(one!.of(STRICT, GPT), now)
    one!.clearThread(0)
    expect(one!.of(FAST, GPT).standing(now).kind).toBe('probing')
    expect(one!.of(FAST, GPT).outstanding()).toBe(1)
    one!.clearThread(1)
    expect(one!.of(FAST, GPT).outstanding()).toBe(0)
    expect(take(one!.of(FAST, GPT), now).isProbe).toBe(true)
  })

  it('works in memory of one thread alone', () => {
    const board = new HealthBoard(MODELS, new ArrayBuffer(HealthBoard.memoryFor(MODELS).byteLength), 0)
    fail(board.of(FAST, GPT), START, TERMS.failures)
    expect(board.of(FAST, GPT).standing(START).kind).toBe('open')
  })

  it('refuses the memory of other models and threads that it has no room for', () => {
    const memory = HealthBoard.memoryFor(MODELS)
    const others = [FAST, SMART, modelOf('exact', [GPT], { ...TERMS, failures: 1 })]
    new HealthBoard(MODELS, memory, 64)
    expect(() => new HealthBoard(others, memory, 1)).toThrow('other models')
    expect(() => new HealthBoard([FAST], memory, 1)).toThrow('other models')
    for (const thread of [-1, 65, 0.5]) expect(() => new HealthBoard(MODELS, memory, thread)).toThrow('threads 0 to 64')
  })

  it('knows only its models', () => {
    const [board] = boards(1)
    expect(() => board!.of(FAST, deploymentOf('pool/other'))).toThrow('no deployment pool/other')
    expect(() => board!.hedges(modelOf('other', []))).toThrow('no model other')
  })
})
