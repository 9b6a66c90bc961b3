import type { SchedulingTerms } from '../../vocabulary/scheduling.ts'
import type { TestEntry } from './queue.fixture.ts'

interface Account {
  owed: number
  lifted: number
  returns: number
  since: number
  isIn: boolean
  running: number
}

interface Charge {
  readonly level: string
  readonly name: string
  readonly era: number
  readonly returns: number
}

/** One contest as its definition says, in plain lists: whoever has paid counts as unknown. */
class Level {
  accounts = new Map<string, Account>()
  virtual = 0
  era = 0
  arrivals = 0

  counter(name: string): number {
    const account = this.accounts.get(name)!
    return Math.max(account.owed, account.lifted)
  }

  /** Brings the books up to who has calls waiting now. */
  update(waiting: ReadonlySet<string>): void {
    for (const [name, account] of this.accounts) if (!waiting.has(name)) account.isIn = false
    if (waiting.size === 0) {
      this.accounts.clear()
      this.virtual = 0
      this.era++
    }
    for (const name of waiting) this.enter(name)
  }

  enter(name: string): void {
    let account = this.accounts.get(name)
    if (account?.isIn) return
    const least = Math.min(...[...this.accounts].filter(([, { isIn }]) => isIn).map(([other]) => this.counter(other)))
    const isPaid = account !== undefined && account.running === 0 && this.counter(name) <= this.virtual
    const at =
      (account === undefined || isPaid) && least < Number.POSITIVE_INFINITY
        ? Math.max(this.virtual, least)
        : this.virtual
    account ??= { owed: 0, lifted: 0, returns: 0, since: 0, isIn: false, running: 0 }
    this.accounts.set(name, account)
    Object.assign(account, { owed: this.counter(name), lifted: at, returns: account.returns + 1, isIn: true })
    account.since = this.arrivals++
  }
}

/** The fair queue by its definition, looking through everything at every question. */
export class ReferenceQueue {
  readonly #terms: SchedulingTerms
  readonly #levels = new Map<string, Level>()
  readonly #charges = new Map<TestEntry, { charges: Charge[]; work: number }>()
  #skipped: { of: TestEntry; names: { level: string; name: string }[] } | null = null
  entries: TestEntry[] = []

  constructor(terms: SchedulingTerms) {
    this.#terms = terms
  }

  add(entry: TestEntry): 'waiting' | 'full' {
    const { maxCalls, maxBytes } = this.#terms.queue
    const bytes = this.entries.reduce((sum, { bytes }) => sum + bytes, entry.bytes)
    if (this.entries.length + 1 > maxCalls || bytes > maxBytes) return 'full'
    this.entries.push(entry)
    this.#update()
    return 'waiting'
  }

  remove(entry: TestEntry): boolean {
    const isThere = this.entries.includes(entry)
    this.entries = this.entries.filter(other => other !== entry)
    this.#update()
    return isThere
  }

  next(pool: string, mayStart: (entry: TestEntry) => boolean): TestEntry | null {
    const names: { level: string; name: string }[] = []
    const here = this.entries.filter(entry => entry.pools.includes(pool))
    for (const tier of this.#order(pool, here, entry => entry.tier)) {
      const inTier = here.filter(entry => entry.tier === tier)
      const skippedTenants: { level: string; name: string }[] = []
      for (const tenant of this.#order(`${pool}/${tier}`, inTier, entry => entry.tenant)) {
        const calls = inTier.filter(entry => entry.tenant === tenant && mayStart(entry))
        const due = (entry: TestEntry) => entry.deadlineAt ?? Number.MAX_VALUE
        const [first] = calls.sort((a, b) => due(a) - due(b) || a.arrivedAt - b.arrivedAt || a.id - b.id)
        if (first !== undefined) {
          this.#skipped = { of: first, names: [...names, ...skippedTenants] }
          return first
        }
        skippedTenants.push({ level: `${pool}/${tier}`, name: tenant })
      }
      names.push({ level: pool, name: tier })
    }
    return null
  }

  start(pool: string, entry: TestEntry): void {
    const isContested = this.entries.some(other => other.pools.includes(pool))
    const charges: Charge[] = []
    if (isContested) {
      for (const [name, own] of [
        [pool, entry.tier],
        [`${pool}/${entry.tier}`, entry.tenant],
      ] as const) {
        const level = this.#level(name)
        level.enter(own)
        const start = level.counter(own)
        for (const skipped of this.#skipped?.of === entry ? this.#skipped.names : []) {
          if (skipped.level !== name || level.counter(skipped.name) >= start) continue
          const account = level.accounts.get(skipped.name)!
          Object.assign(account, { owed: level.counter(skipped.name), lifted: start, returns: account.returns + 1 })
        }
        level.virtual = Math.max(level.virtual, start)
        level.accounts.get(own)!.running++
        charges.push({ level: name, name: own, era: level.era, returns: level.accounts.get(own)!.returns })
      }
    }
    this.#charges.set(entry, { charges, work: 0 })
    this.correct(entry, entry.work)
    this.remove(entry)
  }

  correct(entry: TestEntry, work: number): void {
    const running = this.#charges.get(entry)!
    for (const charge of running.charges) {
      const level = this.#level(charge.level)
      if (charge.era !== level.era) continue
      const account = level.accounts.get(charge.name)!
      const step = (work - running.work) / this.#weight(charge)
      account.owed += step
      if (account.returns === charge.returns) account.lifted += step
    }
    running.work = work
  }

  end(entry: TestEntry, work: number): void {
    this.correct(entry, work)
    for (const charge of this.#charges.get(entry)!.charges) {
      const level = this.#level(charge.level)
      if (charge.era === level.era) level.accounts.get(charge.name)!.running--
    }
  }

  #weight({ level, name }: Charge): number {
    if (level.includes('/')) return this.#terms.shares[name] ?? 1
    return this.#terms.tiers.find(tier => tier.name === name)!.weight
  }

  #level(name: string): Level {
    const level = this.#levels.get(name) ?? new Level()
    this.#levels.set(name, level)
    return level
  }

  #update(): void {
    const pools = new Set([
      ...this.#levels.keys(),
      ...this.entries.flatMap(entry => entry.pools.flatMap(pool => [pool, `${pool}/${entry.tier}`])),
    ])
    for (const name of pools) {
      const [pool, tier] = name.split('/')
      const here = this.entries.filter(
        entry => entry.pools.includes(pool!) && (tier === undefined || entry.tier === tier),
      )
      this.#level(name).update(new Set(here.map(entry => (tier === undefined ? entry.tier : entry.tenant))))
    }
  }

  #order(name: string, entries: readonly TestEntry[], of: (entry: TestEntry) => string): readonly string[] {
    const level = this.#level(name)
    const weight = (of: string) => this.#weight({ level: name, name: of, era: 0, returns: 0 })
    const since = (of: string) => level.accounts.get(of)!.since
    return [...new Set(entries.map(of))].sort(
      (a, b) => level.counter(a) - level.counter(b) || weight(b) - weight(a) || since(a) - since(b),
    )
  }
}
