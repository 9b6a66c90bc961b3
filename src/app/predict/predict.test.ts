import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { askedOf, NEEDED_COLUMNS, OTHER_COLUMNS } from './columns.ts'
import { predictFile, predictTable } from './predict.ts'
import { field, readTable } from './table.ts'

const POINT = {
  ...{ backend: 'vllm', model_path: 'meta-llama/Llama-3.1-70B', system: 'h100_sxm', precision: 'fp8' },
  ...{ gemm_quant_mode: 'fp8', moe_quant_mode: 'fp8', isl: '1024', osl: '1024', tp_size: '2', concurrency: '16' },
  ...{
    pp_size: '1',
    attention_dp_size: '',
    moe_tp_size: '1',
    moe_ep_size: '1',
    exact_lengths: '0',
    engine_version: '',
  },
}
type Line = Partial<Record<string, string>>

function csv(lines: readonly Line[], columns: readonly string[] = Object.keys(POINT)): string {
  return [columns, ...lines.map(line => columns.map(name => field({ ...POINT, ...line }[name] ?? '')))].join('\n')
}

function predicted(text: string): readonly string[] {
  const table = readTable(Buffer.from(text))
  if ('fault' in table) throw new Error(table.fault)
  const answer = predictTable(table)
  if (typeof answer !== 'string') throw new Error(answer.fault)
  return Buffer.from(answer, 'latin1').toString().split('\n')
}

function appendedTo(line: Line): readonly string[] {
  return predicted(csv([line]))[1]!
    .split(',')
    .slice(-3)
}

describe('predictions', () => {
  it('are appended to each line: two times and whether they are calibrated', () => {
    const [header, line] = predicted(csv([{}]))
    expect(header).toBe(`${Object.keys(POINT).join(',')},predicted_ttft_ms,predicted_tpot_ms,calibrated`)
    const [first, token, calibrated] = line!.split(',').slice(-3)
    // Measured: 253 ms and 19.7 ms.
    expect(Math.abs(Number(first) / 253 - 1)).toBeLessThan(0.3)
    expect(Math.abs(Number(token) / 19.7 - 1)).toBeLessThan(0.15)
    expect(calibrated).toBe('yes')
  })

  it.each([
    [{ backend: 'tgi' }, 'the engine tgi is not in the tables'],
    [{ model_path: 'acme/Nobody-1B' }, 'the model acme/Nobody-1B is not in the tables'],
    [{ model_path: 'a,"b"' }, 'the model a  b  is not in the tables'],
    [{ system: 'z80' }, 'the accelerator z80 is not in the tables'],
    [{ gemm_quant_mode: 'int3' }, 'the format of weights int3 is not in the tables'],
    [{ moe_quant_mode: 'int3' }, 'the format of weights int3 is not in the tables'],
    [{ tp_size: '1', system: 'rtx_4090' }, 'Llama-3.1-70B does not fit into 1 x RTX-4090'],
  ])('are refused where the tables lack something: %j', (line, reason) => {
    expect(appendedTo(line)).toEqual(['', '', reason])
  })

  it.each([
    [{ concurrency: '4096' }, 'concurrency 4096 is beyond the 1024 of the calibration'],
    [{ system: 'mi355x' }, 'MI355X was not measured on vllm'],
    [{ model_path: 'moonshotai/Kimi-K2.5', tp_size: '8', system: 'b200_sxm' }, 'Kimi-K2.5 was not measured on vllm'],
    [{ pp_size: '2' }, 'pipeline parallelism was not measured'],
  ])('are marked where they are extrapolated: %j', (line, reason) => {
    const [first, token, calibrated] = appendedTo(line)
    expect(Number(first)).toBeGreaterThan(0)
    expect(Number(token)).toBeGreaterThan(0)
    expect(calibrated).toBe(reason)
  })

  it('need only what tells the point: the others have their usual values', () => {
    const columns = Object.keys(POINT).filter(name => !(OTHER_COLUMNS as readonly string[]).includes(name))
    const [first, token] = predicted(csv([{}], columns))[1]!
      .split(',')
      .slice(-3)
    expect([first, token]).toEqual(appendedTo({}).slice(0, 2))
  })

  it('keep every byte of the table, whatever stands in columns that they do not read', () => {
    const note = fc.string({ unit: fc.constantFrom('a', 'é', '€', ' ', ',', '"', '\n', '\r\n'), maxLength: 8 })
    const mark = fc.constantFrom('', '\ufeff')
    fc.assert(
      fc.property(
        fc.array(note, { minLength: 1, maxLength: 5 }),
        fc.constantFrom('\n', '\r\n'),
        mark,
        (notes, end, bom) => {
          const columns = [...Object.keys(POINT), 'note']
          const lines = notes.map(text => columns.map(name => field({ ...POINT, note: text }[name]!)).join(','))
          const text = `${bom}${[columns.join(','), ...lines].join(end)}${end}`
          const table = readTable(Buffer.from(text))
          if ('fault' in table) throw new Error(table.fault)
          const answer = Buffer.from(predictTable(table) as string, 'latin1').toString()
          const added = /,[\d.]+,[\d.]+,yes(?=\r?\n)/g
          expect(answer.match(added)).toHaveLength(notes.length)
          expect(answer.replace(',predicted_ttft_ms,predicted_tpot_ms,calibrated', '').replaceAll(added, '')).toBe(text)
        },
      ),
    )
  })
})

