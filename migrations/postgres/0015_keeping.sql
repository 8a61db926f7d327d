-- Owner of every table here: wharf-governance.
-- What must stay, what runs where, and what retention decided. Digests are bytes as in the registry's tables; times are
-- microseconds since 1970, UTC.

-- kind: 0 legal, 1 quarantine. On a whole repository (neither tag nor digest), on a tag (digest: what it pointed to when
-- the hold was set), or on a digest in all repositories of the project (no tag). In force until it is lifted, or until
-- until_at, where it has one.
CREATE TABLE holds (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  BIGINT NOT NULL,
    kind        BIGINT NOT NULL CHECK (kind IN (0, 1)),
    repository  TEXT COLLATE "C" NOT NULL,
    tag         TEXT COLLATE "C",
    digest      BYTEA,
    reason      TEXT COLLATE "C" NOT NULL,
    set_by      TEXT COLLATE "C" NOT NULL,
    set_at      BIGINT NOT NULL,
    until_at    BIGINT,
    lifted_by   TEXT COLLATE "C",
    lifted_at   BIGINT,
    lift_reason TEXT COLLATE "C"
);
CREATE INDEX holds_by_project ON holds (project_id, id);
CREATE INDEX holds_on_repositories ON holds (project_id, repository) WHERE lifted_at IS NULL;
CREATE INDEX holds_on_digests ON holds (project_id, digest) WHERE lifted_at IS NULL AND digest IS NOT NULL;

-- Containers as their hosts reported them. One that is not reported any more counts as running for a while after seen_at.
CREATE TABLE running (
    project_id  BIGINT NOT NULL,
    host        TEXT COLLATE "C" NOT NULL,
    container   TEXT COLLATE "C" NOT NULL,
    digest      BYTEA NOT NULL,
    repository  TEXT COLLATE "C",
    started_at  BIGINT NOT NULL,
    seen_at     BIGINT NOT NULL,
    stopped_at  BIGINT,
    reported_by TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (project_id, host, container)
);
CREATE INDEX running_by_digest ON running (digest, project_id, host, container);
CREATE INDEX running_stopped ON running (project_id, stopped_at) WHERE stopped_at IS NOT NULL;

-- When retention runs by itself in a project whose policy says so.
CREATE TABLE retention_schedules (
    project_id BIGINT PRIMARY KEY,
    due_at     BIGINT NOT NULL
);

-- Runs of retention and what was asked of them. state: 0 judging, 1 executing, 2 done, 3 given up. judged_at: the moment
-- that ages were taken at. The counts go along with the items.
CREATE TABLE retention_runs (
    id              BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id      BIGINT NOT NULL,
    is_dry          BIGINT NOT NULL,
    state           BIGINT NOT NULL DEFAULT 0,
    policy_revision BIGINT NOT NULL,
    started_by      TEXT COLLATE "C" NOT NULL,
    started_at      BIGINT NOT NULL,
    judged_at       BIGINT NOT NULL,
    fill_percent    BIGINT,
    kept            BIGINT NOT NULL DEFAULT 0,
    to_delete       BIGINT NOT NULL DEFAULT 0,
    done            BIGINT NOT NULL DEFAULT 0,
    left_alone      BIGINT NOT NULL DEFAULT 0,
    ended_at        BIGINT,
    why             TEXT COLLATE "C"
);
CREATE INDEX retention_runs_by_project ON retention_runs (project_id, id);
CREATE UNIQUE INDEX retention_runs_going_on ON retention_runs (project_id) WHERE ended_at IS NULL AND is_dry = 0;

-- What was decided about each tag, in order. action: 0 keep, 1 delete, 2 archive. outcome: NULL to be done (or only planned),
-- 1 done, 2 left because it had changed.
CREATE TABLE retention_items (
    run_id     BIGINT NOT NULL REFERENCES retention_runs (id),
    position   BIGINT NOT NULL,
    repository TEXT COLLATE "C" NOT NULL,
    tag        TEXT COLLATE "C" NOT NULL,
    digest     BYTEA NOT NULL,
    since_at   BIGINT NOT NULL,
    action     BIGINT NOT NULL,
    rule       TEXT COLLATE "C",
    because    TEXT COLLATE "C" NOT NULL,
    outcome    BIGINT,
    details    TEXT COLLATE "C",
    PRIMARY KEY (run_id, position)
);
CREATE INDEX retention_items_to_do ON retention_items (run_id, position) WHERE outcome IS NULL AND action > 0;
CREATE INDEX retention_items_by_action ON retention_items (run_id, action, position);
