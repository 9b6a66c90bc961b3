import type { LimitView } from '../../vocabulary/limit.ts'
import type { CallRecord } from '../../vocabulary/record.ts'
import type { Usage } from '../../vocabulary/usage.ts'
import { givenText, must, type Told, type Tried } from './attempts.fixture.ts'
import type { Upstream } from './draw.fixture.ts'
import { reportedIn } from './seen.fixture.ts'
import { ORACLE } from './upstream.fixture.ts'

/** Characters of a token of the simulated engine. */
const TOKEN = 4

function dollarsOf({ price }: Upstream, { inputTokens, cachedInputTokens, outputTokens }: Usage): bigint {
  const input = (inputTokens - cachedInputTokens) * price.input + cachedInputTokens * price.cachedInput
  return BigInt(input + outputTokens * price.output)
}

/** A receipt says what the upstreams would bill: those that answered whole exactly, those that broke by an estimate. */
export function checkMoney({ lived, record, tried }: Told): void {
  if (record === null) return
  const { id } = lived.planned
  let sum = 0n
  for (const each of tried) {
    const { outcome, usage, dollars } = each.record
    const who = `${id}, attempt ${each.place} (${outcome})`
    must(dollars === (usage === null ? 0n : dollarsOf(each.asked.upstream, usage)), `${who}: ${dollars} dollars`)
    sum += dollars
    if (isRefused(each)) must(usage === null, `${who}: a refusal was paid for`)
    else if (outcome === 'completed' && !record.limited) checkReported(each, who)
    else if (usage !== null) checkEstimated(each, record, who)
    else must(isUnpaid(each), `${who}: what was begun was not paid for`)
  }
  must(record.dollars === sum, `${id}: ${record.dollars} of attempts that cost ${sum}`)
}

function isRefused({ record: { outcome, status } }: Tried): boolean {
  return outcome === 'unreachable' || (status !== null && status >= 400)
}

/** An error is no answer, whatever came before its words; else an engine that began has read its prompt. */
function isUnpaid({ record: { outcome }, asked, contentEvent }: Tried): boolean {
  return contentEvent === null && (outcome === 'serverError' || asked.answer === '')
}

function checkReported({ record: { usage }, asked }: Tried, who: string): void {
  const reported = reportedIn(asked.endpoint, asked.answer)
  must(reported !== null && usage !== null, `${who}: nothing was reported`)
  const { input, cached, output } = reported
  const bill = [input, cached, output, 'reported']
  const told = [usage.inputTokens, usage.cachedInputTokens, usage.outputTokens, usage.source]
  must(bill.join() === told.join(), `${who}: billed ${bill}, recorded ${told}`)
}

/** Tokens of short prompts are estimated by their bytes: a template's are not seen. */
const TEMPLATE_TOKENS = 12

function checkEstimated(each: Tried, record: CallRecord, who: string): void {
  const { asked, contentEvent } = each
  const { inputTokens, outputTokens, source } = each.record.usage!
  // A stream that was cut behind its last count is as good as whole.
  const reported = reportedIn(asked.endpoint, each.given)
  const isKnown = source === 'reported' && reported !== null
  const given = isKnown ? reported.output : Math.ceil(givenText(each).length / TOKEN)
  const [least, most] = isKnown ? [given, given] : [given, Math.ceil(given * 1.25) + 1]
  if (asked.streamed && !record.limited) {
    must(outputTokens >= least && outputTokens <= most, `${who}: ${outputTokens} output tokens of ${given} given`)
  }
  if (asked.worked === null) return must(contentEvent === null, `${who}: content from nowhere`)
  const { promptTokens } = ORACLE.ask(asked.endpoint, asked.worked)
  const [few, many] = [(2 / 3) * promptTokens - TEMPLATE_TOKENS, (4 / 3) * promptTokens + TEMPLATE_TOKENS]
  must(inputTokens >= few && inputTokens <= many, `${who}: ${inputTokens} input tokens of ${promptTokens}`)
}

/** Limits count what the records say, hold nothing any more, and were passed by no more than receipts say. */
export function checkLimits(views: readonly LimitView[], told: readonly Told[]): void {
  const records = told.flatMap(({ record }) => (record === null ? [] : [record]))
  const used = (unit: string) => views.find(view => view.scope === 'organisation' && view.unit === unit)?.used ?? 0
  for (const { scope, unit, held } of views) must(held === 0, `${held} held of ${scope} in ${unit}`)
  const dollars = records.reduce((sum, record) => sum + record.dollars!, 0n)
  must(BigInt(used('dollars')) === dollars, `limits count ${used('dollars')}, records ${dollars}`)
  const usages = records.flatMap(({ attempts }) => attempts.flatMap(({ usage }) => usage ?? []))
  const tokens = usages.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  must(used('tokens') === tokens, `limits count ${used('tokens')} tokens, records ${tokens}`)
  const served = records.filter(({ attempts }) => attempts.some(({ usage }) => usage !== null)).length
  must(used('requests') === served, `limits count ${used('requests')} requests, records ${served}`)
  const overrun = records.reduce((sum, { overrunDollars }) => sum + (overrunDollars ?? 0n), 0n)
  for (const { scope, unit, amount, used } of views) {
    const most = BigInt(amount) + (unit === 'dollars' ? overrun : 0n)
    must(BigInt(used) <= most, `${scope} was passed in ${unit}: ${used} of ${amount}, ${overrun} overrun`)
  }
}
