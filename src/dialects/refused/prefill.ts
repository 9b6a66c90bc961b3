import { saysTooLong } from './too-long.ts'
import { errorWords } from './words.ts'

/** Templates that raise an error are an error of the server to some engines. */
const SENTENCE =
  /\bprefill|continue_final_message|add_generation_prompt|(?:last|final) (?:role|message)|end with a user|roles must alternate|assistant messages? at the end/i

/**
 * Whether a refusal may mean that the upstream does not go on from an assistant's message. A request that goes on
 * differs from one that was taken before in that message alone, so that any 400 or 422 is understood as this, whatever
 * its words, but for one that says that the conversation is too long. Of a 500 the words must tell.
 */
export function refusesPrefill(status: number, body: Uint8Array): boolean {
  if (status === 400 || status === 422) return !saysTooLong(status, body)
  return status === 500 && errorWords(body).sentences.some(sentence => SENTENCE.test(sentence))
}
