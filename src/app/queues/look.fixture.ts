import type { DurationMs } from '../../units/time.ts'
import { must } from '../outages/attempts.fixture.ts'
import type { Asked } from './asked.fixture.ts'
import type { Slot } from './site.fixture.ts'
import type { Day, Looker } from './world.fixture.ts'

/** The queue looks after those who wait so often, at least. */
const LATE_MS: DurationMs = 101
/** So long a place may be free, or everybody away, before something comes of it. */
const IDLE_MS: DurationMs = 300
/** Moments are sums of fractions. */
const SLACK_MS = 0.01

/** Holds a queue to its word while time goes by. */
export class Watcher implements Looker {
  /** Since when a slot has had a place free that could be given. */
  readonly #freeSince = new Map<Slot, number>()
  /** Since when nobody that a call could go to was well. */
  readonly #awaySince = new Map<Asked, number>()
  readonly seen = new Set<string>()

  heard(asked: Asked, day: Day): void {
    const { ask, answer, at, answeredAt } = asked
    const endsAt = endOf(asked, day)
    const { maxCalls, maxBytes } = day.plan.terms.queue
    const { calls, bytes } = asked.waitingThen
    const isFull = calls >= maxCalls || bytes + ask.bytes > maxBytes
    const who = `a call of ${ask.tenant} in ${ask.tier}, asked at ${day.time.monotonic() - (answeredAt - at)}`
    if (answer!.kind !== 'none' && answer!.kind !== 'place') must(ask.mayWait, `${who}: a rival was put off`)
    switch (answer!.kind) {
      case 'place':
        this.#saw(answeredAt > at ? 'placed after a wait' : 'placed at once')
        return must(answeredAt < endsAt || answeredAt === at, `${who}: placed ${answeredAt - endsAt} ms late`)
      case 'none': {
        this.#saw(ask.mayWait ? (answeredAt > at ? 'dismissed' : 'none to ask') : 'rival without a place')
        return must(!ask.mayWait || !isAnyAskable(asked, day), `${who}: told that nobody is there`)
      }
      case 'spill': {
        const { why, harmDollars, moreDollars } = answer!.spill
        this.#saw(`spilled: ${why}`)
        must(ask.elsewhere !== null && ask.tier !== 'batch', `${who}: spilled`)
        if (why === 'full') must(isFull && answeredAt === at, `${who}: spilled from a queue with room`)
        else must(harmDollars! > moreDollars!, `${who}: spilled for less than it costs`)
        return
      }
      case 'refuse': {
        const { cause, retryAfterMs } = answer!
        this.#saw(cause)
        must(retryAfterMs >= 1_000 && retryAfterMs <= 60_000, `${who}: to come back after ${retryAfterMs}`)
        if (cause === 'queueFull') return must(isFull && answeredAt === at, `${who}: refused by a queue with room`)
        // One that has no hope by what earlier calls took is told so at once, and never later before its time.
        const isHopeless = answeredAt === at && endsAt - at > SLACK_MS
        if (isHopeless) this.#saw('hopeless')
        must(isHopeless || answeredAt >= endsAt - SLACK_MS, `${who}: given up ${endsAt - answeredAt} ms early`)
        must(answeredAt <= Math.max(endsAt, at) + LATE_MS, `${who}: given up ${answeredAt - endsAt} ms late`)
      }
    }
  }

  look(day: Day): void {
    const { places, plan } = day
    const { maxCalls, maxBytes } = plan.terms.queue
    must(places.waiting.size <= maxCalls, `${places.waiting.size} wait of ${maxCalls}`)
    let bytes = 0
    const now = day.time.now()
    for (const asked of places.waiting) {
      bytes += asked.ask.bytes
      must(now <= endOf(asked, day) + LATE_MS, `a call waits ${now - endOf(asked, day)} ms too long`)
      this.#lookAtAway(asked, day)
    }
    must(bytes <= maxBytes, `${bytes} bytes wait of ${maxBytes}`)
    for (const slot of day.site.slots) if (slot.planned !== null) this.#lookAtFree(slot, day)
    if (plan.lineMs !== null) return
    let open = 0
    for (const { planned, engine, before } of day.site.slots) {
      if (planned === null) continue
      open += engine.open.size
      for (const { open: others } of before) open += others.size
    }
    must(places.held.size === open, `${places.held.size} places are held, ${open} calls are under way`)
  }

