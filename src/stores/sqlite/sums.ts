/** Columns of sums, as rollups keep them and usage adds them up. */
export const SUM_COLUMNS = ['calls', 'took_part', 'input', 'cached', 'output', 'dollars', 'wasted', 'unrated'] as const

/**
 * The same sums over calls `c` left-joined with their attempts `a`, in the order of SUM_COLUMNS. A call counts once in
 * `calls`, at its first attempt, and in `took_part` once for each deployment, at the first attempt there. Outcome 0 is
 * `completed`. Sums are 64-bit integers: beyond 9.2 thousand million dollars SQLite reports an overflow, never a wrong sum.
 */
export const SUMS_OF_CALLS = `
    sum(a.n IS NULL OR a.n = 0),
    sum(a.n IS NULL OR a.n = 0 OR NOT EXISTS (
      SELECT 1 FROM attempts e WHERE e.call = a.call AND e.n < a.n AND e.deployment = a.deployment)),
    coalesce(sum(a.input), 0),
    coalesce(sum(a.cached), 0),
    coalesce(sum(a.output), 0),
    coalesce(sum(a.dollars), 0),
    coalesce(sum(CASE WHEN a.outcome <> 0 THEN a.dollars END), 0),
    sum(a.n IS NOT NULL AND a.dollars IS NULL)`
