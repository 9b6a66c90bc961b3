import { describe, expect, it } from 'vitest'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'
import { SPOILT } from './spoilt.fixture.ts'

const hardware = { models: ['Llama-3.1-8B', 'Llama-3.1-70B'], accelerators: ['H100-SXM', 'A100-80G'] }

function load(text: string, env: Record<string, string | undefined> = {}) {
  return loadConfiguration({ path: 'p.yaml', env, hardware, read: () => ({ text, modifiedAt: 0 }) })
}

/** The faults of a text as `line path`, in the order of the report. */
function faultsOf(text: string, env?: Record<string, string | undefined>): string[] {
  return (load(text, env).faults ?? []).map(({ line, path }) => `${line} ${path}`)
}

/** The faults that a spoilt file announces. */
function announced(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) => [...line.matchAll(/# fault: (\S+)/g)].map(([, path]) => `${i + 1} ${path}`))
}

describe('a configuration with faults', () => {
  it.each(Object.entries(SPOILT))('has every fault of its %s reported at its line, and no other', (_, text) => {
    const expected = announced(text)
    // A name with a space is cut where the announcement ends.
    const found = faultsOf(text, { EMPTY: '' }).map(fault => expected.find(wanted => fault.startsWith(wanted)) ?? fault)
    expect(found).toEqual(expected)
    expect(expected.length).toBeGreaterThan(4)
  })

  it('says what was probably meant', () => {
    const report = formatFaults(
      load('lisen: x\nupstreams: { mock: { dialekt: opnai, dialect: opneai, baseUrl: http://a } }').faults ?? [],
    )
    for (const meant of ['listen', 'dialect', 'openai']) expect(report).toContain(`did you mean ${meant}?`)
  })

  it('is reported with one line each: file, line, column, path, what is wrong and what was expected', () => {
    expect(formatFaults(load('drain: soon\nkeys: none\n').faults ?? []).split('\n')).toEqual([
      'p.yaml:1:8: drain is no duration, "soon"; expected a duration such as 500ms, 30s, 5m, 5h or 7d',
      'p.yaml:2:7: keys is not a list',
    ])
  })

  it('says of limits what was expected and which other one is meant', () => {
    const text =
      'limits:\n  - { scope: organisation, unit: dollars, amount: 5, window: total }\n' +
      '  - { scope: organisation, unit: dollars, amount: "7", window: total, windoww: 1d }\n' +
      '  - { scope: "model:fast", unit: requests, amount: 1, window: day }\n'
    expect(formatFaults(load(text).faults ?? []).split('\n')).toEqual([
      'p.yaml:2:51: limits[0].amount is 5; expected dollars as a text such as "12.50", so that no decimal is lost',
      'p.yaml:3:5: limits[1] has the scope, unit, window and onReached of the limit on line 2; expected a limit that differs in one of them',
      'p.yaml:3:71: limits[1].windoww is unknown; expected one of scope, unit, amount, window, onReached, wait (did you mean window?)',
      'p.yaml:4:14: limits[2].scope refers to "model:fast", and there is no model of that name; expected model of that name, and there are none',
      expect.stringMatching(/^p\.yaml:4:63: limits\[2\]\.window is "day"; expected 'total', \{ sliding: D \}/),
    ])
  })

  it('shows the way that a circle of downgrades takes', () => {
    const to = (model: string, downgrade: string) =>
      `  - { scope: "model:${model}", unit: requests, amount: 1, window: total, onReached: { downgrade: ${downgrade} } }\n`
    const model = '{ deployments: [{ upstream: a, model: x }] }'
    const text =
      `upstreams: { a: { dialect: openai, baseUrl: http://a } }\nmodels: { a: ${model}, b: ${model}, c: ${model} }\n` +
      `limits:\n${to('a', 'b')}${to('b', 'c')}${to('c', 'a')}`
    expect(formatFaults(load(text).faults ?? [])).toBe(
      'p.yaml:6:91: limits[2].onReached.downgrade closes a circle of downgrades, c → a → b → c; expected a chain that ends',
    )
  })

  it('never has a secret in its report', () => {
    const secrets = { A: 'hunter2 hunter2', B: 'hunter2', C: 'http://user:hunter2@host', D: 'hunter2' }
    const text =
      `adminToken: \${A}\ndrain: \${D}\nupstreams:\n  a: { dialect: openai, baseUrl: \${C}, apiKey: "\${A}", headers: { x: "hunter2\\u0007" } }\n` +
      `keys:\n  - { name: k, secret: hunter2 }\n  - { name: \${D}!, secret: \${B} }\n  - { name: m, secret: [hunter2] }\n`
    const loaded = load(text, secrets)
    expect(loaded.faults?.length).toBeGreaterThanOrEqual(8)
    expect(formatFaults(loaded.faults ?? [])).not.toContain('hunter2')
  })

  it('never has a value of the environment in its report, wherever it stands', () => {
    const text =
      `listen: \${E}\ntrustCallers: \${E}\nupstreams:\n  a: { engine: simulated, model: \${E}, accelerator: { kind: \${E}, count: \${E} } }\n` +
      `models:\n  m: { deployments: [{ upstream: \${E}, model: x }], route: \${E} }\n` +
      `prices:\n  - { upstream: \${E}, model: \${E}, input: \${E} }\n  - { upstream: \${E}, model: \${E}, input: \${E} }\n` +
      `keys:\n  - { name: \${E}, secret: sk-12345678, models: [\${E}] }\n  - { name: \${E}, secret: sk-12345678 }\n` +
      `limits:\n  - { scope: \${E}, unit: \${E}, amount: \${E}, window: { sliding: \${E} }, onReached: { downgrade: \${E} }, wait: \${E} }\n` +
      `  - { scope: "team:\${E}", unit: requests, amount: \${E}, window: \${E}, onReached: queue, wait: \${E} }\n` +
      `  - { scope: "model:\${E}", unit: requests, amount: 1, window: total, onReached: \${E} }\n`
    const loaded = load(text, { E: 'hunter2' })
    expect(loaded.faults?.length).toBeGreaterThanOrEqual(24)
    expect(formatFaults(loaded.faults ?? [])).not.toContain('hunter2')
  })

  it('with an engine that nobody knows is not told what that engine would need', () => {
    expect(faultsOf('upstreams: { a: { engine: simulatd, model: Llama-3.1-8B, replicas: 2 } }')).toEqual([
      '1 upstreams.a.engine',
    ])
  })

  it.each([
    ['a name that stands twice', 'models:\n  a: {}\nmodels: {}\n', '3 models'],
    ['a tab as indent', 'upstreams:\n\ta: 1\n', '2 '],
    ['a bracket that nothing closes', 'listen: 127.0.0.1:0\nkeys: [\n', '3 '],
    ['a second document', 'drain: 5s\n---\ndrain: 6s\n', '2 '],
    ['an alias that leads nowhere', 'listen: *nowhere\n', '1 listen'],
    ['an alias of what it stands in', 'upstreams: &u\n  a: *u\n', '2 upstreams.a'],
    ['a tag', 'listen: !address x\n', '1 '],
    ['a list for a configuration', '- a\n', '1 '],
    ['a value for a configuration', 'hello\n', '1 '],
    ['a variable for a name', `upstreams:\n  \${A}: {}\n`, `2 upstreams["\${A}"]`],
    ['a name that JavaScript keeps for itself', 'models:\n  __proto__: {}\n', '2 models.__proto__'],
    ['characters that are reserved', 'listen: \uE041\n', '0 '],
  ])('is no YAML with %s, which is reported at its line', (_, text, fault) => {
    expect(faultsOf(text)).toContain(fault)
  })

  it('is judged as far as YAML could read it', () => {
    expect(faultsOf('lisen: x\nmodels:\n  m: { deployments: [{ upstream: later, model: m }] }\nkeys: [\n')).toEqual([
      '1 lisen',
      '5 ',
    ])
  })

  it('reports a name that stands twice beside the other faults', () => {
    expect(faultsOf('drain: soon\nkeys: []\nkeys: []\nlisen: x\n')).toEqual(['1 drain', '3 keys', '4 lisen'])
  })

  it('does not blow up on aliases of aliases', () => {
    const lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
    for (let n = 1; n < 9; n++)
      lines.push(
        `a${n}: &a${n} [${Array(10)
          .fill(`*a${n - 1}`)
          .join(', ')}]`,
      )
    const faults = load(lines.join('\n')).faults ?? []
    expect(faults.some(({ problem }) => problem.includes('more than 100000 values'))).toBe(true)
    expect(faults.length).toBeLessThan(20)
  })

  it('names a token of the environment that can be none', () => {
    expect(formatFaults(load('{}', { PENSTOCK_ADMIN_TOKEN: 'x y' }).faults ?? [])).toMatch(
      /^environment: PENSTOCK_ADMIN_TOKEN /,
    )
  })
})
