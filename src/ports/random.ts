/** Randomness as the world gives it: seeded in tests and rehearsals. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number
}
