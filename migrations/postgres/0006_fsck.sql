-- Owner of every table here: wharf-registry.
-- A blob's state may be 3 from now on, quarantined: its bytes are there and are not what its digest says.

-- A check of the whole registry: one goes on at a time (state 0 running, 1 done, 2 cancelled). phase and place say where
-- it goes on after a restart, on any node; the counts say how far it has come.
CREATE TABLE fsck_runs (
    id             BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    state          BIGINT NOT NULL DEFAULT 0,
    started_by     TEXT COLLATE "C" NOT NULL,
    started_at     BIGINT NOT NULL,
    ended_at       BIGINT,
    reads_bytes    BIGINT NOT NULL,
    rate           BIGINT NOT NULL,
    phase          BIGINT NOT NULL DEFAULT 0,
    place          TEXT COLLATE "C" NOT NULL DEFAULT '',
    manifests      BIGINT NOT NULL DEFAULT 0,
    tags           BIGINT NOT NULL DEFAULT 0,
    blobs          BIGINT NOT NULL DEFAULT 0,
    read_bytes     BIGINT NOT NULL DEFAULT 0,
    stored         BIGINT NOT NULL DEFAULT 0,
    uploads        BIGINT NOT NULL DEFAULT 0,
    expected_blobs BIGINT NOT NULL,
    expected_bytes BIGINT NOT NULL
);
CREATE UNIQUE INDEX fsck_running ON fsck_runs (state) WHERE state = 0;

-- What a check found. resolution: 0 open, 1 repaired, 2 quarantined.
CREATE TABLE fsck_findings (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    run_id     BIGINT NOT NULL REFERENCES fsck_runs (id),
    problem    TEXT COLLATE "C" NOT NULL,
    subject    TEXT COLLATE "C" NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    details    TEXT COLLATE "C" NOT NULL,
    resolution BIGINT NOT NULL,
    found_at   BIGINT NOT NULL
);
CREATE UNIQUE INDEX fsck_findings_once ON fsck_findings (run_id, problem, subject, repository);
CREATE INDEX fsck_findings_by_run ON fsck_findings (run_id, id);
