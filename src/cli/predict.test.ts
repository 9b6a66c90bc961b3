import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runPenstock } from './penstock.fixture.ts'

const HEADER = 'backend,model_path,system,precision,gemm_quant_mode,moe_quant_mode,isl,osl,tp_size,concurrency'
const LINE = 'vllm,openai/gpt-oss-120b,h200_sxm,fp4,nvfp4,nvfp4,1024,1024,1,8'

describe('penstock predict', () => {
  let cwd: string
  beforeAll(() => {
    cwd = mkdtempSync(join(tmpdir(), 'penstock-predict-'))
  })
  afterAll(() => rmSync(cwd, { recursive: true }))

  it('writes the table with what it predicts', async () => {
    writeFileSync(join(cwd, 'points.csv'), `${HEADER}\r\n${LINE}\r\n`)
    const { code, out, err } = await runPenstock(['predict', 'points.csv'], { cwd })
    expect([code, err]).toEqual([0, ''])
    const [header, line, rest] = out.split('\r\n')
    expect(header).toBe(`${HEADER},predicted_ttft_ms,predicted_tpot_ms,calibrated`)
    expect(line).toMatch(new RegExp(`^${LINE},[\\d.]+,[\\d.]+,yes$`))
    expect(rest).toBe('')
  })

  it('ends with status 2 and a sentence where it cannot use a table', async () => {
    writeFileSync(join(cwd, 'broken.csv'), `${HEADER}\n${LINE}\n${LINE.replace('1024', 'many')}\n`)
    const { code, out, err } = await runPenstock(['predict', 'broken.csv'], { cwd })
    expect([code, out]).toEqual([2, ''])
    expect(err).toBe('broken.csv: line 3: isl: expected a whole number from 1 on, and it is "many"\n')
  })
})
