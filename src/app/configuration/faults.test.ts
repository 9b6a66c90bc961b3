import { describe, expect, it } from 'vitest'
import { formatFaults } from './fault.ts'
import { loadConfiguration } from './load.ts'

const hardware = { models: ['Llama-3.1-8B', 'Llama-3.1-70B'], accelerators: ['H100-SXM', 'A100-80G'] }

function load(text: string, env: Record<string, string | undefined> = {}) {
  return loadConfiguration({ path: 'p.yaml', env, hardware, read: () => ({ text, modifiedAt: 0 }) })
}

/** The faults of a text as `line path`, in the order of the report. */
function faultsOf(text: string, env?: Record<string, string | undefined>): string[] {
  return (load(text, env).faults ?? []).map(({ line, path }) => `${line} ${path}`)
}

/** Each line that is at fault ends in `# fault: PATH`, once more for each further fault. */
function announced(text: string): string[] {
  return text
    .split('\n')
    .flatMap((line, i) => [...line.matchAll(/# fault: (\S+)/g)].map(([, path]) => `${i + 1} ${path}`))
}

const SPOILT: Readonly<Record<string, string>> = {
  'settings of the gateway': `
lisen: 127.0.0.1:0           # fault: lisen
listen: 4000                 # fault: listen
data: ""                     # fault: data
drain: 15 seconds            # fault: drain
retain: 0s                   # fault: retain
trustCallers: "no"           # fault: trustCallers
adminToken: \${NOT_SET}      # fault: adminToken
workers: 65                  # fault: workers
`,
  'parts of a later version': `
contracts: {}                # fault: contracts
tiers: {}                    # fault: tiers
shares: {}                   # fault: shares
queue: {}                    # fault: queue
upstreams:
  pool:
    engine: vllm
    maxRunning: 64           # fault: upstreams.pool.maxRunning
    replicas:
      - http://a/v1
      - http://b/v1          # fault: upstreams.pool.replicas[1]
models:
  m:
    deployments: [{ upstream: pool, model: x }]
    route: cheapest          # fault: models.m.route
    resilience:
      attempts: 3            # fault: models.m.resilience.attempts
      connect: 2s            # fault: models.m.resilience.connect
      firstToken: 0s         # fault: models.m.resilience.firstToken
      idle: 11m              # fault: models.m.resilience.idle
      total: 2               # fault: models.m.resilience.total
      hedge: { after: 2s }   # fault: models.m.resilience.hedge
      onCut: continue        # fault: models.m.resilience.onCut
      onCallerLeft: { drain: 1s } # fault: models.m.resilience.onCallerLeft
keys:
  - name: ci
    secret: sk-0123456789
    tiers: [batch]           # fault: keys[0].tiers
`,
  upstreams: `
upstreams:
  a:                         # fault: upstreams.a.dialect
    baseUrl: http://a
    apiKye: sk-1             # fault: upstreams.a.apiKye
  b:
    dialect: klingon         # fault: upstreams.b.dialect
    baseUrl: ftp://b         # fault: upstreams.b.baseUrl
    apiKey: \${EMPTY}        # fault: upstreams.b.apiKey
  c:
    engine: vlm              # fault: upstreams.c.engine
    baseUrl: http://u:p@c    # fault: upstreams.c.baseUrl
  d:                         # fault: upstreams.d.baseUrl
    engine: sglang
    speed: 2                 # fault: upstreams.d.speed
  "e/f":                     # fault: upstreams["e/f"]
    dialect: openai
    baseUrl: http://e
    replicas: [http://e]     # fault: upstreams["e/f"].replicas
  g: hello                   # fault: upstreams.g
  h:                         # fault: upstreams.h
  j: {}                      # fault: upstreams.j.dialect # fault: upstreams.j.baseUrl
  i:
    dialect: openai
    baseUrl: http://i?x=1    # fault: upstreams.i.baseUrl
    apiKey: sk
    headers:
      Host: x                # fault: upstreams.i.headers.Host
      x-a: "1"
      X-A: "2"               # fault: upstreams.i.headers.X-A
      Authorization: Bearer  # fault: upstreams.i.headers.Authorization
      x b: "3"               # fault: upstreams.i.headers["x
      x-c: "\\u0007"         # fault: upstreams.i.headers.x-c
`,
  'simulated engines': `
upstreams:
  a:
    engine: simulated
    model: Llama-3.1-8         # fault: upstreams.a.model
    baseUrl: http://a          # fault: upstreams.a.baseUrl
    accelerator:
      kind: H100               # fault: upstreams.a.accelerator.kind
      count: 0                 # fault: upstreams.a.accelerator.count
      dollarsPerHour: "1e-3"   # fault: upstreams.a.accelerator.dollarsPerHour
    replicas: 0                # fault: upstreams.a.replicas
    speed: 0                   # fault: upstreams.a.speed
  b:                           # fault: upstreams.b.model
    engine: simulated
    accelerator: { kind: H100-SXM }
    replicas: [http://b]       # fault: upstreams.b.replicas
`,
  models: `
upstreams:
  mock: { dialect: openai, baseUrl: http://a }
models:
  a:
    deployments:
      - upstream: nowhere      # fault: models.a.deployments[0].upstream
        model: m
      - upstream: mock         # fault: models.a.deployments[1].model
      - 5                      # fault: models.a.deployments[2]
    maxOutputTokens: 1.5       # fault: models.a.maxOutputTokens
  b: {}                        # fault: models.b.deployments
  c:
    deployments: []            # fault: models.c.deployments
    route: inorder             # fault: models.c.route
  "d\\n":                      # fault: models["d\\n"]
    deployments: [{ upstream: mock, model: m }]
`,
  limits: `
upstreams:
  mock: { dialect: openai, baseUrl: http://a }
models:
  fast: { deployments: [{ upstream: mock, model: m }] }
  small: { deployments: [{ upstream: mock, model: m }] }
  tiny: { deployments: [{ upstream: mock, model: m }] }
limits:
  - scope: galaxy              # fault: limits[0].scope
    unit: bananas              # fault: limits[0].unit
    amount: -3                 # fault: limits[0].amount
    window: { sliding: soon }  # fault: limits[0].window
    onReached: explode         # fault: limits[0].onReached
    colour: red                # fault: limits[0].colour
    wait: 5s
  - scope: "key:ci"            # fault: limits[1].window
    unit: dollars
    amount: 5                  # fault: limits[1].amount
  - scope: 7                   # fault: limits[2].scope
    unit: [tokens]             # fault: limits[2].unit
    amount: "10"
    window: total
    onReached:                 # fault: limits[2].onReached
  - { scope: organisation, unit: tokens, amount: "10", window: total } # fault: limits[3].amount
  - { scope: organisation, unit: tokens, amount: 1.5, window: { sliding: 60 } } # fault: limits[4].amount # fault: limits[4].window
  - { scope: \${NOT_SET}, unit: requests, amount: 1, window: total } # fault: limits[5].scope
  - { scope: "key:ci", unit: \${NOT_SET}, amount: "1" } # fault: limits[6].unit
  - hello                      # fault: limits[7]
  -                            # fault: limits[8]
  - { scope: "model:fats", unit: requests, amount: 1, window: total } # fault: limits[9].scope
  - { scope: "upstream:mok", unit: requests, amount: 1, window: total } # fault: limits[10].scope
  - { scope: "key:made-later", unit: concurrency, amount: 1 }
  - { scope: "key:made-later", unit: concurrency, amount: 2, window: { sliding: 1m } } # fault: limits[12].window
  - { scope: "key:made-later", unit: concurrency, amount: 2, window: total } # fault: limits[13]
  - { scope: "key:a", unit: requests, amount: 1, window: { sliding: 1m } }
  - { scope: "key:a", unit: requests, amount: 9, window: { sliding: 60s }, onReached: stop } # fault: limits[15]
  - { scope: "key:a", unit: requests, amount: 9, window: { anchored: 60s }, onReached: queue } # fault: limits[16].wait
  - { scope: "key:b", unit: requests, amount: 9, window: total, onReached: warn, wait: 5s } # fault: limits[17].wait
  - { scope: "key:c", unit: requests, amount: 9, window: total, onReached: { downgrade: smal } } # fault: limits[18].onReached.downgrade
  - { scope: "model:fast", unit: requests, amount: 9, window: total, onReached: { downgrade: fast } } # fault: limits[19].onReached.downgrade
  - { scope: "model:fast", unit: tokens, amount: 9, window: total, onReached: { downgrade: small } }
  - { scope: "model:fast", unit: dollars, amount: "9", window: total, onReached: { downgrade: tiny } }
  - { scope: "model:small", unit: tokens, amount: 9, window: total, onReached: { downgrade: tiny } }
  - { scope: "model:tiny", unit: tokens, amount: 9, window: total, onReached: { downgrade: fast } } # fault: limits[23].onReached.downgrade
  - { scope: "each:user", unit: tokens, amount: 9, window: total, onReached: { downgrade: fast } }
`,
  'prices and keys': `
adminToken: the-admin-token
upstreams:
  mock: { dialect: openai, baseUrl: http://a }
models:
  fast: { deployments: [{ upstream: mock, model: m }] }
prices:
  - upstream: mock
    model: m
    input: "1e-3"              # fault: prices[0].input
    output: "0,5"              # fault: prices[0].output
    cachedInput: 1e-3          # fault: prices[0].cachedInput
    cacheWrite1h: "-1"         # fault: prices[0].cacheWrite1h
    cacheWrite5m: 0.0000001    # fault: prices[0].cacheWrite5m
    images: "1"                # fault: prices[0].images
  - upstream: mock
    model: m                   # fault: prices[1].model
    input: "1"
  - upstream: mok              # fault: prices[2].upstream
    model: m
    input: true                # fault: prices[2].input
  - { upstream: mock, model: n } # fault: prices[3]
keys:
  - name: ci
    secret: sk-check-a
  - name: ci                   # fault: keys[1].name
    secret: sk-check-b
    models:
      - slow                   # fault: keys[1].models[0]
  - name: a b                  # fault: keys[2].name
    secret: sk-check-a         # fault: keys[2].secret
  - name: short
    secret: short              # fault: keys[3].secret
    team: 5                    # fault: keys[3].team
    tags:
      "a b": c                 # fault: keys[3].tags["a
      ok: yes please
      on: true                 # fault: keys[3].tags.on
  - name: admin
    secret: the-admin-token    # fault: keys[4].secret
    models: []                 # fault: keys[4].models
  - nothing                    # fault: keys[5]
  - name: number
    secret: 12345678           # fault: keys[6].secret
  - name: [x]                  # fault: keys[7].name
    secret: with a space       # fault: keys[7].secret
`,
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
