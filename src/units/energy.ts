import type { Unit } from './flavour.ts'

/** Energy in joules; 3,600,000 J are one kilowatt-hour. */
export type Joules = Unit<number, 'joules'>

/** Power in watts. */
export type Watts = Unit<number, 'watts'>
