import { formatTime } from '../../units/time.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import type { DialectName } from '../../vocabulary/dialect.ts'

/** Models on a page where the caller does not say, and at most: Anthropic's own figures. */
const DEFAULT_PAGE_MODELS = 20
const MAX_PAGE_MODELS = 1_000

/** Anthropic's paging, as the query string has it; null for what it does not name. */
export interface ModelListOptions {
  readonly limit?: string | null
  readonly afterId?: string | null
  readonly beforeId?: string | null
}

/** A list ready to be sent, or one sentence that says what is wrong with its query. */
export type RenderedModelList = { readonly body: Buffer } | { readonly fault: string }

/** The models in the shape of OpenAI, which has no pages, or a page of them in Anthropic's. */
export function renderModelList(
  dialect: DialectName,
  models: readonly Model[],
  options: ModelListOptions = {},
): RenderedModelList {
  if (dialect === 'openai') return { body: json({ object: 'list', data: models.map(openaiModel) }) }
  const page = pageOf(models, options)
  if ('fault' in page) return page
  const data = page.models.map(anthropicModel)
  const body = { data, has_more: page.hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null }
  return { body: json(body) }
}

export function renderModel(dialect: DialectName, model: Model): Buffer {
  return json(dialect === 'openai' ? openaiModel(model) : anthropicModel(model))
}

interface Page {
  readonly models: readonly Model[]
  readonly hasMore: boolean
}

function pageOf(models: readonly Model[], { limit, afterId, beforeId }: ModelListOptions): Page | { fault: string } {
  const size = limit === undefined || limit === null ? DEFAULT_PAGE_MODELS : Number(limit)
  if (!Number.isInteger(size) || size < 1 || size > MAX_PAGE_MODELS || limit === '') {
    return { fault: `limit: expected a whole number from 1 to ${MAX_PAGE_MODELS}` }
  }
  const after = afterId ?? null
  const before = beforeId ?? null
  if (after !== null && before !== null) return { fault: 'expected either after_id or before_id, not both' }
  const cursor = after ?? before
  const at = models.findIndex(model => model.name === cursor)
  if (cursor !== null && at < 0) {
    return { fault: `${after === null ? 'before_id' : 'after_id'}: expected the id of a listed model` }
  }
  // Pages before a cursor are read backwards: the nearest ones, in the order of the list.
  if (before !== null) return { models: models.slice(Math.max(0, at - size), at), hasMore: at > size }
  const rest = models.slice(at + 1)
  return { models: rest.slice(0, size), hasMore: rest.length > size }
}

function openaiModel({ name, createdAt }: Model) {
  return { id: name, object: 'model', created: Math.floor(createdAt / 1000), owned_by: 'penstock' }
}

function anthropicModel({ name, createdAt }: Model) {
  return { type: 'model', id: name, display_name: name, created_at: formatTime(createdAt) }
}

function json(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value))
}
