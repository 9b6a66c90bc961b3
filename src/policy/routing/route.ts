import type { RouteCandidate } from '../../vocabulary/route.ts'
import type { RouteAsk, Routing } from './ask.ts'
import { type Candidate, candidateOf, type Ranked } from './candidate.ts'
import { RANKINGS } from './rank.ts'

/**
 * Decides in which order the deployments of a model are asked: filter, score, order, each reason kept. Pure.
 *
 * Those that recover come after all others, by whichever route. A session stays where its prompt cache is warm: with
 * `cheapest` because what is cached is in the dollars, with `fastest`, `greenest` and `balanced` unless leaving is worth
 * more, in dollars, than it costs. `inOrder` keeps its order.
 *
 * @returns an empty order when none can be asked. A candidate's score is its place for `inOrder`, dollars for `cheapest`
 *   and `balanced`, milliseconds for `fastest`, grams of CO2 for `greenest`
 */
export function route(ask: RouteAsk): Routing {
  const willing: Candidate[] = []
  const reluctant: Candidate[] = []
  const passedOver: { deployment: string; why: string }[] = []
  const { options, by, draw } = ask
  const warmest = Math.min(
    ask.tokens.input,
    options.reduce((most, { cachedTokens }) => Math.max(most, cachedTokens), 0),
  )
  for (let place = 0; place < options.length; place++) {
    const option = options[place]!
    if (option.passedOver !== null) passedOver.push({ deployment: option.deployment.name, why: option.passedOver })
    else (option.isReluctant ? reluctant : willing).push(candidateOf(option, place, ask, warmest))
  }
  const rank = (candidates: readonly Candidate[]) => (candidates.length === 0 ? [] : RANKINGS[by](candidates, draw))
  const ranked = [...rank(willing), ...rank(reluctant)]
  return {
    order: ranked.map(({ candidate }) => candidate.option.deployment),
    record: { by, candidates: ranked.map(shown), passedOver },
  }
}

function shown({ candidate, score }: Ranked): RouteCandidate {
  return { deployment: candidate.option.deployment.name, score, dollars: candidate.dollars }
}
