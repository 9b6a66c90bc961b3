import type { Model } from '../../vocabulary/deployment.ts'
import { dialectOf } from '../../vocabulary/dialect.ts'
import { lastOf, must, type Told } from './attempts.fixture.ts'
import { isAlone } from './bounds.fixture.ts'
import { isCutShort, plainIn, type Seen, seenIn } from './seen.fixture.ts'
import { ORACLE, strangeBody } from './upstream.fixture.ts'
import { ENOUGH_TOKENS, questionOf } from './world.fixture.ts'

/** Characters of a token of the simulated engine. */
const TOKEN = 4

interface Texts {
  /** With the call's maximum, and without one. */
  readonly given: string
  readonly endless: string
}

/** What some upstream says to a call, and to the ways in which it was asked to go on. */
function textsFor({ lived, tried }: Told): readonly Texts[] {
  const { endpoint, prompt, maxTokens } = lived.planned
  const asWhole = [(body: string) => body, (body: string) => strangeBody(endpoint, JSON.parse(body))].map(way => {
    const ask = (most: number | null) =>
      ORACLE.ask(endpoint, way(JSON.stringify({ model: 'm', ...questionOf(endpoint, prompt, most) }))).text
    return { given: ask(maxTokens), endless: ask(null) }
  })
  // Whoever is told another's words may answer with others than to the question alone.
  const anew = tried.flatMap(({ goesOn, asked: { worked } }) => {
    if (goesOn !== 'prefill' || worked === null) return []
    const ask = (most: object) => ORACLE.ask(endpoint, JSON.stringify({ ...JSON.parse(worked), ...most })).text
    return [{ given: ask({}), endless: ask({ max_tokens: ENOUGH_TOKENS }) }]
  })
  return [...asWhole, ...anew]
}

/** What the caller saw is the whole answer of one upstream, or one error; never the one in the guise of the other. */
export function checkHonest(told: Told, model: Model): void {
  const { lived, record } = told
  const { caller, planned } = lived
  const { id, endpoint, streamed } = planned
  must(caller.heads <= 1 && caller.ends + caller.cuts <= 1, `${id}: ${caller.heads} heads, ${caller.ends} ends`)
  must(caller.cuts === 0, `${id}: the connection was broken`)
  if (caller.leftAt === null) must(caller.heads === 1 && caller.ends === 1, `${id}: never answered`)
  if (record !== null && caller.leftAt === null) {
    must(caller.status === record.status, `${id}: status ${caller.status}, recorded as ${record.status}`)
  }
  const isStream = caller.header('content-type')?.startsWith('text/event-stream') ?? false
  if (caller.heads === 0) must(caller.text === '', `${id}: bytes before the head`)
  else if (caller.status !== 200) checkError(told)
  else if (isStream) checkStream(told, seenIn(endpoint, caller.text), model)
  else {
    must(!streamed, `${id}: a plain answer to a stream`)
    checkPlain(told)
  }
}

function checkPlain(told: Told): void {
  const { record } = told
  const { caller, planned } = told.lived
  const { id, endpoint } = planned
  const { text } = plainIn(endpoint, caller.text)
  const given = textsFor(told).map(({ given }) => given)
  must(given.includes(text), `${id}: shown another text: ${text}`)
  must(caller.header('content-length') === `${caller.text.length}`, `${id}: another length was told`)
  must(record?.outcome === 'completed', `${id}: answered, but recorded as ${record?.outcome}`)
  must(caller.header('x-penstock-attempts') === `${record.attempts.length}`, `${id}: other attempts were told`)
  const answered = record.attempts.find(({ outcome }) => outcome === 'completed')!.deployment
  must(caller.header('x-penstock-deployment') === answered, `${id}: another deployment was told`)
  must(nanoOf(caller.header('x-penstock-dollars')!) === record.dollars, `${id}: other dollars were told`)
}

/** By these an upstream refuses the gateway. */
const REFUSES_US = new Set([401, 403])

function checkError(told: Told): void {
  const { record } = told
  const { caller, planned } = told.lived
  const { id, endpoint } = planned
  must(caller.status >= 400 && caller.status < 600, `${id}: status ${caller.status}`)
  must(record === null || record.outcome !== 'completed', `${id}: an error, but recorded as completed`)
  const { error } = JSON.parse(caller.text)
  must(typeof error.message === 'string' && typeof error.type === 'string', `${id}: no error: ${caller.text}`)
  if (dialectOf(endpoint) === 'anthropic')
    must(JSON.parse(caller.text).type === 'error', `${id}: no type: ${caller.text}`)
  const last = lastOf(told)
  const { status } = last?.record ?? { status: null }
  if (last?.record.outcome === 'timedOut' || status === null || status < 400 || REFUSES_US.has(status)) return
  // What an upstream says is for its caller, word for word.
  must(caller.text === last!.given && caller.status === status, `${id}: ${caller.text} instead of ${last!.given}`)
}

