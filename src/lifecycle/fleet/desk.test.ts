import { describe, expect, it } from 'vitest'
import { stageFleet } from './stage.fixture.ts'

const waitingOf = (stage: ReturnType<typeof stageFleet>) => stage.desk.report().tiers.map(({ waiting }) => waiting)
const replicaOf = (stage: ReturnType<typeof stageFleet>, replica: number) =>
  stage.desk.report().upstreams[0]!.replicas[replica]!

describe('places on owned engines', () => {
  it('are given at once while there are any, and never more than a replica may run', () => {
    const stage = stageFleet({ replicas: 3 })
    const calls = stage.fill(10)
    expect(calls.filter(({ answer }) => answer?.kind === 'place')).toHaveLength(6)
    expect([0, 1, 2].map(i => replicaOf(stage, i).inFlight)).toEqual([2, 2, 2])
    expect(waitingOf(stage)).toEqual([0, 4, 0])
    for (const call of calls.slice(0, 4)) call.ends()
    expect(waitingOf(stage)).toEqual([0, 0, 0])
    expect([0, 1, 2].map(i => replicaOf(stage, i).inFlight)).toEqual([2, 2, 2])
  })

  it('go by weight between tiers, whoever asked first', () => {
    const stage = stageFleet({ replicas: 1, pool: { maxRunning: 1 } })
    const [filler] = stage.fill(1)
    const calls = ['batch', 'standard', 'interactive'].flatMap(tier =>
      Array.from({ length: 40 }, (_, i) => stage.ask(`${tier}-${i}`, { tier })),
    )
    filler!.ends()
    for (let i = 0; i < 25; i++) calls.find(({ name }) => name === stage.started.at(-1))!.ends()
    const count = (tier: string) => stage.started.filter(name => name.startsWith(tier)).length
    expect([count('interactive'), count('standard'), count('batch')]).toEqual([16, 8, 2])
  })

  it('are charged by what calls really took: a tenant whose answers are longer gets fewer of them', () => {
    const stage = stageFleet({ replicas: 1, pool: { maxRunning: 1 } })
    const [filler] = stage.fill(1)
    const calls = ['long', 'short'].flatMap(tenant =>
      Array.from({ length: 60 }, (_, i) => stage.ask(`${tenant}-${i}`, { tenant: `key:${tenant}` })),
    )
    filler!.ends()
    for (let i = 0; i < 50; i++) {
      const call = calls.find(({ name }) => name === stage.started.at(-1))!
      call.ends(call.name.startsWith('long') ? 180 : 20)
    }
    const count = (tenant: string) => stage.started.filter(name => name.startsWith(tenant)).length
    expect(count('short')).toBeGreaterThan(3 * count('long'))
  })

  it('are waited for no longer than the queue, or the call itself, allows', () => {
    const stage = stageFleet({ replicas: 1, queue: { maxWaitMs: 30_000 } })
    stage.fill(2)
    const patient = stage.ask('patient')
    const hasty = stage.ask('hasty', { deadlineAt: stage.clock.now() + 1_000 })
    const late = stage.ask('late', { deadlineAt: stage.clock.now() })
    expect(late.answer).toMatchObject({ kind: 'refuse', cause: 'queueTimeout' })
    stage.clock.pass(999)
    expect(hasty.answer).toBe(null)
    stage.clock.pass(1)
    expect(hasty.answer).toMatchObject({ kind: 'refuse', cause: 'queueTimeout' })
    stage.clock.pass(28_999)
    expect(patient.answer).toBe(null)
    stage.clock.pass(1)
    expect(patient.answer).toMatchObject({ kind: 'refuse', cause: 'queueTimeout' })
    expect(stage.clock.pending).toBe(0)
  })

  it('are refused at once when as many wait as may, by count or by bytes', () => {
    const stage = stageFleet({ replicas: 1, queue: { maxCalls: 3, maxBytes: 2_000 } })
    stage.fill(2)
    stage.ask('a', { bytes: 1_500 })
    expect(stage.ask('b', { bytes: 600 }).answer).toMatchObject({ kind: 'refuse', cause: 'queueFull' })
    stage.ask('c', { bytes: 100 })
    stage.ask('d', { bytes: 100 })
    const refused = stage.ask('e', { bytes: 1 }).answer
    expect(refused).toMatchObject({ kind: 'refuse', cause: 'queueFull' })
    if (refused?.kind === 'refuse') expect(refused.retryAfterMs).toBeGreaterThanOrEqual(1_000)
    expect(waitingOf(stage)).toEqual([0, 3, 0])
  })

  it('are not waited for by those that left, nor by rivals', () => {
    const stage = stageFleet({ replicas: 1 })
    const [filler] = stage.fill(2)
    const gone = stage.ask('gone')
    const rival = stage.ask('rival', { mayWait: false })
    expect(rival.answer).toEqual({ kind: 'none' })
    gone.leave()
    filler!.ends()
    expect(gone.answer).toBe(null)
    expect(stage.ask('next').answer?.kind).toBe('place')
  })

  it('of a replica that is drained go to nobody until it is resumed', () => {
    const stage = stageFleet({ replicas: 2 })
    const fillers = stage.fill(4)
    const waiting = [stage.ask('a'), stage.ask('b')]
    expect(stage.desk.drain('pool', 0)).toBe(true)
    expect(stage.desk.drain('pool', 7)).toBe(false)
    expect(stage.desk.drain('elsewhere', 0)).toBe(false)
    expect(replicaOf(stage, 0).state).toBe('draining')
    for (const filler of fillers) filler.ends()
    expect(waiting.map(call => call.place().replica)).toEqual([1, 1])
    const held = stage.ask('c')
    expect(held.answer).toBe(null)
    stage.desk.resume('pool', 0)
    expect(held.place().replica).toBe(0)
  })

  it('are given by turn to those that come back from elsewhere, who have waited what they have waited', () => {
    const stage = stageFleet({ replicas: 1, queue: { maxWaitMs: 10_000 } })
    const [filler] = stage.fill(2)
    const since = stage.clock.now() - 5_000
    stage.ask('later')
    const back = stage.ask('back', { since, waitedMs: 3_000 })
    const spent = stage.ask('spent', { since, waitedMs: 10_000 })
    expect(spent.answer).toMatchObject({ kind: 'refuse', cause: 'queueTimeout' })
    filler!.ends()
    expect(stage.started.at(-1)).toBe('back')
    expect(back.answer?.kind).toBe('place')
    const late = stage.ask('late', { since, waitedMs: 3_000 })
    stage.clock.pass(7_000)
    expect(late.answer).toMatchObject({ kind: 'refuse', cause: 'queueTimeout' })
  })

  it('are not kept from others by a call that waits for replicas which have not failed it', () => {
    const stage = stageFleet({ replicas: 2, pool: { maxRunning: 1 } })
    const fillers = stage.fill(2)
    const tried = fillers[0]!.place().replica
    const retried = stage.ask('retried', { deployments: [{ name: 'pool/m', tried: [tried] }] })
    stage.clock.pass(3_000)
    fillers[0]!.ends()
    expect(retried.answer).toBe(null)
    const next = stage.ask('next')
    expect(next.place().replica).toBe(tried)
    // In the end one that has failed it is better than none.
    stage.clock.pass(2_000)
    next.ends()
    expect(retried.place().replica).toBe(tried)
  })

  it('are sought elsewhere where the pool has no replica that is well, at once and while a call waits', () => {
    const stage = stageFleet({ replicas: 1 })
    stage.fill(2)
    const waiting = stage.ask('waiting')
    const { health, model, deployment, clock } = stage
    health.of(model, deployment).takeOne(0, clock.now())!.ended('failed', clock.now(), null)
    expect(stage.ask('late').answer).toEqual({ kind: 'none' })
    clock.pass(100)
    expect(waiting.answer).toEqual({ kind: 'none' })
    expect(replicaOf(stage, 0).state).toBe('open')
    clock.pass(6_000)
    expect(replicaOf(stage, 0).state).toBe('recovering')
    stage.listener.gone(0)
    clock.pass(10_000)
    expect(stage.ask('later').answer).toEqual({ kind: 'none' })
    expect(replicaOf(stage, 0).state).toBe('gone')
  })

  it('are not given where nobody listens while others do', () => {
    const stage = stageFleet({ replicas: 2 })
    stage.listener.reached!(0, false)
    expect(replicaOf(stage, 0).state).toBe('unreachable')
    const calls = stage.fill(3)
    expect(calls.map(({ answer }) => answer?.kind ?? null)).toEqual(['place', 'place', null])
    stage.listener.reached!(0, true)
    expect(calls[2]!.place().replica).toBe(0)
    stage.listener.reached!(0, false)
    stage.listener.reached!(1, false)
    expect(stage.ask('finds out').place().replica).toBe(0)
  })

  it('are sought elsewhere by the calls of one model whose deployment fails, though another one on the same engines is well', () => {
    const stage = stageFleet({ replicas: 1, others: ['slim'] })
    stage.fill(2)
    const slim = { model: 'slim', deployments: [{ name: 'pool/slim', tried: [] }] }
    const [waiting, fast] = [stage.ask('slim', slim), stage.ask('fast')]
    const { health, models, clock } = stage
    const failing = health.of(models[1]!, models[1]!.deployments[0]!)
    failing.takeOne(0, clock.now())!.ended('failed', clock.now(), null)
    clock.pass(100)
    expect(waiting.answer).toEqual({ kind: 'none' })
    expect(fast.answer).toBe(null)
  })

  it('are not kept from others by a call that waits for long for a replica that has not failed it', () => {
    const stage = stageFleet({ replicas: 2 })
    const fillers = stage.fill(4)
    const choosy = stage.ask('choosy', { deployments: [{ name: 'pool/m', tried: [0] }] })
    const other = stage.ask('other')
    stage.clock.pass(2_500)
    fillers.find(filler => filler.place().replica === 0)!.ends()
    expect(other.place().replica).toBe(0)
    expect(choosy.answer).toBe(null)
    fillers.find(filler => filler.place().replica === 1)!.ends()
    expect(choosy.place().replica).toBe(1)
  })

  it('are kept for a large call that has waited for long for room in a cache', () => {
    const stage = stageFleet({ replicas: 1, pool: { maxRunning: 3, kvTokens: 1_000 } })
    const [first, second] = [
      stage.ask('first', { tokens: { input: 400, output: 0 } }),
      stage.ask('second', { tokens: { input: 400, output: 0 } }),
    ]
    const large = stage.ask('large', { tokens: { input: 700, output: 0 } })
    expect(stage.ask('early', { tokens: { input: 50, output: 0 } }).answer?.kind).toBe('place')
    stage.started.pop()
    stage.clock.pass(2_500)
    first!.ends()
    const late = stage.ask('late', { tokens: { input: 50, output: 0 } })
    expect([large.answer, late.answer]).toEqual([null, null])
    second!.ends()
    expect(large.answer?.kind).toBe('place')
  })

  it('at another replica in the place of one that went count from nothing, and a drained one that comes back stays drained', () => {
    const stage = stageFleet({ replicas: 1 })
    const before = stage.fill(2)
    stage.listener.appeared(0, 'http://engine-9', { base: 0, host: '10.0.0.9' })
    expect(replicaOf(stage, 0)).toMatchObject({ url: 'http://engine-9', inFlight: 0 })
    expect([stage.ask('a'), stage.ask('b')].map(({ answer }) => answer?.kind)).toEqual(['place', 'place'])
    for (const call of before) call.ends()
    expect(replicaOf(stage, 0).inFlight).toBe(2)
    stage.desk.drain('pool', 0)
    stage.listener.gone(0)
    stage.listener.appeared(0, 'http://engine-9', { base: 0, host: '10.0.0.9' })
    expect(replicaOf(stage, 0).state).toBe('draining')
  })

  it('of replicas that come and go while running are given as they are', () => {
    const stage = stageFleet({ replicas: 2 })
    stage.listener.gone(1)
    const calls = stage.fill(3)
    expect([0, 1].map(replica => stage.desk.isAbsent('pool', replica))).toEqual([false, true])
    expect(calls.map(({ answer }) => answer?.kind ?? null)).toEqual(['place', 'place', null])
    stage.listener.appeared(1, 'http://engine-9', { base: 0, host: '10.0.0.9' })
    expect(calls[2]!.place()).toMatchObject({ replica: 1, address: { base: 0, host: '10.0.0.9' } })
  })
})

