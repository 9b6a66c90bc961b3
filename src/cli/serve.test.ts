import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { runPenstock } from './penstock.fixture.ts'

const folder = mkdtempSync(join(tmpdir(), 'penstock-serve-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function file(name: string, text: string): string {
  const path = join(folder, name)
  writeFileSync(path, text)
  return path
}

it('a plan of faults that is wrong ends with 2, beside what is wrong with the configuration, and nothing starts', async () => {
  const config = file('penstock.yaml', 'lisen: 127.0.0.1:0\n')
  const faults = file('faults.yaml', 'faults:\n  - { upstream: sim, kind: kut }\n')
  const { code, out, err } = await runPenstock(['serve', '--config', config, '--faults', faults], { cwd: folder })
  expect([code, out]).toEqual([2, ''])
  expect(err).toContain('penstock.yaml:1:1: lisen is unknown')
  expect(err).toContain('faults.yaml:2:28: faults[0].kind is unknown')
})
