import { describe, expect, it } from 'vitest'
import { event, read, responses } from './streams.fixture.ts'

const once = (text: string) => [Buffer.from(text)]

describe('a streamed response', () => {
  it.each(['completed', 'incomplete', 'failed'])('ends with response.%s', end => {
    const { last, whole, reader } = read('responses', once(responses(['a', 'b'], end)))
    expect(last).toContain(`"type":"response.${end}"`)
    expect([whole, reader.sawError]).toEqual([end !== 'failed', end === 'failed'])
    expect(reader.usage).toMatchObject({ inputTokens: 100, outputTokens: 20 })
  })

  it.each([
    ['text', 'response.output_text.delta', { delta: 'Hi' }, true, 2],
    ['no text', 'response.output_text.delta', { delta: '' }, false, 0],
    ['reasoning', 'response.reasoning_summary_text.delta', { delta: 'Hmm' }, true, 3],
    ['arguments', 'response.function_call_arguments.delta', { delta: '{"a' }, true, 3],
    ['sound', 'response.audio.delta', { delta: 'AAAA' }, true, 0],
    ['a call', 'response.output_item.added', { item: { type: 'function_call', name: 'ls', arguments: '' } }, true, 2],
    ['a message', 'response.output_item.added', { item: { type: 'message', content: [] } }, false, 0],
    ['text told only whole', 'response.output_text.done', { text: 'Hi' }, true, 2],
    ['a beginning', 'response.in_progress', { response: { output: [] } }, false, 0],
  ])('tells content from what is none: %s', (_, type, data, sawContent, bytes) => {
    const { reader } = read('responses', once(event(type, data)))
    expect([reader.sawContent, reader.contentBytes]).toEqual([sawContent, bytes])
  })

  it('ends with an error of the upstream, in its words', () => {
    const error = event('error', { code: 'server_error', message: 'boom', param: null })
    const { last, whole, reader } = read('responses', once(error))
    expect([last, whole, reader.sawError]).toEqual([error, false, true])
  })
})
