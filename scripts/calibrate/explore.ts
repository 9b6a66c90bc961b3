import { readFileSync } from 'node:fs'
import { accelerator } from '../../src/simulation/accelerators.ts'
import { model as modelNamed } from '../../src/simulation/models.ts'
import type { Coefficients, ModelledEngine } from '../../src/simulation/coefficients.ts'
import { FITTED } from '../../src/simulation/fitted.ts'
import { closedLoop, versionKey } from '../../src/simulation/serving/closed-loop.ts'
import type { ServingPoint } from '../../src/simulation/serving/point.ts'
import type { Precision } from '../../src/simulation/precision.ts'

const ALIAS: Record<string,string> = { 'nvidia/DeepSeek-R1-NVFP4':'DeepSeek-R1','nvidia/DeepSeek-V3.1-NVFP4':'DeepSeek-V3.1','nvidia/Llama-3.1-8B-Instruct-FP8':'Llama-3.1-8B','nvidia/Qwen3-32B-NVFP4':'Qwen3-32B'}
export interface Row { point: ServingPoint; ttft: number; tpot: number; engine: ModelledEngine; model: string; system: string; raw: Record<string,string>; weight: number }
const text = readFileSync('/work/shared/data/twin/inferencex/agg_calibration.csv','utf8').trim().split('\n')
const head = text[0]!.split(',')
export const rows: Row[] = text.slice(1).map(line => {
  const f = line.split(','); const r = Object.fromEntries(head.map((h,i)=>[h,f[i]!])) as Record<string,string>
  const m = modelNamed(ALIAS[r.model_path!] ?? r.model_path!)
  const q = (s: string): Precision => s.startsWith('fp8') ? 'fp8' : s === 'nvfp4' ? 'nvfp4' : 'bf16'
  let precision = q(r.gemm_quant_mode!), expertPrecision = q(r.moe_quant_mode!)
  if (m.expertPrecision === 'mxfp4') { precision = 'bf16'; expertPrecision = 'mxfp4' }
  const dp = r.attention_dp_size ? Number(r.attention_dp_size) : Math.max(1, m.experts ? Number(r.moe_tp_size)*Number(r.moe_ep_size)/Number(r.tp_size) : 1)
  const point: ServingPoint = { shape: { model: m, accelerator: accelerator(r.system!), tensorParallel: Number(r.tp_size), dataParallel: dp, engine: r.backend as ModelledEngine, precision, expertPrecision, kvBytes: precision !== 'bf16' && (r.backend === 'trtllm' || r.system!.startsWith('b')) || (m.expertPrecision==='mxfp4' && r.system!.startsWith('b')) ? 1 : 2 },
    pipelineParallel: 1, concurrency: Number(r.concurrency) * (r.attention_dp_size ? 1 : dp), promptTokens: Number(r.isl), outputTokens: Number(r.osl), exactLengths: r.exact_lengths === '1', version: r.engine_version! }
  return { point, ttft: Number(r.ttft_ms), tpot: Number(r.tpot_ms), engine: r.backend as ModelledEngine, model: m.name.replace('-V3','-R1'), system: r.system!, raw: r, weight: 1 }
})
// ---- parameters
export const VERSIONS = { ...FITTED, versions: Object.fromEntries(rows.map(r => [versionKey(r.point), 1])) }
export const SD: Record<string, number> = {}
export interface Slot { path: string[]; prior: number; sd: number }
function sdOf(path: string[]): number {
  const name = path.at(-1)!
  if (path[0] === 'versions') return Number(process.env.VSD ?? 0.002)
  if (name === 'routingShape') return 0.5
  if (path[0] === 'loops') return 1.5 * (name === 'burst' ? 0.4 : 0.7)
  if (name.endsWith('Exponent')) return 0.4
  if (name.endsWith('Us')) return 0.6
  return path[0] === 'shared' ? 0.15 : 0.25
}
export function slotsOf(c: unknown, path: string[] = []): Slot[] {
  if (typeof c === 'number') return [{ path, prior: Math.log(c), sd: sdOf(path) }]
  return Object.entries(c as object).flatMap(([k, v]) => slotsOf(v, [...path, k]))
}
export function build(slots: Slot[], x: ArrayLike<number>): Coefficients {
  const out: any = {}
  slots.forEach((s, i) => { let o = out; for (const k of s.path.slice(0,-1)) o = o[k] ??= {}; o[s.path.at(-1)!] = Math.exp(x[i]!) })
  return out
}
const ST = 0.1, SF = 0.2
function touches(s: Slot, r: Row): boolean {
  if (s.path[0]==='engines') return s.path[1]===r.engine
  if (s.path[0]==='loops') return s.path[1]===r.engine && (s.path[2]==='exact')===r.point.exactLengths
  if (s.path[0]==='versions') return s.path[1]===versionKey(r.point)
  return true
}
function residuals(rs: Row[], c: Coefficients, out: Float64Array, slot?: Slot): void {
  rs.forEach((r, i) => {
    if (slot && !touches(slot, r)) return
    const p = closedLoop(r.point, c)
    out[2*i] = Math.log(p.timePerOutputTokenMs / r.tpot) / ST
    out[2*i+1] = Math.log(p.timeToFirstTokenMs / r.ttft) / SF
  })
}
export function fit(rs: Row[], slots: Slot[], start?: Float64Array, iters = 15, ridge = Number(process.env.RIDGE ?? 4)): Float64Array {
  const n = slots.length, m = rs.length*2
  let x = start ? Float64Array.from(start) : Float64Array.from(slots, s => s.prior)
  const r = new Float64Array(m), r2 = new Float64Array(m)
  const J: Float64Array[] = slots.map(() => new Float64Array(m))
  let lambda = 1e-2
  const cost = (res: Float64Array, y: ArrayLike<number>) => { let s = 0; for (let i = 0; i<m; i++) s += rs[i>>1]!.weight * (res[i]!**2/2)/(1+res[i]!**2/9); slots.forEach((sl,i)=>{ s += ridge*((y[i]!-sl.prior)/sl.sd)**2 }); return s }
  residuals(rs, build(slots, x), r); let c0 = cost(r, x)
  for (let it = 0; it < iters; it++) {
    for (let j = 0; j < n; j++) { const y = Float64Array.from(x); y[j]! += 1e-4; r2.set(r); residuals(rs, build(slots,y), r2, slots[j]); const Jj = J[j]!; for (let i = 0; i<m; i++) Jj[i] = (r2[i]!-r[i]!)/1e-4 }
    const w = Float64Array.from(r, (v,i) => rs[i>>1]!.weight * 0.5/(1+v*v/9)**2)
    const A = slots.map(() => new Float64Array(n)), b = new Float64Array(n)
    for (let j=0;j<n;j++) { const Jj=J[j]!; for (let k=j;k<n;k++){ const Jk=J[k]!; let s=0; for (let i=0;i<m;i++) s+=w[i]!*Jj[i]!*Jk[i]!; A[j]![k]=s; A[k]![j]=s }
      let s=0; for (let i=0;i<m;i++) s+=w[i]!*Jj[i]!*r[i]!; const sl=slots[j]!; b[j]=s+ridge*(x[j]!-sl.prior)/sl.sd**2; A[j]![j]!+=ridge/sl.sd**2 }
    let done = true
    for (let t=0;t<8;t++) {
      const d = solve(A, b, lambda)
      const y = Float64Array.from(x, (v,i)=>v-Math.max(-0.5,Math.min(0.5,d[i]!)))
      residuals(rs, build(slots,y), r2); const c1 = cost(r2,y)
      if (c1 < c0) { done = (c0-c1)/c0 < 1e-4; x=y; r.set(r2); c0=c1; lambda/=4; break } else lambda*=5
    }
    if (done) break
  }
  return x
}
function solve(A: Float64Array[], b: Float64Array, lambda: number): Float64Array {
  const n=b.length, L=A.map((row,i)=>{const q=Float64Array.from(row); q[i]!*=1+lambda; return q}), y=Float64Array.from(b)
  for (let j=0;j<n;j++){ const p=L[j]![j]!; for(let i=j+1;i<n;i++){ const f=L[i]![j]!/p; if(f===0)continue; for(let k=j;k<n;k++) L[i]![k]!-=f*L[j]![k]!; y[i]!-=f*y[j]! } }
  for(let i=n-1;i>=0;i--){ let s=y[i]!; for(let k=i+1;k<n;k++) s-=L[i]![k]!*y[k]!; y[i]=s/L[i]![i]! }
  return y
}
export function versions(rs: Row[], c: Coefficients): Coefficients {
  const by = new Map<string, number[]>()
  for (const r of rs) { const k = versionKey(r.point); const e = Math.log(r.tpot / closedLoop(r.point, { ...c, versions: {} }).timePerOutputTokenMs); (by.get(k) ?? by.set(k, []).get(k)!).push(e) }
  const K = Number(process.env.VK ?? 8)
  return { ...c, versions: Object.fromEntries([...by].map(([k, e]) => [k, Math.exp(q(e, .5) * e.length / (e.length + K))])) }
}
export const q = (v: number[], p: number) => { const s=[...v].sort((a,b)=>a-b); return s[Math.min(s.length-1, Math.floor(p*s.length))] ?? NaN }
export function report(name: string, rs: Row[], c: (r: Row) => Coefficients): void {
  const e = rs.map(r => { const p = closedLoop(r.point, c(r)); return [p.timePerOutputTokenMs/r.tpot-1, p.timeToFirstTokenMs/r.ttft-1] })
  const f = (k: number) => { const a=e.map(v=>Math.abs(v[k]!)); return `${(100*q(a,.5)).toFixed(1).padStart(5)} ${(100*q(a,.9)).toFixed(0).padStart(4)} bias ${(100*q(e.map(v=>v[k]!),.5)).toFixed(0).padStart(4)}` }
  console.log(name.padEnd(46), String(rs.length).padStart(5), 'TPOT', f(0), ' TTFT', f(1))
}
if (import.meta.main) {
  const slots = slotsOf(VERSIONS)
  const cacheKey: Record<string, number> = {}
  for (const r of rows) cacheKey[r.engine+r.model+r.system] = (cacheKey[r.engine+r.model+r.system] ?? 0)+1
  for (const r of rows) r.weight = 1/Math.sqrt(cacheKey[r.engine+r.model+r.system]!/20)
  const t=Date.now()
  const x = fit(rows, slots, undefined, 25)
  const full = versions(rows, build(slots, x))
  console.log('fit s', (Date.now()-t)/1000, slots.length)
  console.log(JSON.stringify(full, (k,v)=> typeof v==='number'? Number(v.toPrecision(3)):v).replaceAll('},','},\n'))
  report('all in-sample', rows, () => full)
  for (const key of ['engine','model','system'] as const) for (const g of [...new Set(rows.map(r=>r[key]))]) report(`  ${g}`, rows.filter(r=>r[key]===g), ()=>full)
  if (process.env.DETAIL2) for (const g of [...new Set(rows.map(r=>`${r.engine} ${r.model} ${r.system} ${r.point.exactLengths} ${r.raw.engine_version} ${r.point.shape.precision}`))].sort()) report('    '+g, rows.filter(r=>`${r.engine} ${r.model} ${r.system} ${r.point.exactLengths} ${r.raw.engine_version} ${r.point.shape.precision}`===g), ()=>full)
  if (process.env.HOLD) {
    for (const key of ['model','system'] as const) { const c = new Map<string,Coefficients>(); for (const g of new Set(rows.map(r=>r[key]))) { c.set(g, versions(rows.filter(r=>r[key]!==g), build(slots, fit(rows.filter(r=>r[key]!==g), slots, x, 12)))) ; report(`hold ${g}`, rows.filter(r=>r[key]===g), ()=>c.get(g)!); if (process.env.DETAIL) { const gr=(r: Row)=>`${r.engine} ${r.model} ${r.system} ${r.point.exactLengths} ${r.raw.engine_version} ${r.point.shape.precision}`; for (const h of new Set(rows.filter(r=>r[key]===g).map(gr))) report('    '+h, rows.filter(r=>gr(r)===h), ()=>c.get(g)!) } if (process.env.SHOWC===g) console.log(JSON.stringify(c.get(g), (k,v)=> typeof v==='number'? Number(v.toPrecision(3)):v).replaceAll('},','},\n')) } report(`HELD OUT by ${key}`, rows, r=>c.get(r[key])!) }
    { const c = new Map<number,Coefficients>(); for (let k=0;k<5;k++) c.set(k, versions(rows.filter((_,i)=>(i*7919)%5!==k), build(slots, fit(rows.filter((_,i)=>(i*7919)%5!==k), slots, x, 8)))); const idx=new Map(rows.map((r,i)=>[r,(i*7919)%5])); report('HELD OUT random', rows, r=>c.get(idx.get(r)!)!) }
  }
}