  #saw(what: string): void {
    this.seen.add(what)
  }

  /** Nobody waits for those that are not there. */
  #lookAtAway(asked: Asked, day: Day): void {
    if (isAnyAskable(asked, day)) return void this.#awaySince.delete(asked)
    const since = this.#awaySince.get(asked) ?? day.time.now()
    this.#awaySince.set(asked, since)
    must(day.time.now() - since <= IDLE_MS, `a call waits for nobody: ${asked.ask.deployments.map(({ name }) => name)}`)
  }

  /** No place is free for long that somebody who waits may have. */
  #lookAtFree(slot: Slot, day: Day): void {
    const now = day.time.now()
    if (!isFree(slot, day)) return void this.#freeSince.delete(slot)
    const since = this.#freeSince.get(slot) ?? now
    this.#freeSince.set(slot, since)
    if (now - since <= IDLE_MS) return
    for (const asked of day.places.waiting) {
      // Whoever came later, or may not go there, has no claim to it.
      if (now - asked.at <= IDLE_MS || !mayUse(asked, slot, day)) {
        this.#mayNot(asked, slot, now)
        continue
      }
      const claim = Math.max(asked.at, this.#claims.get(asked)?.get(slot) ?? 0)
      must(now - claim <= IDLE_MS, `a place of ${slot.upstream} ${slot.replica} is free for ${now - since} ms`)
    }
  }

  /** When a call could not go to a slot last. */
  readonly #claims = new Map<Asked, Map<Slot, number>>()

  #mayNot(asked: Asked, slot: Slot, now: number): void {
    const claims = this.#claims.get(asked) ?? new Map<Slot, number>()
    claims.set(slot, now)
    this.#claims.set(asked, claims)
  }
}

export function endOf({ ask, at }: Asked, { plan }: Day): number {
  // One that comes back has waited a part of it already.
  const last = at + plan.terms.queue.maxWaitMs - ask.waitedMs
  return ask.deadlineAt === null ? last : Math.min(ask.deadlineAt, last)
}

/** Whether its engine has a place free by all that the gateway could know. */
function isFree({ planned, upstream, replica, isPresent, isDrained }: Slot, { places }: Day): boolean {
  const { pool, telling } = planned!
  // Of what it guesses of others no law can be made, nor of the room in caches.
  const isKnown = pool.maxRunning !== null && pool.kvTokens === null
  const isTruthful = telling[replica] === 'honest' || telling[replica] === 'silent'
  if (!isKnown || !isTruthful || !isPresent || isDrained) return false
  return places.heldAt(upstream, replica) < pool.maxRunning!
}

function standingAt(asked: Asked, slot: Slot, day: Day) {
  const model = day.modelOf(asked.ask.model)
  const deployment = model.deployments.find(({ upstream }) => upstream === slot.upstream)
  if (deployment === undefined || !asked.ask.deployments.some(({ name }) => name === deployment.name)) return null
  return { deployment, kind: day.health.of(model, deployment).standingOf(slot.replica, day.time.now()).kind }
}

function mayUse(asked: Asked, slot: Slot, day: Day): boolean {
  const found = standingAt(asked, slot, day)
  if (found?.kind !== 'ready') return false
  // One that it has tried may be kept for others for a while.
  return !asked.ask.deployments.find(({ name }) => name === found.deployment.name)!.tried.includes(slot.replica)
}

function isAnyAskable(asked: Asked, day: Day): boolean {
  return day.site.slots.some(slot => {
    if (slot.planned === null || !slot.isPresent) return false
    const kind = standingAt(asked, slot, day)?.kind
    return kind === 'ready' || kind === 'recovering'
  })
}
