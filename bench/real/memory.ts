import { BlockHasher } from '../../src/simulation/block-hash.ts'
import { KvCache, newLease } from '../../src/simulation/kv-cache.ts'

/** What a call holds of a server's memory. */
export interface Held {
  /** Tokens of its prompt that need not be read. */
  readonly cachedTokens: number
  release(): void
}

export interface Memory {
  /** @returns null where there is no room for it now */
  take(prompt: readonly number[]): Held | null
}

/** The least part of a prompt that a slot must have for it to be chosen for that: the server's own default. */
const LEAST_MATCH = 0.1

interface Slot {
  tokens: readonly number[]
  isBusy: boolean
  usedAt: number
}

/** Memory as llama.cpp has it: each slot keeps the last prompt that it read, and shares it with nobody. */
export class SlotMemory implements Memory {
  readonly #slots: readonly Slot[]
  #uses = 0

  constructor(slots: number) {
    this.#slots = Array.from({ length: slots }, () => ({ tokens: [], isBusy: false, usedAt: 0 }))
  }

  take(prompt: readonly number[]): Held | null {
    const idle = this.#slots.filter(({ isBusy }) => !isBusy)
    if (idle.length === 0) return null
    const matches = idle.map(({ tokens }) => commonLength(tokens, prompt))
    const best = matches.indexOf(Math.max(...matches))
    const oldest = idle.reduce((one, other) => (other.usedAt < one.usedAt ? other : one))
    const slot = matches[best]! > LEAST_MATCH * prompt.length ? idle[best]! : oldest
    const cachedTokens = Math.min(commonLength(slot.tokens, prompt), prompt.length - 1)
    slot.tokens = prompt
    slot.isBusy = true
    const release = () => {
      slot.isBusy = false
      slot.usedAt = ++this.#uses
    }
    return { cachedTokens, release }
  }
}

function commonLength(one: readonly number[], other: readonly number[]): number {
  const most = Math.min(one.length, other.length)
  for (let i = 0; i < most; i++) if (one[i] !== other[i]) return i
  return most
}

const BLOCK_TOKENS = 16

/** Memory as `penstock foresee` models it: blocks that all prompts share. */
export class PagedMemory implements Memory {
  readonly #cache: KvCache
  readonly #slots: number
  #busy = 0

  constructor({ slots, tokens }: { readonly slots: number; readonly tokens: number }) {
    this.#slots = slots
    this.#cache = new KvCache(1 + Math.floor(tokens / BLOCK_TOKENS), BLOCK_TOKENS)
  }

  take(prompt: readonly number[]): Held | null {
    if (this.#busy >= this.#slots) return null
    const hasher = new BlockHasher(BLOCK_TOKENS)
    for (const token of prompt) hasher.push(token)
    const lease = newLease(hasher.hashes())
    const matched = this.#cache.match(lease, prompt.length)
    this.#cache.share(lease, matched)
    if (!this.#cache.extend(lease, this.#cache.blocksFor(prompt.length))) {
      this.#cache.release(lease)
      return null
    }
    this.#cache.index(lease, prompt.length)
    this.#busy++
    const release = () => {
      this.#busy--
      this.#cache.release(lease)
    }
    return { cachedTokens: matched * BLOCK_TOKENS, release }
  }
}