function checkStream(told: Told, seen: Seen, model: Model): void {
  const { caller, planned } = told.lived
  const { id, endpoint } = planned
  must(seen.unreadable.length === 0, `${id}: frames that nobody can read: ${seen.unreadable}`)
  must(seen.ids.size <= 1, `${id}: frames of ${seen.ids.size} answers`)
  must(seen.roles <= 1, `${id}: ${seen.roles} roles`)
  // Who left is shown nothing more, be it the first.
  const isShown = caller.firstText === null ? caller.leftAt !== null : seenIn(endpoint, caller.firstText).text !== ''
  must(isShown || isWaitedFor(model), `${id}: shown before the first content: ${caller.firstText}`)
  const isBegun = textsFor(told).some(({ endless }) => endless.startsWith(seen.text))
  must(isBegun || isShortStart(told, seen.text), `${id}: shown what nobody said: ${seen.text}`)
  if (seen.ends > 0 || isWithoutDone(told, seen)) return checkWhole(told, seen)
  if (caller.endedAt === null) return
  must(seen.errors.length === 1, `${id}: broke with ${seen.errors.length} errors: ${caller.text.slice(-200)}`)
  must(told.record?.outcome === 'failed', `${id}: broke, but recorded as ${told.record?.outcome}`)
  must(seen.comments.length === 1, `${id}: ${seen.comments.length} closing comments`)
}

/** What begins alike for so few characters is taken for what it is said to be: the going on. */
const SHORT_CHARACTERS = 16

/** Whether a text ends in the beginning of what one said that was told to go on and began anew, and broke off at once. */
function isShortStart(told: Told, text: string): boolean {
  const { tried } = told
  const isToldByOther = tried.some(({ goesOn }) => goesOn === 'prefill')
  if (!isToldByOther || !tried.some(({ asked }) => asked.upstream.way === 'stranger')) return false
  const texts = textsFor(told).map(({ endless }) => endless)
  for (let length = 1; length < SHORT_CHARACTERS; length++) {
    const [before, after] = [text.slice(0, -length), text.slice(-length)]
    if (texts.some(one => one.startsWith(before)) && texts.some(one => one.startsWith(after))) return true
  }
  return false
}

/** Whether a lone upstream is waited for whatever it takes, so that its caller sees after a while that it lives. */
function isWaitedFor(model: Model): boolean {
  return isAlone(model) && model.resilience.timeLimits.firstTokenMs === null
}

/** A chat is whole that had its finish reason and ended cleanly; an upstream may leave its last word out. */
function isWithoutDone({ lived, tried }: Told, { finishes, errors }: Seen): boolean {
  const { caller, planned } = lived
  const isLeftOut = tried.some(({ asked: { fault } }) => fault?.kind === 'noDone')
  const isWhole = finishes.length === 1 && errors.length === 0 && caller.endedAt !== null
  return planned.endpoint === 'chat/completions' && isLeftOut && isWhole
}

function checkWhole(told: Told, seen: Seen): void {
  const { record } = told
  const { caller, planned } = told.lived
  const { id, maxTokens } = planned
  must(seen.errors.length === 0, `${id}: an error in a whole stream`)
  const counts = [seen.roles, seen.finishes.length, Math.max(1, seen.ends), seen.comments.length]
  must(
    counts.every(count => count === 1),
    `${id}: roles, finishes, ends, comments: ${counts}`,
  )
  must(seen.ends === 0 || seen.commentAt < seen.lastEventAt, `${id}: no comment before the last event`)
  must(record?.outcome === 'completed', `${id}: whole, but recorded as ${record?.outcome}`)
  const [comment] = seen.comments
  must(nanoOf(comment!.dollars as string) === record.dollars, `${id}: other dollars in the comment`)
  must((comment!.limited === true) === record.limited, `${id}: limited: ${comment!.limited}, ${record.limited}`)
  must(caller.endedAt !== null, `${id}: whole without an end`)
  const texts = textsFor(told)
  if (record.limited) return must(isCutShort(seen.finishes[0]), `${id}: limited, but ends as ${seen.finishes}`)
  const isEndless = !isCutShort(seen.finishes[0]) && texts.some(({ endless }) => endless === seen.text)
  if (isEndless || texts.some(({ given }) => given === seen.text)) return
  const isJoined = record.attempts.some(
    ({ outcome, timeToFirstTokenMs }) => outcome !== 'completed' && timeToFirstTokenMs !== null,
  )
  must(
    isJoined && isCutShort(seen.finishes[0]),
    `${id}: ends as ${seen.finishes} after ${seen.text.length}: ${seen.text}`,
  )
  // What was shown is taken from the maximum by an estimate of its tokens.
  const tokens = seen.text.length / TOKEN
  const doubt = 0.3 * maxTokens! + 2 * record.attempts.length
  must(Math.abs(tokens - maxTokens!) <= doubt, `${id}: ${tokens} tokens joined of ${maxTokens}`)
}

/** Nano-dollars of a decimal string of dollars. */
export function nanoOf(dollars: string): bigint {
  const [whole, fraction = ''] = dollars.split('.')
  return BigInt(whole!) * 1_000_000_000n + BigInt(fraction.padEnd(9, '0'))
}
