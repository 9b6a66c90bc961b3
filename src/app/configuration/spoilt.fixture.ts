/** Files with faults: each line that is at fault ends in `# fault: PATH`, once more for each further fault. */
export const SPOILT: Readonly<Record<string, string>> = {
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
budgets: {}                  # fault: budgets
contracts: {}                # fault: contracts
upstreams:
  pool: { engine: vllm, baseUrl: http://a }
models:
  fast:
    deployments: [{ upstream: pool, model: m }]
    limits: []               # fault: models.fast.limits
    tiers: [batch]           # fault: models.fast.tiers
keys:
  - name: ci
    secret: sk-0123456789
    plan: team               # fault: keys[0].plan
`,
  'scheduling of engines': `
upstreams:
  hosted:
    dialect: openai
    baseUrl: http://a
    maxRunning: 64           # fault: upstreams.hosted.maxRunning
    kvEvents: { port: 5557 } # fault: upstreams.hosted.kvEvents
    kvBlocks: auto           # fault: upstreams.hosted.kvBlocks
  pool:
    engine: vllm
    baseUrl: http://b
    maxRunning: 0            # fault: upstreams.pool.maxRunning
    kvEvents: {}             # fault: upstreams.pool.kvEvents.port
    kvBlocks: 100            # fault: upstreams.pool.kvBlocks
  other:
    engine: sglang
    baseUrl: http://c
    maxRunning: "8"          # fault: upstreams.other.maxRunning
    kvEvents:                # fault: upstreams.other.kvEvents
      port: 70000            # fault: upstreams.other.kvEvents.port
  sim:
    engine: simulated
    model: Llama-3.1-8B
    accelerator: { kind: H100-SXM }
    kvEvents: { port: 5557 } # fault: upstreams.sim.kvEvents
    kvBlocks: none           # fault: upstreams.sim.kvBlocks
  tiny:
    engine: simulated
    model: Llama-3.1-8B
    accelerator: { kind: H100-SXM }
    kvBlocks: 1              # fault: upstreams.tiny.kvBlocks
tiers:
  interactive:
    weight: 0                # fault: tiers.interactive.weight
    timeToFirstToken: 1      # fault: tiers.interactive.timeToFirstToken
    missedTarget: "0.01"     # fault: tiers.interactive.missedTarget
    priority: 1              # fault: tiers.interactive.priority
  standard:
    timeToFirstToken: 0s     # fault: tiers.standard.timeToFirstToken
    missedTarget: {}         # fault: tiers.standard.missedTarget.dollars
  batch: 1                   # fault: tiers.batch
  "over night": {}           # fault: tiers["over
  nightly:
    missedTarget: { dollars: -1 } # fault: tiers.nightly.missedTarget.dollars
shares:
  "team:search": 0           # fault: shares["team:search"]
  "team:ads": 1000001        # fault: shares["team:ads"]
  "user:ana": 2              # fault: shares["user:ana"]
  search: 2                  # fault: shares.search
  "key:a b": 2               # fault: shares["key:a
  "key:ci": much             # fault: shares["key:ci"]
queue:
  maxCalls: -1               # fault: queue.maxCalls
  maxBytes: 512              # fault: queue.maxBytes
  maxWait: 2d                # fault: queue.maxWait
  maxTime: 1s                # fault: queue.maxTime
keys:
  - name: ci
    secret: sk-0123456789
    tiers: []                # fault: keys[0].tiers
  - name: night
    secret: sk-0123456788
    tiers: [batch, nihgtly]  # fault: keys[1].tiers[1]
  - name: day
    secret: sk-0123456787
    tiers: batch             # fault: keys[2].tiers
`,
  'resilience of models': `
upstreams:
  a: { dialect: openai, baseUrl: http://a }
models:
  a:
    deployments: [{ upstream: a, model: x }]
    route: fast              # fault: models.a.route
    resilience:
      attempts: 0            # fault: models.a.resilience.attempts
      connect: 61s           # fault: models.a.resilience.connect
      firstToken: 0s         # fault: models.a.resilience.firstToken
      idle: 11m              # fault: models.a.resilience.idle
      total: 2               # fault: models.a.resilience.total
      hedge: on              # fault: models.a.resilience.hedge
      onCut: go on           # fault: models.a.resilience.onCut
      onCallerLeft: stay     # fault: models.a.resilience.onCallerLeft
      retries: 3             # fault: models.a.resilience.retries
      breaker:
        failures: 0          # fault: models.a.resilience.breaker.failures
        within: 2d           # fault: models.a.resilience.breaker.within
        open: long           # fault: models.a.resilience.breaker.open
        after: 1s            # fault: models.a.resilience.breaker.after
  b:
    deployments: [{ upstream: a, model: x }]
    route:                   # fault: models.b.route
    resilience:
      attempts: "3"          # fault: models.b.resilience.attempts
      connect:               # fault: models.b.resilience.connect
      firstToken: [1s]       # fault: models.b.resilience.firstToken
      hedge: { after: 0s }   # fault: models.b.resilience.hedge.after
      onCut: true            # fault: models.b.resilience.onCut
      onCallerLeft: { drain: 2d } # fault: models.b.resilience.onCallerLeft.drain
      breaker: off           # fault: models.b.resilience.breaker
  c:
    deployments: [{ upstream: a, model: x }]
    resilience:
      attempts: 101          # fault: models.c.resilience.attempts
      hedge: {}              # fault: models.c.resilience.hedge.after
      onCallerLeft: []       # fault: models.c.resilience.onCallerLeft
  d:
    deployments: [{ upstream: a, model: x }]
    resilience:
      hedge: { afer: 2s }    # fault: models.d.resilience.hedge.after # fault: models.d.resilience.hedge.afer
      onCallerLeft:          # fault: models.d.resilience.onCallerLeft
`,
  replicas: `
upstreams:
  a:
    engine: vllm
    replicas:
      - http://a
      - http://b
      - HTTP://A/v1/         # fault: upstreams.a.replicas[2]
      - ftp://a              # fault: upstreams.a.replicas[3]
      - 5                    # fault: upstreams.a.replicas[4]
  b:
    dialect: openai
    replicas: []             # fault: upstreams.b.replicas
  c:
    dialect: openai
    replicas: 2              # fault: upstreams.c.replicas
  d:
    dialect: openai
    replicas: http://d       # fault: upstreams.d.replicas
    region: eu-central1
  e:
    dialect: openai
    baseUrl: http://e
    region: 49               # fault: upstreams.e.region
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
      - { upstream: mock, model: n }
      - { upstream: mock, model: n } # fault: models.a.deployments[4].model
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
