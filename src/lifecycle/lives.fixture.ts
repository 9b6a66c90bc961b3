import type { Deployment } from '../vocabulary/deployment.ts'
import type { Resilience } from '../vocabulary/resilience.ts'
import { type StageOptions, stageLife } from './stage.fixture.ts'

export const bytes = (text: string) => Buffer.from(text)
export const STREAM = ['content-type', 'text/event-stream']

export function deployment(upstream: string, replicas = 1): Deployment {
  const name = `${upstream}/m`
  return { name, upstream, model: 'm', dialects: ['openai'], engine: null, replicas, grams: null }
}
export const [A, B, C] = ['a', 'b', 'c'].map(name => deployment(name)) as [Deployment, Deployment, Deployment]

/** A life of a model with three deployments, or those that are given. */
export function livesOn(resilience: Partial<Resilience> = {}, over: StageOptions = {}) {
  const { stage, life, another } = stageLife({
    deployments: [A, B, C],
    ...over,
    resilience: { attempts: 3, ...resilience },
  })
  const answer = (n: number, status: number, text: string, headers: string[] = []) => {
    const { sink } = stage.asked[n]!
    sink!.head(status, headers)
    sink!.data(bytes(text))
    sink!.end()
  }
  const stream = (n: number, text: string) => {
    const { sink } = stage.asked[n]!
    sink!.head(200, STREAM)
    sink!.data(bytes(text))
  }
  const whom = () => stage.asked.map(({ request }) => `${request.deployment.upstream}${request.replica}`).join(' ')
  const outcomes = () => stage.records[0]!.attempts.map(attempt => attempt.outcome)
  return { stage, life, another, answer, stream, whom, outcomes, streamed: over.streamed ?? false }
}
