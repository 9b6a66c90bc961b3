import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { COEFFICIENTS } from '../../src/simulation/fitted.ts'
import { closedLoop } from '../../src/simulation/serving/closed-loop.ts'
import { errorsOf, quantile } from './errors.ts'
import { fitCoefficients } from './fit.ts'
import { coefficientsOf, type Parameter, PRIOR, parametersOf, priorPrecision } from './parameters.ts'
import { type Measured, readMeasured } from './rows.ts'
import { solveDamped } from './solve.ts'
import { SPLITS } from './splits.ts'
import { errorTable, fittedSource, replaceMarked } from './write.ts'

const COLUMNS =
  'backend,model_path,system,precision,gemm_quant_mode,moe_quant_mode,isl,osl,tp_size,concurrency,engine_version,ttft_ms,tpot_ms'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'penstock-calibrate-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function read(lines: readonly string[]): readonly Measured[] {
  const path = join(directory, 'points.csv')
  writeFileSync(path, [COLUMNS, ...lines].join('\n'))
  return readMeasured(path)
}

/** Points whose times are those of the model itself, with steps that take 1.5 times as long. */
function made(): readonly Measured[] {
  const lines = ['Llama-3.1-70B', 'Qwen3-32B'].flatMap(name =>
    ['h100_sxm', 'b200_sxm'].flatMap(system =>
      [4, 16, 64].flatMap(calls =>
        [2, 4, 8].map(tp => `vllm,${name},${system},fp8,fp8,fp8,1024,1024,${tp},${calls},1.0,1,1`),
      ),
    ),
  )
  return read(lines).map(row => {
    const { timeToFirstTokenMs, timePerOutputTokenMs } = closedLoop(row.point)!
    return { ...row, timeToFirstTokenMs, timePerOutputTokenMs: 1.5 * timePerOutputTokenMs }
  })
}

describe('measured points', () => {
  it('are read with their times, and a long sweep counts less a row', () => {
    const line = 'vllm,Llama-3.1-70B,h100_sxm,fp8,fp8,fp8,1024,1024,2,16,1.0,253,19.7'
    const [row] = read([line])
    expect(row).toMatchObject({ timeToFirstTokenMs: 253, timePerOutputTokenMs: 19.7 })
    expect(row!.weight / read([line, line, line, line])[0]!.weight).toBeCloseTo(2)
  })

  it('that are missing or lack times are told with the place', () => {
    expect(() => readMeasured('/nowhere/points.csv')).toThrow(
      'there are no measured serving points at /nowhere/points.csv: the fit needs them',
    )
    expect(() => read(['vllm,Llama-3.1-70B,h100_sxm,fp8,fp8,fp8,1024,1024,2,16,1.0,,'])).toThrow(/line 2: no times/)
    expect(() => read(['vllm,Nobody,h100_sxm,fp8,fp8,fp8,1024,1024,2,16,1.0,1,1'])).toThrow(/line 2: the model Nobody/)
  })
})

