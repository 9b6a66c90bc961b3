import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { LineBuffer, type LineSink } from './line-buffer.ts'

class Sink extends EventEmitter implements LineSink {
  readonly written: string[] = []
  flushed = 0
  stuck = false

  write(text: string): void {
    this.written.push(text)
  }
  flushSync(): void {
    this.flushed += 1
  }
  end(): void {
    if (!this.stuck) queueMicrotask(() => this.emit('close'))
  }
}

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a buffer of lines', () => {
  it('hands lines on together, in order, within a tenth of a second', () => {
    const sink = new Sink()
    const buffer = new LineBuffer(sink)
    buffer.write('a\n')
    buffer.write('b\n')
    vi.advanceTimersByTime(99)
    expect(sink.written).toEqual([])
    vi.advanceTimersByTime(1)
    expect(sink.written).toEqual(['a\nb\n'])
    vi.advanceTimersByTime(1_000)
    expect(sink.written).toHaveLength(1)
  })

  it('hands them on at once when there are many, and keeps no more than it says', () => {
    const sink = new Sink()
    const buffer = new LineBuffer(sink)
    const line = `${'x'.repeat(999)}\n`
    for (let n = 0; n < 100; n++) buffer.write(line)
    const handed = sink.written.join('').length
    expect(100_000 - handed).toBeLessThan(16_384)
    for (const text of sink.written) expect(text.endsWith('\n')).toBe(true)
  })

  it('closes only when everything is written', async () => {
    const sink = new Sink()
    const buffer = new LineBuffer(sink)
    buffer.write('last\n')
    await buffer.close()
    expect(sink.written).toEqual(['last\n'])
  })

  it('closes after two seconds when nobody reads', async () => {
    const sink = new Sink()
    sink.stuck = true
    const closed = vi.fn()
    const closing = new LineBuffer(sink).close().then(closed)
    await vi.advanceTimersByTimeAsync(1_999)
    expect(closed).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    await closing
    expect(closed).toHaveBeenCalledOnce()
  })

  it('counts what nobody took, and survives a log that cannot be written', () => {
    const sink = new Sink()
    const buffer = new LineBuffer(sink)
    sink.emit('drop', 'four')
    sink.emit('error', new Error('no space left on device'))
    expect(buffer.droppedBytes).toBe(4)
  })

  it('writes what waits when the process ends', () => {
    const before = process.listeners('exit')
    const sink = new Sink()
    const buffer = new LineBuffer(sink)
    buffer.write('last words\n')
    const added = process.listeners('exit').filter(listener => !before.includes(listener))
    for (const listener of added) listener.call(process, 1)
    expect([sink.written, sink.flushed]).toEqual([['last words\n'], 1])
  })

  it('leaves nothing behind in the process once it is closed', async () => {
    const before = process.listenerCount('exit')
    const buffer = new LineBuffer(new Sink())
    await buffer.close()
    expect(process.listenerCount('exit')).toBe(before)
  })
})
