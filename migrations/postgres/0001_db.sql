-- Owner of every table here: wharf-db.

-- What is to be done later. While a job runs, `token` is its worker's and `run_at` the end of that lease: a worker
-- that died is overtaken by the same index that finds what is due. A number never comes back as another job's.
CREATE TABLE jobs (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    kind       TEXT COLLATE "C" NOT NULL,
    payload    TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    run_at     BIGINT NOT NULL,
    attempts   BIGINT NOT NULL,
    token      BYTEA,
    last_error TEXT COLLATE "C",
    dead_at    BIGINT
);
CREATE INDEX jobs_due ON jobs (run_at, id) WHERE dead_at IS NULL;
CREATE INDEX jobs_dead ON jobs (id) WHERE dead_at IS NOT NULL;

-- Who alone may do something, until when.
CREATE TABLE leases (
    name       TEXT COLLATE "C" PRIMARY KEY,
    token      BYTEA NOT NULL,
    expires_at BIGINT NOT NULL
);

-- Who did what. Rows are only ever added.
CREATE TABLE audit (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at          BIGINT NOT NULL,
    request_id  TEXT COLLATE "C" NOT NULL,
    caller_kind TEXT COLLATE "C" NOT NULL,
    caller_id   BIGINT,
    caller_name TEXT COLLATE "C" NOT NULL,
    remote      TEXT COLLATE "C",
    action      TEXT COLLATE "C" NOT NULL,
    resource    TEXT COLLATE "C" NOT NULL,
    outcome     TEXT COLLATE "C" NOT NULL,
    details     TEXT COLLATE "C" NOT NULL
);
CREATE INDEX audit_by_resource ON audit (resource, id);
