import type { Tokens } from '../../units/tokens.ts'
import type { Deployment, EngineKind } from '../../vocabulary/deployment.ts'
import { type Edit, splice } from '../body/splice.ts'
import { withLastMessage } from './last-message.ts'
import type { FollowedRequest, GoOnMember } from './request.ts'

/**
 * What engines must be told besides, lest they close the assistant's message and begin another. vLLM refuses the one
 * without the other; SGLang knows only the first. llama.cpp goes on by itself. TensorRT-LLM has no way of going on.
 */
const GO_ON: Readonly<Partial<Record<EngineKind, readonly (readonly [GoOnMember, boolean])[]>>> = {
  vllm: [
    ['continue_final_message', true],
    ['add_generation_prompt', false],
  ],
  sglang: [['continue_final_message', true]],
}

/** Whether a deployment can be asked to go on at all. */
export function goesOnFromMessage({ engine }: Deployment): boolean {
  return engine !== 'trtllm'
}

/** The request with the text as the assistant's beginning of its answer, whose length counts for the maxima. */
export function prefilledBody(
  request: FollowedRequest,
  text: string,
  deployment: Deployment,
  shownTokens: Tokens,
): readonly Uint8Array[] {
  const { bytes, edits, messages, wanted, endpoint } = request
  const last = text === '' ? [] : [withLastMessage(bytes, messages, text)]
  const lowered = wanted.map(({ at, end, tokens, least }): Edit => {
    const left = Math.max(least, tokens - Math.ceil(shownTokens))
    return { at, end, text: Buffer.from(left.toString()) }
  })
  const members = endpoint === 'chat/completions' && text !== '' ? goOnEdits(request, deployment.engine) : []
  const all = [...members, ...edits, ...last, ...lowered].sort((one, other) => one.at - other.at)
  return splice(bytes, all, deployment.model)
}

/** The request as every upstream gets it. */
export function wholeBody({ bytes, edits }: FollowedRequest, model: string): readonly Uint8Array[] {
  return splice(bytes, edits, model)
}

function goOnEdits({ bytes, goOnMembers }: FollowedRequest, engine: EngineKind | null): readonly Edit[] {
  const wanted = engine === null ? [] : (GO_ON[engine] ?? [])
  return wanted.flatMap(([name, value]): readonly Edit[] => {
    const own = goOnMembers.get(name)
    if (own !== undefined) return own.map(({ at, end }) => ({ at, end, text: Buffer.from(value.toString()) }))
    const start = bytes.indexOf(0x7b) + 1
    return [{ at: start, end: start, text: Buffer.from(`"${name}":${value},`) }]
  })
}
