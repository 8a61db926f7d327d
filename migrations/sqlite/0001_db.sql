-- Owner of every table here: wharf-db.

-- What is to be done later. While a job runs, `token` is its worker's and `run_at` the end of that lease: a worker
-- that died is overtaken by the same index that finds what is due. A number never comes back as another job's.
CREATE TABLE jobs (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    kind       TEXT NOT NULL,
    payload    TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    run_at     INTEGER NOT NULL,
    attempts   INTEGER NOT NULL,
    token      BLOB,
    last_error TEXT,
    dead_at    INTEGER
) STRICT;
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE dead_at IS NULL;
CREATE INDEX jobs_dead ON jobs (id) WHERE dead_at IS NOT NULL;

-- Who alone may do something, until when.
CREATE TABLE leases (
    name       TEXT PRIMARY KEY,
    token      BLOB NOT NULL,
    expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Who did what. Rows are only ever added.
CREATE TABLE audit (
    id          INTEGER PRIMARY KEY,
    at          INTEGER NOT NULL,
    request_id  TEXT NOT NULL,
    caller_kind TEXT NOT NULL,
    caller_id   INTEGER,
    caller_name TEXT NOT NULL,
    remote      TEXT,
    action      TEXT NOT NULL,
    resource    TEXT NOT NULL,
    outcome     TEXT NOT NULL,
    details     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_resource ON audit (resource, id);
