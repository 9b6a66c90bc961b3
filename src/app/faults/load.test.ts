import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FAULT_KINDS } from '../../engines/faults/plan.ts'
import type { Configuration } from '../configuration/configuration.ts'
import { formatFaults } from '../configuration/fault.ts'
import { loadConfiguration } from '../configuration/load.ts'
import { loadFaultPlan } from './load.ts'
import { planNotice } from './notice.ts'

const EXAMPLES = join(import.meta.dirname, '../../../examples')
const STARTED = 1_800_000_000_000

const loaded = loadConfiguration({ path: join(EXAMPLES, 'penstock.yaml'), env: {} }).configuration!
/** The example's, with three replicas of the pool. */
const CONFIGURATION: Configuration = {
  ...loaded,
  models: loaded.models.map(model => ({
    ...model,
    deployments: model.deployments.map(one => (one.upstream === 'pool' ? { ...one, replicas: 3 } : one)),
  })),
}

function load(text: string, configuration: Configuration | null = CONFIGURATION) {
  const read = () => ({ text, modifiedAt: 0 })
  return loadFaultPlan({ path: 'f.yaml', env: { SEED: '9' }, configuration, startedAt: STARTED, read })
}

describe('a plan of faults', () => {
  it('has what was written, and the usual where nothing was', () => {
    const { plan } = load(`
faults:
  - { upstream: pool, kind: stall }
  - { upstream: pool/meta-llama/Llama-3.1-8B-Instruct, replica: 2, kind: cut, tokens: 0, share: 0.2, after: 10s, for: 1m,
      every: 5m }
  - { upstream: "*", kind: status, status: 429, retryAfter: 1500ms, retryAfterIn: milliseconds }
  - { upstream: sim, kind: slow }
seed: \${SEED}
`)
    const usual = { replica: null, share: 1, afterMs: 0, forMs: null, everyMs: null, retryAfter: null, status: 0 }
    expect(plan).toEqual({
      seed: 9,
      startedAt: STARTED,
      faults: [
        { ...usual, upstream: 'pool', kind: 'stall', tokens: 8, waitMs: 0 },
        {
          ...usual,
          upstream: 'pool/meta-llama/Llama-3.1-8B-Instruct',
          kind: 'cut',
          replica: 2,
          tokens: 0,
          waitMs: 0,
          share: 0.2,
          afterMs: 10_000,
          forMs: 60_000,
          everyMs: 300_000,
        },
        {
          ...usual,
          upstream: '*',
          kind: 'status',
          status: 429,
          retryAfter: { ms: 1_500, form: 'milliseconds' },
          tokens: 0,
          waitMs: 0,
        },
        { ...usual, upstream: 'sim', kind: 'slow', tokens: 0, waitMs: 5_000 },
      ],
    })
  })

  it('is told to whoever starts a gateway with it', () => {
    const { plan } = load(`
faults:
  - { upstream: "*", kind: status, status: 429, share: 0.2, after: 10s, for: 1m, every: 5m }
  - { upstream: pool, replica: 1, kind: stall }
`)
    expect(planNotice('f.yaml', plan!)).toBe(
      `FAULTS ARE ON: calls of upstreams fail on purpose, as f.yaml says (seed 1)
  status 429: 20% of the calls of every upstream, 10s after the start for 1m every 5m
  stall: all calls of replica 1 of pool`,
    )
  })

  it.each(readdirSync(join(EXAMPLES, 'faults')))('that stands as an example, %s, has no fault', name => {
    const path = join(EXAMPLES, 'faults', name)
    const { plan, faults } = loadFaultPlan({ path, env: {}, configuration: CONFIGURATION, startedAt: STARTED })
    expect(formatFaults(faults ?? [])).toBe('')
    if (name === 'every-kind.yaml') expect(plan!.faults.map(({ kind }) => kind).sort()).toEqual([...FAULT_KINDS].sort())
    if (name === 'brownout.yaml') expect(new Set(plan!.faults.map(({ upstream }) => upstream))).toEqual(new Set(['*']))
  })
})

describe('what is wrong with a plan', () => {
  const SPOILT = `
seeds: 7                     # fault: seeds
faults:
  - upstream: simm           # fault: faults[0].upstream
    kind: stal               # fault: faults[0].kind
    share: 0                 # fault: faults[0].share
    after: 10                # fault: faults[0].after
    for: 0s                  # fault: faults[0].for
    tokens: -1               # fault: faults[0].tokens
  - kind: status             # fault: faults[1].upstream # fault: faults[1].status
    retryAfterIn: date       # fault: faults[1].retryAfterIn
  - upstream: pool
    kind: refuse
    replica: 3               # fault: faults[2].replica
    tokens: 3                # fault: faults[2].tokens
    wait: 3s                 # fault: faults[2].wait
    status: 503              # fault: faults[2].status
    retryAfter: 2s           # fault: faults[2].retryAfter
    every: 5m                # fault: faults[2].every
  - upstream: sim
    kind: status
    status: 200              # fault: faults[3].status
    for: 5m
    every: 5m                # fault: faults[3].every
    weight: 1                # fault: faults[3].weight
  - upstream: sim/other      # fault: faults[4].upstream
    kind: cut
  - all                      # fault: faults[5]
`
  it('is told all at once, with line and path', () => {
    const told = (load(SPOILT).faults ?? []).map(({ line, path }) => `${line} ${path}`)
    const announced = SPOILT.split('\n').flatMap((line, i) =>
      [...line.matchAll(/# fault: (\S+)/g)].map(([, path]) => `${i + 1} ${path}`),
    )
    expect(told.sort()).toEqual(announced.sort())
  })

  it('says what was expected', () => {
    const text = formatFaults(load(SPOILT).faults ?? [])
    expect(text).toContain('did you mean stall?')
    expect(text).toContain('did you mean sim?')
    expect(text).toContain('expected a place from 0 to 2')
    expect(text).toContain('f.yaml:15:')
  })

  it('is told without its references where the configuration has faults itself', () => {
    expect(load('faults: [{ upstream: nobody, kind: cut }]', null).plan).toBeDefined()
    expect(load('faults: [{ upstream: nobody, kind: kut }]', null).faults).toHaveLength(1)
  })

  it.each([
    ['an empty file', '', 'f.yaml:1:1: is empty'],
    ['no fault', 'faults: []', 'faults names no fault'],
    ['none at all', 'seed: 7', 'faults is missing'],
    ['no YAML', 'faults: [', 'is no YAML'],
    ['no mapping', 'faults', 'is not a mapping'],
  ])('is told of %s', (_, text, told) => {
    expect(formatFaults(load(text).faults ?? [])).toContain(told)
  })

  it('is told of a file that is not there', () => {
    const { faults } = loadFaultPlan({ path: '/no/such.yaml', env: {}, configuration: CONFIGURATION, startedAt: 0 })
    expect(formatFaults(faults!)).toBe(
      '/no/such.yaml: cannot be read: there is no such file; expected a plan of faults in YAML or JSON',
    )
  })

  it('that stands beside a configuration to rehearse with fits it', () => {
    const of = (name: string) => ({ path: join(EXAMPLES, 'rehearsal', name), env: {} })
    const configuration = loadConfiguration(of('penstock.yaml')).configuration!
    const { plan, faults } = loadFaultPlan({ ...of('faults.yaml'), configuration, startedAt: STARTED })
    expect([faults ?? [], plan?.faults.map(({ upstream }) => upstream)]).toEqual([[], ['first', 'first', 'first']])
  })
})
