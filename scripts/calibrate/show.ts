import { rows, versions, VERSIONS, slotsOf, fit, build } from './explore.ts'
import { closedLoop } from '../../src/simulation/serving/closed-loop.ts'
const slots = slotsOf(VERSIONS); const c = versions(rows, build(slots, fit(process.env.OUT ? rows.filter(r => r.model!==process.env.OUT && r.system!==process.env.OUT) : rows, slots, undefined, 25)))
const [e, m, s, v] = process.argv.slice(2)
const sel = rows.filter(r => r.engine===e && r.raw.model_path!.includes(m!) && r.system.includes(s!) && (v===undefined || (v==='-' ? r.raw.engine_version==='' : r.raw.engine_version===v)))
sel.sort((a,b)=> a.point.promptTokens-b.point.promptTokens || a.point.outputTokens-b.point.outputTokens || a.point.shape.tensorParallel-b.point.shape.tensorParallel || a.point.concurrency-b.point.concurrency)
if (process.env.OUT) console.log(JSON.stringify(c, (k,v)=> typeof v==='number'? Number(v.toPrecision(3)):v).replaceAll('},','},\n'))
console.log('ver prec isl osl c b tp dp mtp ep | tpot pred ratio | ttft pred ratio slots')
for (const r of sel) { const p = closedLoop(r.point, c); const w=r.raw
 console.log([w.engine_version,w.gemm_quant_mode,w.isl,w.osl,w.concurrency,w.batch_size,w.tp_size,w.attention_dp_size||'-',w.moe_tp_size,w.moe_ep_size,'|',w.tpot_ms,p.timePerOutputTokenMs.toFixed(2),(p.timePerOutputTokenMs/r.tpot).toFixed(2),'|',Math.round(r.ttft),Math.round(p.timeToFirstTokenMs),(p.timeToFirstTokenMs/r.ttft).toFixed(2),p.slots.toFixed(0)].join('\t')) }
