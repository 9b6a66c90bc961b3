import { describe, expect, it } from 'vitest'
import { formatFaults } from './configuration/fault.ts'
import { loadConfiguration } from './configuration/load.ts'
import { openPriceBook } from './priceBook.ts'
import { tariffsOf } from './prices.ts'

const OPENAI = 'https://api.openai.com/v1'
const OPENAI_IN_EUROPE = 'https://eu.api.openai.com/v1'
const ANTHROPIC = 'https://api.anthropic.com/v1'

/** The prices of `gpt-5-mini` at an upstream with these replicas, by the name of their book; null when it has none. */
async function priceBookOf(replicas: readonly string[], rest = ''): Promise<string | null> {
  const text = `
upstreams: { pool: { dialect: openai, replicas: [${replicas.join(', ')}] } }
models: { m: { deployments: [{ upstream: pool, model: gpt-5-mini }] } }
${rest}`
  const loaded = loadConfiguration({ path: 'p.yaml', env: {}, read: () => ({ text, modifiedAt: 0 }) })
  if (!loaded.configuration) throw new Error(formatFaults(loaded.faults))
  const { configuration } = loaded
  const { deployments } = configuration.models[0]!
  const tariff = tariffsOf(configuration, deployments, await openPriceBook(replicas))(deployments[0]!)
  return tariff?.ordinaryCard(0, 1).rate.priceBook ?? null
}

describe('replicas', () => {
  it('have the price that the book gives each of them', async () => {
    expect(await priceBookOf([OPENAI])).toMatch(/openai\/gpt-5-mini$/)
    expect(await priceBookOf([OPENAI, `${OPENAI}/second`])).toMatch(/openai\/gpt-5-mini$/)
  })

  it.each([
    ['of two providers', [OPENAI, ANTHROPIC]],
    ['of which the book knows one', [OPENAI, 'http://10.0.0.1:8000/v1']],
    ['of which the book knows another', ['http://10.0.0.1:8000/v1', OPENAI]],
  ])('%s are unrated: nobody would know whose price applied', async (_, replicas) => {
    expect(await priceBookOf(replicas)).toBeNull()
  })

  it('have the price of the configuration wherever they are', async () => {
    const prices = 'prices: [{ upstream: pool, model: gpt-5-mini, input: "1", output: "2" }]'
    expect(await priceBookOf([OPENAI, OPENAI_IN_EUROPE, ANTHROPIC], prices)).toBe('prices')
  })
})
