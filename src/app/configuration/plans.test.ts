import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { writePlan } from '../../vocabulary/plan-form.ts'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'

const FOLDER = new URL('../../../examples/plans/', import.meta.url)
const MODELS = `
upstreams: { mock: { dialect: openai, baseUrl: "http://a" } }
models:
  claude-opus: { deployments: [{ upstream: mock, model: m }] }
  gpt-5: { deployments: [{ upstream: mock, model: m }] }
`

function load(text: string, env: Record<string, string | undefined> = {}) {
  return loadConfiguration({ path: 'p.yaml', env, read: () => ({ text, modifiedAt: 0 }) })
}

function faultsOf(text: string, env?: Record<string, string | undefined>): string[] {
  return (load(text, env).faults ?? []).map(({ line, path }) => `${line} ${path}`)
}

/** Each line that is at fault ends in `# fault: PATH`, once more for each further fault. */
function announced(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) => [...line.matchAll(/# fault: (.+?)(?= #|$)/g)].map(([, path]) => `${i + 1} ${path}`))
}

describe('plans of a configuration', () => {
  it.each(readdirSync(FOLDER))('are read from the example %s', file => {
    const text = readFileSync(new URL(file, FOLDER), 'utf8')
    const { configuration, faults } = load(MODELS + text)
    expect(formatFaults(faults ?? [])).toBe('')
    expect(configuration!.plans.map(({ name }) => name)).toEqual(Object.keys(parse(text).plans))
  })

  it('take numbers from the environment where counts are expected, and texts where dollars are', () => {
    const text = `
plans:
  pro:
    subscribers: ["team:\${TEAM}"]
    limits:
      - { scope: plan, unit: tokens, amount: \${COUNT}, window: { sliding: 1m } }
      - { scope: plan, unit: dollars, window: { calendar: month }, seats: [{ kind: a, count: \${COUNT}, each: \${COUNT} }] }
      - { scope: plan, unit: dollars, grants: [{ id: g, amount: \${COUNT}, priority: \${COUNT}, createdAt: 2026-01-01 }] }
`
    const { configuration, faults } = load(text, { TEAM: 'search', COUNT: '12' })
    expect(formatFaults(faults ?? [])).toBe('')
    expect(writePlan(configuration!.plans[0]!)).toMatchObject({
      subscribers: ['team:search'],
      limits: [
        { amount: 12 },
        { seats: [{ kind: 'a', count: 12, each: '12' }] },
        { grants: [{ amount: '12', priority: 12 }] },
      ],
    })
  })

  it('may be none', () => {
    for (const text of ['', 'plans:\n', 'plans: {}\n']) expect(load(text).configuration!.plans).toEqual([])
  })

  it('are told all their faults at once, each at its line, with those of everything else', () => {
    const text = `${MODELS}
drain: soon                                      # fault: drain
plans:
  "a b": { subscribers: [organisation], limits: [{ scope: plan, unit: requests, amount: 1, window: total }] } # fault: plans["a b"]
  text: hello                                    # fault: plans.text
  empty:                                         # fault: plans.empty
  lonely:                                        # fault: plans.lonely.subscribers
    colour: red                                  # fault: plans.lonely # fault: plans.lonely.colour
  broken:
    subscribers: ["team:\${NOT_SET}"]            # fault: plans.broken.subscribers[0]
    limits:
      - { scope: plan, unit: requests, amount: \${NOT_SET}, window: total } # fault: plans.broken.limits[0].amount
  max:
    subscribers: [galaxy, key:ci]                # fault: plans.max.subscribers[0]
    limits:
      - scope: organisation                      # fault: plans.max.limits[0].scope
        unit: dollars
        amount: 5                                # fault: plans.max.limits[0].amount
        window: { sliding: soon }                # fault: plans.max.limits[0].window
        amonut: "5"                              # fault: plans.max.limits[0].amonut
      - scope: plan                              # fault: plans.max.limits[1]
        unit: requests
        window: total
      - { scope: plan, unit: requests, amount: 1, window: total, models: [claude-opsu, gpt-5] } # fault: plans.max.limits[2].models[0]
      - { scope: plan, unit: requests, amount: 1, window: { sliding: 1m }, onReached: { downgrade: gpt-6 } } # fault: plans.max.limits[3].onReached.downgrade
      - scope: plan
        unit: tokens
        window: { calendar: month }
        seats:
          - { kind: a, count: 1.5, each: 3 }     # fault: plans.max.limits[4].seats[0].count
        weights: { thinking: "1", output: 8.5 }  # fault: plans.max.limits[4].weights.thinking # fault: plans.max.limits[4].weights.output
    overflow:
      - { scope: plan, unit: requests, amount: 1, window: total } # fault: plans.max.overflow
`
    expect(faultsOf(text).sort()).toEqual(announced(text).sort())
  })

  it('are told what was expected, in the words of the file', () => {
    const text = `
plans:
  pro:
    subscribers: [key:ci]
    limits:
      - { scope: plan, unit: dollars, amount: 5, window: total, amonut: 1 }
      - { scope: plan, unit: requests, amount: 1, window: total }
      - { scope: plan, unit: requests, amount: 2, window: total }
`
    expect(formatFaults(load(text).faults ?? []).split('\n')).toEqual([
      'p.yaml:6:47: plans.pro.limits[0].amount is 5; expected dollars as a text such as "12.50", so that no decimal is lost',
      expect.stringMatching(/6:65: plans\.pro\.limits\[0\]\.amonut is unknown; .* \(did you mean amount\?\)$/),
      'p.yaml:8:9: plans.pro.limits[2] stands twice: a limit is its scope, unit, window and models',
    ])
  })

  it('never show a value of the environment', () => {
    const E = `\${E}`
    const text = `
plans:
  pro:
    subscribers: ["${E}", "tag:${E}"]
    limits:
      - { scope: "${E}", unit: "${E}", amount: ${E}, window: { sliding: "${E}" }, onReached: { downgrade: "${E}" }, except: ["${E}"] }
      - { scope: plan, unit: dollars, grants: [{ id: "${E}", amount: ${E}, createdAt: ${E}, expiresAt: ${E}, kind: ${E} }] }
      - { scope: plan, unit: tokens, window: { calendar: "${E}" }, seats: [{ kind: a, count: ${E}, each: ${E} }], weights: { input: ${E} } }
`
    const { faults } = load(text, { E: 'hunter2 hunter2' })
    expect(faults!.length).toBeGreaterThanOrEqual(14)
    expect(formatFaults(faults!)).not.toContain('hunter2')
  })
})
