import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { afterAll, describe, expect, it } from 'vitest'
import { loadTrace } from './load.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-traces-'))
afterAll(() => rmSync(folder, { recursive: true }))
function file(name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  writeFileSync(path, content)
  return path
}
const AZURE = 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n'
const RATES = 'client,t_s,rate_rps,cv,pattern,param1,param2\n0,0,1,1,Gamma,1,1\n'
const LENGTHS = JSON.stringify({ client: 0, windows: { 0: { input_tokens: '{8: 1.0}', output_tokens: '{2: 1.0}' } } })

describe('loading a trace', () => {
  it('recognises what it is by its content, packed or not, whatever its name', async () => {
    const plain = await loadTrace(file('a.txt', AZURE))
    expect(plain).toMatchObject({ format: 'azure', requests: [{ inputTokens: 374, outputTokens: 44 }] })
    expect(await loadTrace(file('b', gzipSync(AZURE)))).toEqual(plain)
  })

  it('finds the lengths beside the rates, or where it is told', async () => {
    const rates = file('pool_rates.csv', RATES)
    await expect(loadTrace(rates)).rejects.toThrow(/pool_rates\.csv: .*lengths/)
    const elsewhere = await loadTrace(rates, { lengthsPath: file('other.jsonl', LENGTHS) })
    file('pool_lengths.jsonl.gz', gzipSync(LENGTHS))
    const beside = await loadTrace(rates)
    expect(beside.requests.length).toBeGreaterThan(300)
    expect(beside).toEqual(elsewhere)
  })

  it.each([
    ['a file that is not there', () => join(folder, 'nowhere.jsonl'), /nowhere\.jsonl: ENOENT/],
    ['a folder', () => folder, /EISDIR/],
    ['a torn archive', () => file('torn.gz', gzipSync(AZURE).subarray(0, 30)), /torn\.gz: expected a whole gzip file/],
    ['a broken line', () => file('broken.csv', `${AZURE}nonsense\n`), /broken\.csv: line 3: expected/],
  ])('names %s', async (_, path, message) => {
    await expect(loadTrace(path())).rejects.toThrow(message)
  })
})