describe('the fit', () => {
  it('finds what made the rows, and does not mind one that is wrong', () => {
    const rows = made()
    const wrong = { ...rows[0]!, timeToFirstTokenMs: 90_000, timePerOutputTokenMs: 900 }
    const before = errorsOf(rows, PRIOR).map(({ outputToken }) => outputToken)
    const after = errorsOf(rows, fitCoefficients([...rows, wrong])).map(({ outputToken }) => outputToken)
    expect(quantile(before, 0.5)).toBeGreaterThan(0.25)
    expect(quantile(after, 0.5)).toBeLessThan(0.05)
    expect(quantile(after, 0.9)).toBeLessThan(0.1)
  })

  it('takes engines that no row is of for like those that were measured, which are not wholly so', () => {
    const { engines, shared } = fitCoefficients(made())
    expect(engines.sglang).toEqual(engines.trtllm)
    const away = Object.entries(PRIOR.engines.vllm).map(([name, value]) => {
      const [measured, other] = [engines.vllm, engines.sglang].map(each => each[name as keyof typeof each] / value)
      expect(Math.abs(Math.log(other!))).toBeLessThanOrEqual(Math.abs(Math.log(measured!)) + 1e-9)
      return Math.abs(Math.log(other!))
    })
    expect(Math.max(...away)).toBeGreaterThan(0.01)
    expect(shared.fp4Compute).toBeCloseTo(PRIOR.shared.fp4Compute, 9)
  })

  it('tells a version that is slow with one model from one that is slow', () => {
    const slowed = (slow: (row: Measured) => boolean) => {
      const { versions } = fitCoefficients(made().map(row => (slow(row) ? twice(row) : row)))
      return versions['vllm 1.0: dense']! / versions['vllm 1.0: Qwen3-32B']!
    }
    const twice = (row: Measured) => ({ ...row, timePerOutputTokenMs: 2 * row.timePerOutputTokenMs })
    expect(slowed(() => true)).toBeGreaterThan(1.02 * slowed(({ point }) => point.shape.model.name === 'Qwen3-32B'))
  })

  it('inverts how families deviate together and members apart', () => {
    const member = { path: ['engines', 'a'], prior: 0, deviation: 0.3, family: 'a', familyDeviation: 0.4 }
    const parameters: readonly Parameter[] = [member, member, { ...member, path: ['loops', 'a'] }]
    const precision = priorPrecision(parameters)
    const covariance = [
      [0.25, 0.16, 0],
      [0.16, 0.25, 0],
      [0, 0, 0.25],
    ]
    for (const [i, row] of covariance.entries()) {
      for (let k = 0; k < 3; k++) {
        const product = row.reduce((sum, each, j) => sum + each * precision[j]![k]!, 0)
        expect(product).toBeCloseTo(i === k ? 1 : 0, 12)
      }
    }
  })

  it('names every coefficient there is, and gives them back', () => {
    const parameters = parametersOf(made())
    const again = coefficientsOf(
      parameters,
      parameters.map(({ prior }) => prior),
    )
    expect(Object.keys(again.engines.vllm)).toEqual(Object.keys(COEFFICIENTS.engines.vllm))
    expect(again.loops.sglang.exact.burst).toBeCloseTo(PRIOR.loops.sglang.exact.burst, 12)
    for (const { deviation } of parameters) expect(deviation).toBeGreaterThan(0)
  })

  it('solves systems', () => {
    const matrix = [Float64Array.of(4, 1), Float64Array.of(1, 3)]
    const [x, y] = solveDamped(matrix, Float64Array.of(1, 2), 0)
    expect(x).toBeCloseTo(1 / 11, 12)
    expect(y).toBeCloseTo(7 / 11, 12)
    expect(solveDamped(matrix, Float64Array.of(1, 2), 1e9)[1]).toBeCloseTo(0)
  })
})

describe('the report', () => {
  it('leaves a point out together with its twin', () => {
    const line = 'vllm,deepseek-ai/DeepSeek-R1,h200_sxm,fp8,fp8,fp8,1024,1024,8,16,1.0,1,1'
    const [one, twin] = read([line, line.replace('DeepSeek-R1', 'DeepSeek-V3')])
    for (const { partOf } of SPLITS) expect(partOf(one!)).toBe(partOf(twin!))
  })

  it('tells median and 90th percentile of each group in per cent', () => {
    const [row] = made()
    const errors = [0.01, 0.02, 0.03].map(outputToken => ({ row: row!, outputToken, firstToken: 0 }))
    const table = errorTable([{ name: 'all rows', errors }], ({ outputToken }) => outputToken)
    expect(table.split('\n').slice(0, 3)).toEqual(['| | rows | all rows |', '|---|---|---|', '| all | 3 | 2.0 / 3 |'])
    expect(table).toContain('| Llama-3.1-70B | 3 |')
  })

  it('is put between its marks, and nowhere else', () => {
    const [begin, end] = ['<!-- errors: begin -->', '<!-- errors: end -->']
    expect(replaceMarked(`a\n${begin}\nold\n${end}\nb`, 'new $1')).toBe(`a\n${begin}\nnew $1\n${end}\nb`)
    expect(() => replaceMarked('a', 'b')).toThrow(/lacks the marks/)
  })

  it('comes with coefficients of four digits and the ranges that were measured', () => {
    const source = fittedSource({ ...PRIOR, versions: { 'vllm 1': 1.23456 } }, made())
    expect(source).toContain('"vllm 1": 1.235')
    expect(source).toContain('"concurrency": [\n      4,\n      64\n    ]')
  })
})
