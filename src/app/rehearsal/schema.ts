import { z } from 'zod'
import { duration } from '../configuration/leaves.ts'
import { queue, shares, tiers } from '../configuration/scheduling.ts'
import { model, price, upstream } from '../configuration/schema.ts'
import { mapping, named, optional, required } from '../configuration/shapes.ts'

const HOUR = 3_600_000
const target = duration(1, HOUR, 'from 1ms to 1h')

const fleet = mapping({
  upstreams: required(named(upstream)),
  models: required(named(model)),
  targets: optional(mapping({ timeToFirstToken: target.optional(), timePerOutputToken: target.optional() })),
  prices: optional(z.array(price)),
  tiers,
  shares,
  queue,
})

/** The form of a fleet file: what a configuration says of engines and models, and what callers are to be given. */
export const fleetSchema = required(fleet)

export type FleetForm = z.output<typeof fleet>
