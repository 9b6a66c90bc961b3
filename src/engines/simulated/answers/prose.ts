/** What every text begins with, so that nobody takes it for a model's. */
export const DISCLOSURE = 'This is a simulated answer: no model was asked, and the words mean nothing. '

/** Plain ASCII without quotes or backslashes, so that they stand in JSON as they are. */
const SENTENCES = [
  'A prompt is computed in chunks, and the first word waits until the last chunk is done. ',
  'Every step after that adds one word to each of the answers under way. ',
  'Many answers share a step, since reading the weights once serves them all. ',
  'A long conversation that begins like an earlier one finds its beginning in the cache. ',
  'When the cache is full, the answer that came last gives its blocks back and begins again. ',
  'Small batches wait for memory, large ones wait for arithmetic. ',
  'Nothing here was measured on your hardware, but it takes about as long as it would. ',
  'The same question always gets the same words, which is good for tests. ',
  'Water finds its way through the gate, past the meter and into the turbine. ',
  'Tokens are counted here as four letters each, which is near enough. ',
  'An idle engine still draws power, and a busy one earns it back. ',
  'What you read costs nothing but the time it took to arrive. ',
  'The queue is short when the fleet is large, and the bill is long. ',
  'Prices follow from the rent of the hardware and the speed of the model. ',
  'To hear a real model, name an upstream in the configuration. ',
  'Whoever needs this sentence to be true should ask elsewhere. ',
] as const

const MIN_SENTENCES = 2
const MAX_SENTENCES = 12

/** Both halves are the same, so that a slice may begin anywhere in the first. */
const ROUND = SENTENCES.join('')
const TWICE = ROUND + ROUND
const STARTS = SENTENCES.map((_, i) => SENTENCES.slice(0, i).join('').length)

/**
 * A readable text that depends on nothing but the seed.
 *
 * @param seed 32 bits
 * @param leastCharacters goes on until it has so many; cut there if it would have ended before
 */
export function proseOf(seed: number, leastCharacters: number): string {
  const first = seed % SENTENCES.length
  const count = MIN_SENTENCES + ((seed >>> 8) % (MAX_SENTENCES - MIN_SENTENCES + 1))
  const begin = STARTS[first]!
  const end =
    first + count < SENTENCES.length ? STARTS[first + count]! : ROUND.length + STARTS[first + count - SENTENCES.length]!
  const natural = DISCLOSURE + TWICE.slice(begin, end).trimEnd()
  if (natural.length >= leastCharacters) return natural
  const rest = leastCharacters - DISCLOSURE.length
  return (
    DISCLOSURE +
    TWICE.slice(begin, begin + ROUND.length)
      .repeat(Math.ceil(rest / ROUND.length))
      .slice(0, rest)
  )
}
