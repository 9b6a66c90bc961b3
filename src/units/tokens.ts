import type { Unit } from './flavour.ts'

/** A whole number of tokens, zero or more, below 2^53. */
export type Tokens = Unit<number, 'tokens'>
