import { createRoute, z } from '@hono/zod-openapi'
import type { Fleet, ReplicaReport, TierReport } from '../ports/fleet.ts'
import type { Actor } from '../ports/limits.ts'
import { formatDuration } from '../units/time.ts'
import { json, missing, UNAUTHORISED } from './answers.ts'
import { type AdminApp, actorOf } from './app.ts'
import type { AdminDependencies } from './dependencies.ts'
import { type Problem, problem } from './problem.ts'

const count = z.number().int().nonnegative()
const SAID = 'As the engine says; null for what it does not say.'

const replicaSchema = z
  .object({
    replica: count.openapi({ description: "Its place in the upstream's list, from 0." }),
    url: z.string(),
    state: z
      .enum(['ready', 'draining', 'unreachable', 'open', 'recovering', 'probing', 'quiet', 'gone'])
      .openapi({ description: '`draining` finishes what it has; `open` is left alone by its breaker.' }),
    running: count.nullable().openapi({ description: SAID }),
    waiting: count.nullable().openapi({ description: SAID }),
    kvUse: z.number().nullable().openapi({ description: 'Share of the KV cache in use, 0 to 1, as the engine says.' }),
    metricsAgeMs: z.number().nullable().openapi({ description: 'Null before it said anything.' }),
    inFlight: count.openapi({ description: 'Calls of this gateway that are under way there.' }),
    places: count.nullable().openapi({ description: 'How many may be; null while that is not known.' }),
    expectedCachedShare: z
      .number()
      .nullable()
      .openapi({ description: "Of its last calls' input tokens, the share that was expected in its cache." }),
  })
  .openapi('Replica')

const fleetSchema = z
  .object({
    upstreams: z.array(z.object({ name: z.string(), engine: z.string(), replicas: z.array(replicaSchema) })),
    tiers: z.array(
      z.object({
        name: z.string(),
        weight: z.number(),
        timeToFirstToken: z.string().nullable().openapi({ example: '1s', description: 'Null where nobody waits.' }),
        waiting: count.openapi({ description: 'Calls that wait for a place.' }),
        oldestMs: z.number().nullable().openapi({ description: 'How long the first of them has waited.' }),
      }),
    ),
  })
  .openapi('Fleet')

const params = z.object({ upstream: z.string(), replica: z.string() })

const fleetRoute = createRoute({
  method: 'get',
  path: '/fleet',
  summary: 'Owned engines with their replicas, and who waits for them.',
  responses: { 200: json('The fleet.', fleetSchema), ...UNAUTHORISED },
})

const drainRoute = createRoute({
  method: 'post',
  path: '/fleet/{upstream}/{replica}/drain',
  summary: 'Lets a replica finish what it has and gives it nothing new.',
  request: { params },
  responses: { 200: json('The replica.', replicaSchema), ...missing('replica'), ...UNAUTHORISED },
})

const resumeRoute = createRoute({
  method: 'post',
  path: '/fleet/{upstream}/{replica}/resume',
  summary: 'Gives a drained replica calls again.',
  request: { params },
  responses: { 200: json('The replica.', replicaSchema), ...missing('replica'), ...UNAUTHORISED },
})

type FleetDependencies = Pick<AdminDependencies, 'fleet' | 'note'>
type Change = 'drain' | 'resume'

export function addFleet(app: AdminApp, dependencies: FleetDependencies): void {
  app.openapi(fleetRoute, context => {
    const { upstreams, tiers } = dependencies.fleet.report()
    const shown = upstreams.map(({ name, engine, replicas }) => ({
      name,
      engine,
      replicas: replicas.map(shownReplica),
    }))
    return context.json({ upstreams: shown, tiers: tiers.map(shownTier) }, 200)
  })

  app.openapi(drainRoute, async context => {
    const asked = context.req.valid('param')
    const changed = await change(dependencies, 'drain', asked, actorOf(context))
    return changed === null ? context.json(unknown(asked), 404) : context.json(changed, 200)
  })

  app.openapi(resumeRoute, async context => {
    const asked = context.req.valid('param')
    const changed = await change(dependencies, 'resume', asked, actorOf(context))
    return changed === null ? context.json(unknown(asked), 404) : context.json(changed, 200)
  })
}

interface Asked {
  readonly upstream: string
  readonly replica: string
}

/** Whether a path is one whose change is all said in it, so that nobody need send a body. */
export function takesNoBody(path: string): boolean {
  return /\/fleet\/[^/]+\/[^/]+\/(?:drain|resume)$/.test(path)
}

/** @returns the replica as it is now; null where there is none */
async function change({ fleet, note }: FleetDependencies, to: Change, asked: Asked, by: Actor) {
  const { upstream } = asked
  const replica = /^\d{1,6}$/.test(asked.replica) ? Number(asked.replica) : -1
  const before = reportOf(fleet, upstream, replica)
  if (before === undefined || !fleet[to](upstream, replica)) return null
  const after = reportOf(fleet, upstream, replica) ?? before
  // Asked for twice is changed once.
  if (before.state !== after.state) {
    await note({
      actor: by.name,
      address: by.address,
      action: 'change',
      subject: `replica:${upstream}/${replica}`,
      before: { state: before.state },
      after: { state: after.state },
    })
  }
  return shownReplica(after)
}

function reportOf(fleet: Fleet, upstream: string, replica: number): ReplicaReport | undefined {
  const found = fleet.report().upstreams.find(({ name }) => name === upstream)
  return found?.replicas.find(each => each.replica === replica)
}

/** Field by field, so that whatever else a report may come to hold stays inside. */
function shownReplica(report: ReplicaReport): z.infer<typeof replicaSchema> {
  const { replica, url, state, running, waiting, kvUse, metricsAgeMs, inFlight, places, expectedCachedShare } = report
  return { replica, url, state, running, waiting, kvUse, metricsAgeMs, inFlight, places, expectedCachedShare }
}

function shownTier({ name, weight, timeToFirstTokenMs, waiting, oldestMs }: TierReport) {
  const timeToFirstToken = timeToFirstTokenMs === null ? null : formatDuration(timeToFirstTokenMs)
  return { name, weight, timeToFirstToken, waiting, oldestMs }
}

function unknown({ upstream, replica }: Asked): Problem {
  return problem('not_found', `there is no replica '${`${upstream}/${replica}`.slice(0, 100)}'`)
}
