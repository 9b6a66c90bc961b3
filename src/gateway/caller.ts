import type { IncomingHttpHeaders } from 'node:http'
import type { Caller, Key } from '../vocabulary/caller.ts'

/** Bounds on what a caller may attach to a call, so that the ledger's dictionary stays small. */
export const MAX_TAGS = 16
export const MAX_TAG_NAME = 64
export const MAX_TAG_VALUE = 256
export const MAX_RUN_LENGTH = 256

/** Callers that were seen are kept, so that equal ones are one object and their tags are parsed once. */
const MAX_CALLERS_KEPT = 10_000
/** Longer headers are parsed each time they come, so that what is kept stays small. */
const MAX_TAG_TEXT_KEPT = 512

/** Why a header could not be taken. */
export interface HeaderFault {
  readonly fault: string
}

/** A caller that was read from key and headers. */
export interface KnownCaller {
  readonly caller: Caller
}

/** Headers in which coding tools name their session; the first that is there counts as a run. */
const SESSION_HEADERS = ['x-claude-code-session-id', 'session-id'] as const

function runOf(headers: IncomingHttpHeaders): string | null {
  const told = headers['x-penstock-run']
  if (typeof told === 'string' && told.trim() !== '') return told.trim()
  for (const name of SESSION_HEADERS) {
    const session = headers[name]
    if (typeof session === 'string' && session.trim() !== '') return session.trim()
  }
  return null
}

/** Reads `x-penstock-tag: project=atlas, feature=search` on top of a key's own tags, which it never replaces. */
export function mergeTags(
  own: Readonly<Record<string, string>>,
  header: string,
): { readonly tags: Readonly<Record<string, string>> } | HeaderFault {
  const tags = new Map<string, string>()
  for (const part of header.split(',')) {
    const text = part.trim()
    if (text === '') continue
    const at = text.indexOf('=')
    const name = at < 0 ? '' : text.slice(0, at).trim()
    const value = text.slice(at + 1).trim()
    if (name === '' || value === '') return { fault: `x-penstock-tag: expected NAME=VALUE, got '${text.slice(0, 80)}'` }
    if (name.length > MAX_TAG_NAME || value.length > MAX_TAG_VALUE) {
      return {
        fault: `x-penstock-tag: expected a name of at most ${MAX_TAG_NAME} and a value of at most ${MAX_TAG_VALUE} characters`,
      }
    }
    tags.set(name, value)
    if (tags.size > MAX_TAGS) return { fault: `x-penstock-tag: expected at most ${MAX_TAGS} tags` }
  }
  for (const [name, value] of Object.entries(own)) tags.set(name, value)
  return { tags: Object.fromEntries(tags) }
}

/** Knows who called: key, team, user, tags and run, as receipts will say it. */
export class Callers {
  readonly #known = new Map<string, KnownCaller>()

  of(key: Key, headers: IncomingHttpHeaders): KnownCaller | HeaderFault {
    const run = runOf(headers)
    if (run !== null && run.length > MAX_RUN_LENGTH) {
      return { fault: `x-penstock-run: expected at most ${MAX_RUN_LENGTH} characters` }
    }
    const header = headers['x-penstock-tag']
    const known = this.#withoutRun(key, typeof header === 'string' ? header : '')
    return run === null || 'fault' in known ? known : { caller: { ...known.caller, run } }
  }

  #withoutRun(key: Key, tagText: string): KnownCaller | HeaderFault {
    // The hash tells apart a key that was revoked and made again under its old name.
    const name = `${key.secretHash}\n${key.name}\n${tagText}`
    const before = this.#known.get(name)
    if (before) return before
    const merged = mergeTags(key.tags, tagText)
    if ('fault' in merged) return merged
    const known = { caller: { key: key.name, team: key.team, user: key.user, tags: merged.tags, run: null } }
    if (tagText.length > MAX_TAG_TEXT_KEPT) return known
    if (this.#known.size >= MAX_CALLERS_KEPT) this.#known.clear()
    this.#known.set(name, known)
    return known
  }
}
