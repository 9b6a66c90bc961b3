import { afterEach, describe, expect, it } from 'vitest'
import type { Resolve } from './watch.ts'
import { closeAll, closing, engine, Heard, realClock, SetClock, settled, watched } from './watcher.fixture.ts'
import { createEngineWatcher } from './watcher.ts'

afterEach(closeAll)

/** A name server whose answers a test sets: null for none. */
class Names {
  readonly #answers = new Map<string, readonly string[] | null>()
  asked = 0

  set(name: string, addresses: readonly string[] | null): this {
    this.#answers.set(name, addresses)
    return this
  }

  readonly resolve: Resolve = async name => {
    this.asked++
    const addresses = this.#answers.get(name)
    if (addresses === null || addresses === undefined) throw new Error(`no ${name}`)
    return addresses
  }
}

/** Nobody listens at that port, so that engines are found and not heard. */
const POOL = 'http://pool.invalid:1/v1'

async function found(options: {
  readonly baseUrls?: readonly string[]
  readonly resolve: Resolve
  readonly slots?: number
}) {
  const { baseUrls = [POOL], resolve, slots = 8 } = options
  const clock = new SetClock()
  const heard = new Heard()
  const notes: string[] = []
  const upstreams = [watched({ baseUrls, slots })]
  const watcher = createEngineWatcher({ upstreams, clock, resolve, note: sentence => notes.push(sentence) })
  const end = watcher.watch('pool', heard)
  closing(end)
  const atOnce = [...heard.events]
  await settled()
  /** What was told since it was asked last. */
  const news = () => heard.events.splice(0)
  return { clock, heard, notes, news, end, atOnce }
}

const url = (host: string) => `http://${host}:1/v1`

describe('a name with several addresses', () => {
  it('is as many replicas, in the order of their numbers, each asked under that name', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.10', '10.0.0.9', '10.0.0.9'])
    const { heard } = await found({ resolve: names.resolve })
    expect(heard.events).toEqual([`+0 ${url('10.0.0.9')}`, `+1 ${url('10.0.0.10')}`])
    expect([...heard.addresses]).toEqual([
      [0, { base: 0, host: '10.0.0.9' }],
      [1, { base: 0, host: '10.0.0.10' }],
    ])
  })

  it('has its replicas asked at their addresses', async () => {
    const asked: unknown[] = []
    const answering =
      (running: number) => (request: { headers: { host?: string } }, response: { end(t: string): void }) => {
        asked.push(request.headers.host)
        response.end(`vllm:num_requests_running ${running}`)
      }
    const port = await engine(answering(2), '127.0.0.2')
    await engine(answering(3), '127.0.0.3', port)
    // A name that means this machine alone is one replica, so that another address has to be among them.
    const resolve = async () => ['127.0.0.2', '127.0.0.3', '192.0.2.1']
    const heard = new Heard()
    const upstreams = [watched({ baseUrls: [`http://pool.invalid:${port}/v1`], slots: 4 })]
    closing(createEngineWatcher({ upstreams, clock: realClock, resolve }).watch('pool', heard))
    await heard.until(() => heard.loads.size === 2)
    expect([...heard.loads].map(([replica, { running }]) => [replica, running]).sort()).toEqual([
      [0, 2],
      [1, 3],
    ])
    expect(new Set(asked)).toEqual(new Set([`pool.invalid:${port}`]))
  })

  it('stands among the other URLs in the order of the list', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.1', '10.0.0.2']).set('more.invalid', ['10.0.1.1'])
    const baseUrls = ['http://10.9.9.1:1/v1', POOL, 'http://more.invalid:1/v1', 'http://[fd00::1]:1/v1']
    const { heard, atOnce } = await found({ baseUrls, resolve: names.resolve })
    expect(atOnce).toEqual([`+0 ${url('10.9.9.1')}`])
    expect(heard.events.map(event => event.slice(0, 2))).toEqual(['+0', '+1', '+2', '+3', '+4'])
    expect([...heard.addresses.values()]).toEqual([
      null,
      { base: 1, host: '10.0.0.1' },
      { base: 1, host: '10.0.0.2' },
      { base: 2, host: '10.0.1.1' },
      { base: 3, host: 'fd00::1' },
    ])
  })

  it('has an address that comes later behind the others', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.5'])
    const { clock, news } = await found({ resolve: names.resolve })
    news()
    names.set('pool.invalid', ['10.0.0.1', '10.0.0.5'])
    await clock.goOn(4_999)
    expect(news()).toEqual([])
    await clock.goOn(1)
    expect(news()).toEqual([`+1 ${url('10.0.0.1')}`])
  })

  it('loses an address after two lookups without it, and none by one', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.1', '10.0.0.2'])
    const { clock, news } = await found({ resolve: names.resolve })
    news()
    for (let round = 0; round < 3; round++) {
      names.set('pool.invalid', ['10.0.0.2'])
      await clock.goOn(5_000)
      names.set('pool.invalid', ['10.0.0.1', '10.0.0.2'])
      await clock.goOn(5_000)
    }
    expect(news()).toEqual([])
    names.set('pool.invalid', ['10.0.0.2'])
    await clock.goOn(10_000)
    expect(news()).toEqual(['-0'])
  })

  it('changes nothing by a lookup that fails or finds nothing', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.1', '10.0.0.2'])
    const { clock, news } = await found({ resolve: names.resolve })
    news()
    names.set('pool.invalid', null)
    await clock.goOn(20_000)
    names.set('pool.invalid', [])
    await clock.goOn(20_000)
    expect(news()).toEqual([])
    expect(names.asked).toBe(9)
  })

  it('gives an address that is back its own slot, and lets a slot rest before another has it', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.1', '10.0.0.2'])
    const { clock, news } = await found({ resolve: names.resolve, slots: 4 })
    names.set('pool.invalid', ['10.0.0.2'])
    await clock.goOn(10_000)
    names.set('pool.invalid', ['10.0.0.2', '10.0.0.3'])
    await clock.goOn(5_000)
    names.set('pool.invalid', ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    await clock.goOn(5_000)
    expect(news().slice(2)).toEqual(['-0', `+2 ${url('10.0.0.3')}`, `+0 ${url('10.0.0.1')}`])
    names.set('pool.invalid', ['10.0.0.2', '10.0.0.3'])
    await clock.goOn(10_000)
    await clock.goOn(60_000)
    names.set('pool.invalid', ['10.0.0.2', '10.0.0.3', '10.0.0.4'])
    await clock.goOn(5_000)
    expect(news()).toEqual(['-0', `+0 ${url('10.0.0.4')}`])
  })

  it('with more addresses than slots says so once, and has them later where there is room', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    const { clock, news, notes } = await found({ resolve: names.resolve, slots: 2 })
    await clock.goOn(20_000)
    expect(notes).toEqual([
      'pool.invalid has more addresses than upstream pool may have replicas, 2; the others are not asked',
    ])
    names.set('pool.invalid', ['10.0.0.2', '10.0.0.3'])
    await clock.goOn(10_000)
    expect(news()).toEqual([`+0 ${url('10.0.0.1')}`, `+1 ${url('10.0.0.2')}`, '-0', `+0 ${url('10.0.0.3')}`])
  })

  it('is looked up no more when the watch has ended', async () => {
    const names = new Names().set('pool.invalid', ['10.0.0.1'])
    const { clock, end } = await found({ resolve: names.resolve })
    end()
    await clock.goOn(60_000)
    expect([names.asked, clock.timers]).toEqual([1, 0])
  })
})