describe('a call that could go to a hosted deployment', () => {
  const hosted = { elsewhere: { moreDollars: 1_000n } }

  it('stays while there are places, and leaves when its target would be missed and that is worth more', () => {
    const stage = stageFleet({ replicas: 1 })
    expect(stage.ask('first', { tier: 'interactive', ...hosted }).answer?.kind).toBe('place')
    stage.ask('second')
    const waiting = stage.ask('waiting', { tier: 'interactive', ...hosted })
    stage.clock.pass(1_000)
    expect(waiting.answer).toMatchObject({
      kind: 'spill',
      spill: { why: 'target', targetMs: 1_000, moreDollars: 1_000n },
    })
    expect(waitingOf(stage)).toEqual([0, 0, 0])
  })

  it('waits where the difference is more than the target is worth, and where its tier has none', () => {
    const stage = stageFleet({ replicas: 1 })
    stage.fill(2)
    const dear = stage.ask('dear', { tier: 'interactive', elsewhere: { moreDollars: 20_000_000n } })
    const batch = stage.ask('batch', { tier: 'batch', ...hosted })
    stage.clock.pass(30_000)
    expect([dear.answer, batch.answer]).toEqual([null, null])
  })

  it('leaves before it would be refused, by its deadline or the longest wait, though its target is later', () => {
    const stage = stageFleet({ replicas: 1, queue: { maxWaitMs: 500 } })
    stage.fill(2)
    const waiting = stage.ask('waiting', hosted)
    const hasty = stage.ask('hasty', { ...hosted, deadlineAt: stage.clock.now() + 200 })
    stage.clock.pass(199)
    expect(hasty.answer).toMatchObject({ kind: 'spill' })
    stage.clock.pass(300)
    expect(waiting.answer).toMatchObject({ kind: 'spill', spill: { why: 'target' } })
    expect(stage.ask('dear', { elsewhere: { moreDollars: 20_000_000n } }).answer).toBe(null)
  })

  it('leaves at once where nobody may wait, unless that is worth less', () => {
    const stage = stageFleet({ replicas: 1, queue: { maxWaitMs: 0 } })
    stage.fill(2)
    expect(stage.ask('a', hosted).answer).toMatchObject({ kind: 'spill', spill: { why: 'target' } })
    const refused = { kind: 'refuse', cause: 'queueTimeout' }
    expect(stage.ask('b', { ...hosted, tier: 'batch' }).answer).toMatchObject(refused)
    expect(stage.ask('c', { elsewhere: { moreDollars: 20_000_000n } }).answer).toMatchObject(refused)
    expect(stage.clock.pending).toBe(0)
  })

  it('leaves when the queue is full', () => {
    const stage = stageFleet({ replicas: 1, queue: { maxCalls: 0 } })
    stage.fill(2)
    expect(stage.ask('a', hosted).answer).toMatchObject({ kind: 'spill', spill: { why: 'full' } })
    expect(stage.ask('b', { ...hosted, tier: 'batch' }).answer).toMatchObject({ kind: 'refuse', cause: 'queueFull' })
  })
})
