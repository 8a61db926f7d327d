-- Owner of every table here: wharf-registry.
-- A blob's state may be 3 from now on, quarantined: its bytes are there and are not what its digest says.

-- A check of the whole registry: one goes on at a time (state 0 running, 1 done, 2 cancelled). phase and place say where
-- it goes on after a restart, on any node; the counts say how far it has come.
CREATE TABLE fsck_runs (
    id             INTEGER PRIMARY KEY,
    state          INTEGER NOT NULL DEFAULT 0,
    started_by     TEXT NOT NULL,
    started_at     INTEGER NOT NULL,
    ended_at       INTEGER,
    reads_bytes    INTEGER NOT NULL,
    rate           INTEGER NOT NULL,
    phase          INTEGER NOT NULL DEFAULT 0,
    place          TEXT NOT NULL DEFAULT '',
    manifests      INTEGER NOT NULL DEFAULT 0,
    tags           INTEGER NOT NULL DEFAULT 0,
    blobs          INTEGER NOT NULL DEFAULT 0,
    read_bytes     INTEGER NOT NULL DEFAULT 0,
    stored         INTEGER NOT NULL DEFAULT 0,
    uploads        INTEGER NOT NULL DEFAULT 0,
    expected_blobs INTEGER NOT NULL,
    expected_bytes INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fsck_running ON fsck_runs (state) WHERE state = 0;

-- What a check found. resolution: 0 open, 1 repaired, 2 quarantined.
CREATE TABLE fsck_findings (
    id         INTEGER PRIMARY KEY,
    run_id     INTEGER NOT NULL REFERENCES fsck_runs (id),
    problem    TEXT NOT NULL,
    subject    TEXT NOT NULL,
    repository TEXT NOT NULL,
    details    TEXT NOT NULL,
    resolution INTEGER NOT NULL,
    found_at   INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX fsck_findings_once ON fsck_findings (run_id, problem, subject, repository);
CREATE INDEX fsck_findings_by_run ON fsck_findings (run_id, id);
