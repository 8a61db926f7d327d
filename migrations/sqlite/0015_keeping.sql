-- Owner of every table here: wharf-governance.
-- What must stay, what runs where, and what retention decided. Digests are bytes as in the registry's tables; times are
-- microseconds since 1970, UTC.

-- kind: 0 legal, 1 quarantine. On a whole repository (neither tag nor digest), on a tag (digest: what it pointed to when
-- the hold was set), or on a digest in all repositories of the project (no tag). In force until it is lifted, or until
-- until_at, where it has one.
CREATE TABLE holds (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL,
    kind        INTEGER NOT NULL CHECK (kind IN (0, 1)),
    repository  TEXT NOT NULL,
    tag         TEXT,
    digest      BLOB,
    reason      TEXT NOT NULL,
    set_by      TEXT NOT NULL,
    set_at      INTEGER NOT NULL,
    until_at    INTEGER,
    lifted_by   TEXT,
    lifted_at   INTEGER,
    lift_reason TEXT
) STRICT;
CREATE INDEX holds_by_project ON holds (project_id, id);
CREATE INDEX holds_on_repositories ON holds (project_id, repository) WHERE lifted_at IS NULL;
CREATE INDEX holds_on_digests ON holds (project_id, digest) WHERE lifted_at IS NULL AND digest IS NOT NULL;

-- Containers as their hosts reported them. One that is not reported any more counts as running for a while after seen_at.
CREATE TABLE running (
    project_id  INTEGER NOT NULL,
    host        TEXT NOT NULL,
    container   TEXT NOT NULL,
    digest      BLOB NOT NULL,
    repository  TEXT,
    started_at  INTEGER NOT NULL,
    seen_at     INTEGER NOT NULL,
    stopped_at  INTEGER,
    reported_by TEXT NOT NULL,
    PRIMARY KEY (project_id, host, container)
) STRICT, WITHOUT ROWID;
CREATE INDEX running_by_digest ON running (digest, project_id, host, container);
CREATE INDEX running_stopped ON running (project_id, stopped_at) WHERE stopped_at IS NOT NULL;

-- When retention runs by itself in a project whose policy says so.
CREATE TABLE retention_schedules (
    project_id INTEGER PRIMARY KEY,
    due_at     INTEGER NOT NULL
) STRICT;

-- Runs of retention and what was asked of them. state: 0 judging, 1 executing, 2 done, 3 given up. judged_at: the moment
-- that ages were taken at. The counts go along with the items.
CREATE TABLE retention_runs (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id      INTEGER NOT NULL,
    is_dry          INTEGER NOT NULL,
    state           INTEGER NOT NULL DEFAULT 0,
    policy_revision INTEGER NOT NULL,
    started_by      TEXT NOT NULL,
    started_at      INTEGER NOT NULL,
    judged_at       INTEGER NOT NULL,
    fill_percent    INTEGER,
    kept            INTEGER NOT NULL DEFAULT 0,
    to_delete       INTEGER NOT NULL DEFAULT 0,
    done            INTEGER NOT NULL DEFAULT 0,
    left_alone      INTEGER NOT NULL DEFAULT 0,
    ended_at        INTEGER,
    why             TEXT
) STRICT;
CREATE INDEX retention_runs_by_project ON retention_runs (project_id, id);
CREATE UNIQUE INDEX retention_runs_going_on ON retention_runs (project_id) WHERE ended_at IS NULL AND is_dry = 0;

-- What was decided about each tag, in order. action: 0 keep, 1 delete, 2 archive. outcome: NULL to be done (or only planned),
-- 1 done, 2 left because it had changed.
CREATE TABLE retention_items (
    run_id     INTEGER NOT NULL REFERENCES retention_runs (id),
    position   INTEGER NOT NULL,
    repository TEXT NOT NULL,
    tag        TEXT NOT NULL,
    digest     BLOB NOT NULL,
    since_at   INTEGER NOT NULL,
    action     INTEGER NOT NULL,
    rule       TEXT,
    because    TEXT NOT NULL,
    outcome    INTEGER,
    details    TEXT,
    PRIMARY KEY (run_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX retention_items_to_do ON retention_items (run_id, position) WHERE outcome IS NULL AND action > 0;
CREATE INDEX retention_items_by_action ON retention_items (run_id, action, position);