describe('a point', () => {
  const shapeOf = (line: Line) => {
    const asked = askedOf({ ...POINT, ...line } as Record<string, string>)
    if (!('point' in asked)) throw new Error(JSON.stringify(asked))
    return { ...asked.point, ...asked.point.shape }
  }

  it('has the ranks that it tells, or those that share the experts', () => {
    const experts = { model_path: 'Qwen/Qwen3-235B-A22B-FP8', tp_size: '2', concurrency: '10' }
    expect(shapeOf({ ...experts, attention_dp_size: '4' })).toMatchObject({ dataParallel: 4, concurrency: 10 })
    expect(shapeOf({ ...experts, moe_tp_size: '4' })).toMatchObject({ dataParallel: 2, concurrency: 20 })
    expect(shapeOf({ moe_tp_size: '4' })).toMatchObject({ dataParallel: 1, concurrency: 16 })
  })

  it('has the formats that it tells, but experts that exist in four bits alone keep them', () => {
    expect(shapeOf({ gemm_quant_mode: '', precision: '' }).precision).toBe('bf16')
    expect(shapeOf({ gemm_quant_mode: 'fp8_block' }).precision).toBe('fp8')
    const oss = shapeOf({ model_path: 'openai/gpt-oss-120b', gemm_quant_mode: 'nvfp4', moe_quant_mode: 'nvfp4' })
    expect(oss).toMatchObject({ precision: 'bf16', expertPrecision: 'mxfp4' })
  })

  it('keeps KV in eight bits as the measured engines do', () => {
    expect(shapeOf({}).kvBytes).toBe(2)
    expect(shapeOf({ backend: 'trtllm' }).kvBytes).toBe(1)
    expect(shapeOf({ system: 'b200_sxm' }).kvBytes).toBe(1)
    expect(shapeOf({ system: 'b200_sxm', gemm_quant_mode: 'bf16', moe_quant_mode: 'bf16' }).kvBytes).toBe(2)
  })
})

describe('a file', () => {
  let directory: string
  beforeAll(() => {
    directory = mkdtempSync(join(tmpdir(), 'penstock-points-'))
  })
  afterAll(() => rmSync(directory, { recursive: true }))

  async function faultOf(content: string): Promise<string> {
    const path = join(directory, 'points.csv')
    writeFileSync(path, content)
    const answer = await predictFile(path)
    return 'fault' in answer ? answer.fault : 'none'
  }

  it.each([
    ['that is empty', '', 'it is empty, and a header with the names of columns was expected'],
    ['with a quote left open', `${csv([{}])}\n"`, 'line 3: a quote is never closed'],
    ['with a quote in a field', `${csv([{}])}\na"b`, 'line 3: a quote stands in the middle of a field without quotes'],
    [
      'with a short line',
      `${csv([{}])}\na,b`,
      `line 3: it has 2 fields, and the header has ${Object.keys(POINT).length}`,
    ],
    ['without columns', 'isl,osl\n1,2', 'line 1: the columns backend, model_path, system, precision,'],
    ['with a column twice', csv([{}], [...NEEDED_COLUMNS, 'isl']), 'line 1: the column "isl" is there twice'],
    [
      'that has been predicted',
      csv([], [...NEEDED_COLUMNS, 'calibrated']),
      'line 1: the column calibrated is there already',
    ],
    [
      'with a word for a number',
      csv([{}, { isl: 'long' }]),
      'line 3: isl: expected a whole number from 1 on, and it is "long"',
    ],
    [
      'with half a call',
      csv([{ concurrency: '0.5' }]),
      'line 2: concurrency: expected a whole number from 1 on, and it is "0.5"',
    ],
    ['without a number', csv([{ tp_size: '' }]), 'line 2: tp_size: expected a whole number from 1 on, and it is ""'],
    ['with too large a number', csv([{ osl: '1e10' }]), 'line 2: osl: expected a whole number from 1 on'],
  ])('%s is refused with its name and the line', async (_, content, fault) => {
    expect(await faultOf(content)).toContain(`points.csv: ${fault}`)
  })

  it('that is not there, or is a directory, is named', async () => {
    expect(await predictFile(join(directory, 'none.csv'))).toMatchObject({
      fault: expect.stringMatching(/none\.csv: there is no such file$/),
    })
    expect(await predictFile(directory)).toHaveProperty('fault')
  })
})
