import { encode } from '@msgpack/msgpack'
import { afterEach, describe, expect, it } from 'vitest'
import { XPublisher } from 'zeromq'
import { closeAll, closing, Heard, SetClock, watched } from '../watcher/watcher.fixture.ts'
import { createEngineWatcher } from '../watcher/watcher.ts'
import { subscribeToCache } from './subscription.ts'

afterEach(closeAll)

const STORED = ['BlockStored', [1, 2], null, [], 16, null, 'GPU']

/** An engine that publishes what it has in its cache. */
class Engine {
  readonly #publisher = new XPublisher({ linger: 0, verbosity: 'allSubs' })
  #next = 0n
  port = 0

  async start(port = 0): Promise<this> {
    await this.#publisher.bind(`tcp://127.0.0.1:${port === 0 ? '*' : port}`)
    this.port = Number(this.#publisher.lastEndpoint!.split(':').at(-1))
    closing(() => this.stop())
    return this
  }

  /** Its port is free when this has ended. */
  async stop(): Promise<void> {
    if (this.#publisher.closed) return
    await this.#publisher.unbind(this.#publisher.lastEndpoint!)
    this.#publisher.close()
  }

  /** Waits for a subscriber: what comes before is lost to it. */
  async met(): Promise<void> {
    await this.#publisher.receive()
  }

  skip(): void {
    this.#next++
  }

  async tell(...events: unknown[]): Promise<void> {
    const number = Buffer.alloc(8)
    number.writeBigUInt64BE(this.#next++)
    await this.#publisher.send(['kv-events', number, encode([1, events, 0])])
  }

  async tellRaw(...frames: (Buffer | string)[]): Promise<void> {
    await this.#publisher.send(frames)
  }
}

function subscribed(port: number) {
  const heard = new Heard()
  const notes: string[] = []
  const upstreams = [watched({ baseUrls: ['http://127.0.0.1:1/v1'], kvEventsPort: port })]
  const watcher = createEngineWatcher({ upstreams, clock: new SetClock(), note: sentence => notes.push(sentence) })
  const end = watcher.watch('pool', heard)
  closing(end)
  return { heard, notes, end }
}

describe('what an engine publishes of its cache', () => {
  it('is heard in order, with gaps, and with messages of other forms left out', async () => {
    const engine = await new Engine().start()
    const { heard, notes } = subscribed(engine.port)
    await engine.met()
    await engine.tell(STORED, STORED)
    await engine.tellRaw('kv-events')
    await engine.tellRaw('kv-events', Buffer.alloc(3), Buffer.alloc(3))
    await engine.tell(['BlockMoved'], ['BlockRemoved', [1], 'GPU'])
    engine.skip()
    await engine.tell(STORED)
    await heard.until(() => heard.events.at(-1) === '0 stored 2 32')
    expect(heard.events.slice(1)).toEqual([
      '0 cleared 0 0',
      '0 stored 4 64',
      '0 removed 1 16',
      '0 unknown 0 0',
      '0 stored 2 32',
    ])
    expect(notes).toEqual([
      'events of the cache of 127.0.0.1 in upstream pool: some are of a kind that is not known, and are left out',
    ])
  })

  it('is heard from an engine that comes later, and again from one that was started anew', async () => {
    const first = await new Engine().start()
    const { port } = first
    await first.stop()
    const { heard } = subscribed(port)
    for (let round = 1; round <= 2; round++) {
      const engine = await new Engine().start(port)
      await engine.met()
      await engine.tell(STORED)
      await heard.until(() => heard.events.length === 1 + 2 * round)
      expect(heard.events.slice(-2)).toEqual(['0 cleared 0 0', '0 stored 2 32'])
      await engine.stop()
    }
  })

  it('is not heard any more when the watch has ended', async () => {
    const engine = await new Engine().start()
    const { heard, end } = subscribed(engine.port)
    await engine.met()
    const other = subscribed(engine.port)
    await engine.met()
    end()
    const before = heard.events.length
    await engine.tell(STORED)
    await other.heard.until(() => other.heard.events.includes('0 stored 2 32'))
    expect(heard.events.length).toBe(before)
  })
})

describe('a subscription that fails', () => {
  it('says so, and ends nothing else', async () => {
    const engine = await new Engine().start()
    const noted = Promise.withResolvers<string>()
    const heard = () => {
      throw new Error('of all things')
    }
    closing(subscribeToCache({ host: '127.0.0.1', port: engine.port, heard, note: noted.resolve }))
    await engine.met()
    await engine.tell(STORED)
    expect(await noted.promise).toBe('they are heard no more: of all things')
  })
})
