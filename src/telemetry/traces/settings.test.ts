import { describe, expect, it } from 'vitest'
import { parentOf } from './parent.ts'
import { traceSettings } from './settings.ts'

const ENDPOINT = 'http://127.0.0.1:4318'

describe('the settings of traces', () => {
  it.each([
    ['nothing', {}],
    ['an empty endpoint', { OTEL_EXPORTER_OTLP_ENDPOINT: '' }],
    ['a disabled SDK', { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_SDK_DISABLED: 'TRUE' }],
    ['no exporter', { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_EXPORTER: 'none' }],
  ])('%s traces nothing', (_, env) => expect(traceSettings(env)).toBeNull())

  it.each([
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT }, `${ENDPOINT}/v1/traces`],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: `${ENDPOINT}/otlp/` }, `${ENDPOINT}/otlp/v1/traces`],
    [{ OTEL_EXPORTER_OTLP_ENDPOINT: 'x', OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: `${ENDPOINT}/mine` }, `${ENDPOINT}/mine`],
  ])('%o sends to %s', (env, url) => expect(traceSettings(env)?.url).toBe(url))

  it.each([
    [undefined, undefined, { share: 1, followsParent: true }],
    ['always_on', undefined, { share: 1, followsParent: false }],
    ['always_off', '0.5', { share: 0, followsParent: false }],
    ['traceidratio', '0.25', { share: 0.25, followsParent: false }],
    ['parentbased_traceidratio', '0.25', { share: 0.25, followsParent: true }],
    ['parentbased_traceidratio', 'much', { share: 1, followsParent: true }],
    ['parentbased_always_off', undefined, { share: 0, followsParent: true }],
  ])('the sampler %s with %s is %o', (name, argument, expected) => {
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: ENDPOINT, OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: argument }
    expect(traceSettings(env)?.sampler).toEqual(expected)
  })
})

describe('a traceparent', () => {
  const trace = '0af7651916cd43dd8448eb211c80319c'
  const span = 'b7ad6b7169203331'

  it.each([
    [`00-${trace}-${span}-01`, 1],
    [`00-${trace}-${span}-00`, 0],
    [` 00-${trace}-${span}-03 `, 1],
    [`01-${trace}-${span}-01-what.comes.later`, 1],
  ])('%s is joined', (text, traceFlags) => {
    expect(parentOf(text)).toEqual({ traceId: trace, spanId: span, traceFlags, isRemote: true })
  })

  it.each([
    null,
    '',
    'nonsense',
    `00-${trace}-${span}`,
    `00-${trace}-${span}-01-more`,
    `ff-${trace}-${span}-01`,
    `00-${'0'.repeat(32)}-${span}-01`,
    `00-${trace}-${'0'.repeat(16)}-01`,
    `00-${trace.toUpperCase()}-${span}-01`,
  ])('%s is not', text => expect(parentOf(text)).toBeNull())
})