describe('a name that is one place', () => {
  it.each(['localhost', 'engine.localhost', '10.0.0.1', '[::1]'])('is %s, and is not looked up', async host => {
    const names = new Names()
    const { heard, atOnce } = await found({ baseUrls: [`http://${host}:1/v1`], resolve: names.resolve })
    expect([atOnce, names.asked]).toEqual([[`+0 ${url(host)}`], 0])
    expect(heard.addresses.get(0)).toBeNull()
  })

  it('is one whose addresses all are this machine', async () => {
    const names = new Names().set('pool.invalid', ['127.0.0.1', '::1', '127.0.0.2'])
    const { heard } = await found({ resolve: names.resolve })
    expect(heard.events).toEqual([`+0 ${POOL}`])
    expect(heard.addresses.get(0)).toBeNull()
  })

  it('has the addresses of one family: those of IPv4 where it has any', async () => {
    const names = new Names().set('pool.invalid', ['fd00::1', '10.0.0.1'])
    expect((await found({ resolve: names.resolve })).heard.events).toEqual([`+0 ${url('10.0.0.1')}`])
    names.set('pool.invalid', ['fd00::2', 'fd00::1'])
    const { heard } = await found({ resolve: names.resolve })
    expect(heard.events).toEqual([`+0 ${url('[fd00::1]')}`, `+1 ${url('[fd00::2]')}`])
  })
})

describe('a name that nobody knows yet', () => {
  it('is asked by itself until it is known, and its first address has its slot', async () => {
    const names = new Names().set('pool.invalid', null)
    const { clock, heard, news } = await found({ resolve: names.resolve })
    expect([news(), heard.addresses.get(0)]).toEqual([[`+0 ${POOL}`], null])
    names.set('pool.invalid', ['10.0.0.1', '10.0.0.2'])
    await clock.goOn(5_000)
    expect(news()).toEqual(['-0', `+0 ${url('10.0.0.1')}`, `+1 ${url('10.0.0.2')}`])
  })

  it('does not keep those behind it waiting for longer than two seconds', async () => {
    let answer: (addresses: readonly string[]) => void = () => {}
    const resolve: Resolve = () =>
      new Promise(told => {
        answer = told
      })
    const { clock, news } = await found({ baseUrls: [POOL, 'http://10.9.9.1:1/v1'], resolve })
    await clock.goOn(1_999)
    expect(news()).toEqual([])
    await clock.goOn(1)
    expect(news()).toEqual([`+0 ${POOL}`, `+1 ${url('10.9.9.1')}`])
    answer(['10.0.0.1', '10.0.0.2'])
    await settled()
    expect(news()).toEqual(['-0', `+0 ${url('10.0.0.1')}`, `+2 ${url('10.0.0.2')}`])
  })
})
