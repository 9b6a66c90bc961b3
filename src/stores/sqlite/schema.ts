/** Marks the file as a ledger of Penstock (`PNST`), so that another program's database is never taken for one. */
export const APPLICATION_ID = 0x504e5354

/**
 * What leads from each version of the schema to the next; `PRAGMA user_version` counts those that were applied.
 * Append only: a ledger of any earlier version must open.
 *
 * Every byte of `calls` and `attempts` is paid for each call: what repeats stands once in a table of names, values of
 * a list are their places in it (see codes.ts), lengths of time are whole microseconds, money is nano-dollars, and the
 * id carries the time, so that there is no index of times.
 */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, balance INTEGER NOT NULL) STRICT;

  CREATE TABLE models (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE deployments (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, account INTEGER NOT NULL) STRICT;
  CREATE TABLE callers (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE, account INTEGER NOT NULL) STRICT;
  CREATE TABLE rates (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE circumstances (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;

  CREATE TABLE calls (
    id INTEGER PRIMARY KEY,
    at_offset_ms INTEGER NOT NULL,
    model INTEGER NOT NULL,
    caller INTEGER NOT NULL,
    dialect INTEGER NOT NULL,
    endpoint INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    status INTEGER NOT NULL,
    streamed INTEGER NOT NULL,
    held INTEGER,
    dollars INTEGER,
    duration_us INTEGER NOT NULL,
    first_token_us INTEGER,
    run TEXT
  ) STRICT;
  -- Few calls do not complete; those that look for them need not read all the others.
  CREATE INDEX calls_not_completed ON calls (outcome) WHERE outcome <> 0;

  CREATE TABLE attempts (
    call INTEGER NOT NULL,
    n INTEGER NOT NULL,
    deployment INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    status INTEGER,
    started_offset_ms INTEGER NOT NULL,
    duration_us INTEGER NOT NULL,
    first_token_us INTEGER,
    rate INTEGER,
    dollars INTEGER,
    source INTEGER,
    input INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    written_5m INTEGER NOT NULL,
    written_1h INTEGER NOT NULL,
    output INTEGER NOT NULL,
    reasoning INTEGER NOT NULL,
    circumstances INTEGER,
    counts TEXT,
    PRIMARY KEY (call, n)
  ) STRICT, WITHOUT ROWID;

  -- Sums of the calls that retention deleted. The day is UTC, in days since 1970; deployment 0 stands for calls
  -- without attempts. A call counts in \`calls\` at its first deployment, in \`took_part\` at each of its deployments.
  CREATE TABLE rollups (
    day INTEGER NOT NULL,
    caller INTEGER NOT NULL,
    model INTEGER NOT NULL,
    deployment INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    took_part INTEGER NOT NULL,
    input INTEGER NOT NULL,
    cached INTEGER NOT NULL,
    output INTEGER NOT NULL,
    dollars INTEGER NOT NULL,
    wasted INTEGER NOT NULL,
    unrated INTEGER NOT NULL,
    PRIMARY KEY (day, caller, model, deployment)
  ) STRICT, WITHOUT ROWID;
  -- One row: the largest id that retention deleted, so that ids never repeat even when every call is gone.
  CREATE TABLE swept (id INTEGER NOT NULL) STRICT;
  INSERT INTO swept VALUES (0);

  CREATE TABLE keys (
    name TEXT PRIMARY KEY,
    team TEXT,
    user TEXT,
    tags TEXT NOT NULL,
    models TEXT,
    secret_hash TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  `,
  `
  -- NULL for nearly every call, which then takes one byte for each.
  ALTER TABLE calls ADD COLUMN limited INTEGER;
  ALTER TABLE calls ADD COLUMN overrun INTEGER;
  ALTER TABLE calls ADD COLUMN downgraded INTEGER;

  CREATE TABLE limits (
    id TEXT PRIMARY KEY,
    terms TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    declared INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;

  -- What each member of a limit has used, as of a use. No limit has the id '': it stands for the budgets of runs.
  CREATE TABLE limit_balances (
    limit_id TEXT NOT NULL,
    member TEXT NOT NULL,
    budget INTEGER,
    used INTEGER NOT NULL,
    opens_at INTEGER NOT NULL,
    ends_at INTEGER,
    uses TEXT,
    as_of INTEGER NOT NULL,
    PRIMARY KEY (limit_id, member)
  ) STRICT, WITHOUT ROWID;
  -- Those that are over are found without reading a million that are not.
  CREATE INDEX limit_balances_over ON limit_balances (ends_at) WHERE ends_at IS NOT NULL;

  -- Uses that balances may not know of yet.
  CREATE TABLE limit_uses (seq INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT;
  -- One row. Balances cover every use up to \`covered\`; those and balances that ended by \`over_at\` may be deleted.
  -- \`given\` is the last use that any balance knows of, so that their numbers never repeat.
  CREATE TABLE limit_marks (given INTEGER NOT NULL, covered INTEGER NOT NULL, over_at INTEGER NOT NULL) STRICT;
  INSERT INTO limit_marks VALUES (0, 0, 0);

  CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    actor TEXT NOT NULL,
    address TEXT,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before TEXT,
    after TEXT
  ) STRICT;
  `,
  `
  -- Where attempts went, for those that had a choice of replicas or deployments. A table of its own, so that the others
  -- take no byte for it. A route is laid out as in routeBytes.ts.
  CREATE TABLE choices (
    call INTEGER NOT NULL,
    n INTEGER NOT NULL,
    replica INTEGER,
    route BLOB,
    PRIMARY KEY (call, n)
  ) STRICT, WITHOUT ROWID;
  -- Names of deployments in routes. Those of \`deployments\` were asked, and have accounts.
  CREATE TABLE contenders (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  `,
  `
  CREATE TABLE tiers (id INTEGER PRIMARY KEY, text TEXT NOT NULL UNIQUE) STRICT;
  ALTER TABLE calls ADD COLUMN tier INTEGER;
  ALTER TABLE calls ADD COLUMN queue_us INTEGER;

  -- Tokens that were expected in the cache of the replica that the attempt went to.
  ALTER TABLE choices ADD COLUMN expected INTEGER;
  -- Attempts that left the queue of owned engines for a hosted deployment, and the sum by which they did.
  CREATE TABLE spills (
    call INTEGER NOT NULL,
    n INTEGER NOT NULL,
    why INTEGER NOT NULL,
    expected_us INTEGER,
    target_us INTEGER,
    harm INTEGER,
    more INTEGER,
    PRIMARY KEY (call, n)
  ) STRICT, WITHOUT ROWID;

  -- JSON, as \`models\`.
  ALTER TABLE keys ADD COLUMN tiers TEXT;
  `,
]
