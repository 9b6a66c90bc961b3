import { describe, expect, it } from 'vitest'
import { DEFAULT_FIRST_TOKEN_MS, DEFAULT_IDLE_MS, DEFAULT_RESILIENCE } from '../../vocabulary/resilience.ts'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'

const UPSTREAMS = `
upstreams:
  a: { dialect: openai, baseUrl: http://a }
  b: { dialect: openai, replicas: [http://b, http://c] }
  claude: { dialect: anthropic, baseUrl: http://d }
  both: { engine: llamacpp, baseUrl: http://e }
  here: { engine: vllm, baseUrl: http://f, region: DE }
  there: { dialect: openai, baseUrl: http://g, region: eu-north-1 }
models:
  m:`

/** A model with deployments of these upstreams and further settings, one a line. */
function load(upstreams: readonly string[], ...settings: readonly string[]) {
  const deployments = upstreams.map(upstream => `{ upstream: ${upstream}, model: x }`).join(', ')
  const text = [UPSTREAMS, `    deployments: [${deployments}]`, ...settings.map(line => `    ${line}`)].join('\n')
  const loaded = loadConfiguration({ path: 'p.yaml', env: {}, read: () => ({ text, modifiedAt: 0 }) })
  if (!loaded.configuration) throw new Error(formatFaults(loaded.faults))
  return { model: loaded.configuration.models[0]!, warnings: loaded.warnings.map(({ path }) => path) }
}

const timeLimitsOf = (...of: Parameters<typeof load>) => load(...of).model.resilience.timeLimits

describe('the resilience of a model of which nothing is said', () => {
  it.each([
    ['nothing', []],
    ['an empty mapping', ['resilience: {}']],
    ['an empty breaker', ['resilience: { breaker: {} }']],
    ['off and cancel', ['resilience: { hedge: off, onCut: fail, onCallerLeft: cancel }']],
  ])('is the usual one: %s', (_, settings) => {
    expect(load(['a'], ...settings).model.resilience).toEqual(DEFAULT_RESILIENCE)
  })

  it('waits for the first token, and through silence, only where somebody else can be asked', () => {
    const bounded = { ...DEFAULT_RESILIENCE.timeLimits, firstTokenMs: DEFAULT_FIRST_TOKEN_MS, idleMs: DEFAULT_IDLE_MS }
    expect(timeLimitsOf(['a', 'b'])).toEqual(bounded)
    expect(timeLimitsOf(['claude', 'both'])).toEqual(bounded)
    expect(timeLimitsOf(['a'])).toEqual(DEFAULT_RESILIENCE.timeLimits)
    // A call goes only where its dialect is spoken, so each of these two is alone.
    expect(timeLimitsOf(['a', 'claude'])).toEqual(DEFAULT_RESILIENCE.timeLimits)
  })

  it('never bounds a part of a call by more than the whole', () => {
    const limits = (total: string) => timeLimitsOf(['a', 'b'], `resilience: { total: ${total} }`)
    expect(limits('18s')).toEqual({ firstTokenMs: 18_000, idleMs: DEFAULT_IDLE_MS, totalMs: 18_000 })
    expect(limits('3s')).toEqual({ firstTokenMs: 3_000, idleMs: 3_000, totalMs: 3_000 })
  })
})

describe('the resilience of a model', () => {
  it('keeps to what the file says, whatever is usual', () => {
    const said = 'resilience: { firstToken: 5m, idle: 4m, total: 2m }'
    const limits = { firstTokenMs: 300_000, idleMs: 240_000, totalMs: 120_000 }
    expect(timeLimitsOf(['a'], said)).toEqual(limits)
    expect(timeLimitsOf(['a', 'b'], said)).toEqual(limits)
  })

  it('fills a breaker up that is said in part', () => {
    const { breaker } = load(['a'], 'resilience: { breaker: { open: 1s } }').model.resilience
    expect(breaker).toEqual({ ...DEFAULT_RESILIENCE.breaker, openMs: 1_000 })
  })

  it.each(['attempts: 1', 'attempts: 100', 'connect: 1ms', 'connect: 1m', 'idle: 10m', 'total: 1d'])(
    'may be at its bound: %s',
    said => expect(() => load(['a'], `resilience: { ${said} }`)).not.toThrow(),
  )
})

describe('a setting that can do nothing', () => {
  const TWO = ['a', 'b']
  it.each([
    ['another deployment that goes on, without one', ['a'], ['onCut: continue'], 'onCut'],
    ['another deployment of another dialect', ['a', 'claude'], ['onCut: continue'], 'onCut'],
    ['another deployment that no attempt is left for', TWO, ['onCut: continue', 'attempts: 1'], 'onCut'],
    ['a hedge without a rival', ['a'], ['hedge: { after: 1s }'], 'hedge'],
    ['a hedge without a second attempt', TWO, ['hedge: { after: 1s }', 'attempts: 1'], 'hedge'],
    ['a hedge as late as the end of the wait', TWO, ['hedge: { after: 20s }'], 'hedge.after'],
    ['a hedge as late as the end of the call', TWO, ['hedge: { after: 5s }', 'firstToken: 6s', 'total: 5s'], 'hedge'],
    ['a wait as long as the call', ['a'], ['firstToken: 10m'], 'firstToken'],
    ['a silence as long as the call', ['a'], ['idle: 3s', 'total: 3s'], 'idle'],
    ['a connection as slow as the call', ['a'], ['connect: 3s', 'total: 3s'], 'connect'],
    ['a drain that outlasts the call', ['a'], ['onCallerLeft: { drain: 11m }'], 'onCallerLeft.drain'],
  ])('is warned of: %s', (_, upstreams, said, path) => {
    const { warnings } = load(upstreams, `resilience: { ${said.join(', ')} }`)
    expect(warnings).toContainEqual(expect.stringContaining(`models.m.resilience.${path}`))
  })

  it('is warned of: a route with nothing to choose', () => {
    expect(load(['b'], 'route: balanced').warnings).toEqual(['models.m.route'])
  })

  it.each([
    ['of no deployment the region is known', TWO, ['models.m.route']],
    ['a region is known but not what its engine runs on', ['here', 'a'], ['models.m.route']],
    ['the region of one is known', ['a', 'there'], []],
  ])('is warned of: the greenest, where %s', (_, upstreams, expected) => {
    expect(load(upstreams, 'route: greenest').warnings).toEqual(expected)
  })

  it('is not warned of where it does something, or where the file does not say it', () => {
    const said =
      'resilience: { connect: 1s, firstToken: 5s, idle: 5s, total: 6s, hedge: { after: 2s }, onCut: continue }'
    expect(load(TWO, 'route: cheapest', said).warnings).toEqual([])
    expect(load(TWO, 'resilience: { total: 1s }').warnings).toEqual([])
    expect(load(['b'], 'resilience: { hedge: { after: 2s }, onCut: continue }').warnings).toEqual([])
    expect(load(['a'], 'route: inOrder', 'resilience: { hedge: off, onCut: fail }').warnings).toEqual([])
  })
})
