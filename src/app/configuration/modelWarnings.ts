import { type DurationMs, formatDuration } from '../../units/time.ts'
import type { Model } from '../../vocabulary/deployment.ts'
import type { Configuration } from './configuration.ts'
import type { ConfigurationDocument } from './document.ts'
import { type Fault, formatPath } from './fault.ts'
import { mostChoices, mostReplicas, type ResilienceForm } from './resilience.ts'
import type { ConfigurationForm } from './schema.ts'

/** A setting of a model that does nothing, by the way to it. */
interface Doubt {
  readonly at: readonly string[]
  readonly problem: string
}

function doubtsOfRoute({ deployments, route }: Model): Doubt[] {
  if (route === 'inOrder') return []
  const doubt = (why: string) => [{ at: ['route'], problem: `is ${route} and does nothing: ${why}` }]
  if (mostChoices(deployments) < 2) return doubt('there is no second deployment of one dialect')
  if (route !== 'greenest' || deployments.some(({ grams }) => grams !== null)) return []
  return doubt('the grams of no deployment are known, which take a region, and of an engine its model and accelerator')
}

/** Settings that are about somebody else to ask, where there is nobody or nobody may be asked. */
function doubtsOfOthers({ deployments, resilience }: Model): Doubt[] {
  const { hedgeAfterMs, onCut, attempts } = resilience
  const alone = mostReplicas(deployments) < 2
  if (!alone && attempts > 1) return []
  const why = alone ? 'there is no second deployment or replica of one dialect' : 'attempts: 1 asks nobody else'
  const doubts: Doubt[] = []
  if (hedgeAfterMs !== null) doubts.push({ at: ['resilience', 'hedge'], problem: `does nothing: ${why}` })
  if (onCut === 'continue') {
    doubts.push({ at: ['resilience', 'onCut'], problem: `is continue and does nothing: ${why}` })
  }
  return doubts
}

interface Bound {
  readonly name: string
  /** Null where nothing is bounded. */
  readonly ms: DurationMs | null
}

function neverReached(part: Bound, wholes: readonly Bound[]): Doubt[] {
  const { name, ms } = part
  if (ms === null) return []
  const over = wholes.find(whole => whole.ms !== null && ms >= whole.ms)
  if (over === undefined || over.ms === null) return []
  const problem = `is ${formatDuration(ms)} and never reached: ${over.name} is ${formatDuration(over.ms)}`
  return [{ at: ['resilience', ...name.split('.')], problem }]
}

/** Bounds on a part of a call that are not below the bound on what it is a part of. */
function doubtsOfTime({ resilience }: Model, said: ResilienceForm): Doubt[] {
  const { hedgeAfterMs, drainMs, timeLimits } = resilience
  const total = { name: 'total', ms: timeLimits.totalMs }
  const firstToken = { name: 'firstToken', ms: timeLimits.firstTokenMs }
  return [
    // Of these three only what the file says: a default that is too long for a short total is nobody's slip.
    ...neverReached({ name: 'connect', ms: said.connect ?? null }, [total]),
    ...neverReached({ name: 'firstToken', ms: said.firstToken ?? null }, [total]),
    ...neverReached({ name: 'idle', ms: said.idle ?? null }, [total]),
    ...neverReached({ name: 'hedge.after', ms: hedgeAfterMs }, [firstToken, total]),
    ...neverReached({ name: 'onCallerLeft.drain', ms: drainMs }, [total]),
  ]
}

/** Settings of models that are allowed and yet do nothing: mostly a slip of the pen. */
export function modelWarnings(
  { models, source }: Configuration,
  form: ConfigurationForm,
  document: Pick<ConfigurationDocument, 'placeOfName'>,
): readonly Fault[] {
  return models.flatMap(model => {
    const said = form.models?.[model.name]?.resilience ?? {}
    const doubts = [...doubtsOfRoute(model), ...doubtsOfOthers(model), ...doubtsOfTime(model, said)]
    return doubts.map(({ at, problem }): Fault => {
      const path = ['models', model.name, ...at]
      return { file: source, ...document.placeOfName(path), path: formatPath(path), problem, expected: '' }
    })
  })
}
