-- Owner of every table here: wharf-governance.
-- Policies, and what goes by them. Times are microseconds since 1970, UTC; digests are bytes with one algorithm byte in
-- front; people are kept by their accounts' names at that time, because rows outlive accounts.

-- A project's policies, each one JSON document; the row without an end is in force, the others are history that decisions
-- refer to. Until editor_waits_until whoever made the change approves nothing in the project.
CREATE TABLE project_policies (
    project_id         INTEGER NOT NULL,
    revision           INTEGER NOT NULL,
    document           TEXT NOT NULL,
    changed_by         TEXT NOT NULL,
    since_at           INTEGER NOT NULL,
    until_at           INTEGER,
    editor_waits_until INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, revision)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX project_policies_current ON project_policies (project_id) WHERE until_at IS NULL;
CREATE INDEX project_policies_editors ON project_policies (project_id, editor_waits_until);

-- What the config of an image says, by the digest of the image's manifest.
CREATE TABLE image_configs (
    digest     BLOB PRIMARY KEY,
    labels     TEXT NOT NULL,
    created_at INTEGER
) STRICT, WITHOUT ROWID;

-- Sets of digests that move together. sealed_at: since when a release cannot be changed.
CREATE TABLE releases (
    id         INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL,
    version    TEXT NOT NULL,
    revision   INTEGER NOT NULL DEFAULT 1,
    note       TEXT NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    sealed_by  TEXT,
    sealed_at  INTEGER,
    UNIQUE (project_id, version)
) STRICT;
CREATE INDEX releases_by_project ON releases (project_id, id);
CREATE TABLE release_items (
    release_id INTEGER NOT NULL REFERENCES releases (id),
    repository TEXT NOT NULL,
    digest     BLOB NOT NULL,
    tags       TEXT NOT NULL,
    PRIMARY KEY (release_id, repository)
) STRICT, WITHOUT ROWID;

-- Asking for something to go on to an environment. kind: promotion, rollback, emergency. subject is the digest over all
-- repositories and digests, digest what an approver echoes. passage and policy_hash are what it was asked for under; gates
-- what they said last. moves_at: when it is executed or, before that, when its time is over.
CREATE TABLE promotions (
    id               INTEGER PRIMARY KEY,
    key              TEXT NOT NULL UNIQUE,
    project_id       INTEGER NOT NULL,
    kind             TEXT NOT NULL,
    from_environment TEXT NOT NULL,
    to_environment   TEXT NOT NULL,
    release_id       INTEGER REFERENCES releases (id),
    subject          BLOB NOT NULL,
    digest           BLOB NOT NULL,
    state            TEXT NOT NULL,
    revision         INTEGER NOT NULL DEFAULT 1,
    requested_by     TEXT NOT NULL,
    requested_at     INTEGER NOT NULL,
    reason           TEXT NOT NULL,
    policy_revision  INTEGER NOT NULL,
    policy_hash      TEXT NOT NULL,
    passage          TEXT NOT NULL,
    sealed           INTEGER NOT NULL,
    gates            TEXT NOT NULL,
    expires_at       INTEGER NOT NULL,
    run_at           INTEGER,
    changed_at       INTEGER NOT NULL,
    ended_at         INTEGER,
    ended_by         TEXT,
    explanation      TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX promotions_by_project ON promotions (project_id, id);
CREATE INDEX promotions_by_state ON promotions (project_id, state, id);
CREATE UNIQUE INDEX promotions_open ON promotions (project_id, to_environment, subject) WHERE ended_at IS NULL;

-- What a promotion is about. repository is the name in development; reference the tag that was named, empty where it was a
-- digest.
CREATE TABLE promotion_items (
    promotion_id INTEGER NOT NULL REFERENCES promotions (id),
    repository   TEXT NOT NULL,
    project_id   INTEGER NOT NULL,
    digest       BLOB NOT NULL,
    reference    TEXT NOT NULL,
    tags         TEXT NOT NULL,
    before_id    INTEGER,
    PRIMARY KEY (promotion_id, repository)
) STRICT, WITHOUT ROWID;
CREATE INDEX promotion_items_by_digest ON promotion_items (project_id, digest, promotion_id);

-- One decision of one person. decision: approve, reject.
CREATE TABLE approvals (
    promotion_id INTEGER NOT NULL REFERENCES promotions (id),
    person       TEXT NOT NULL,
    account      TEXT NOT NULL,
    decision     TEXT NOT NULL,
    digest       BLOB NOT NULL,
    comment      TEXT NOT NULL,
    decided_at   INTEGER NOT NULL,
    PRIMARY KEY (promotion_id, person)
) STRICT, WITHOUT ROWID;

-- What stood where from when until when; the row without an end is what stands there. ended_as: superseded, rolled_back.
CREATE TABLE placements (
    id           INTEGER PRIMARY KEY,
    project_id   INTEGER NOT NULL,
    environment  TEXT NOT NULL,
    repository   TEXT NOT NULL,
    digest       BLOB NOT NULL,
    tags         TEXT NOT NULL,
    release_id   INTEGER,
    promotion_id INTEGER NOT NULL REFERENCES promotions (id),
    before_id    INTEGER,
    since_at     INTEGER NOT NULL,
    until_at     INTEGER,
    ended_as     TEXT,
    ended_by     INTEGER
) STRICT;
CREATE UNIQUE INDEX placements_current ON placements (project_id, environment, repository) WHERE until_at IS NULL;
CREATE INDEX placements_by_time ON placements (project_id, environment, repository, since_at);
CREATE INDEX placements_by_digest ON placements (project_id, digest, id);

-- A use of the emergency passage that somebody else has to look at.
CREATE TABLE emergency_reviews (
    promotion_id INTEGER PRIMARY KEY REFERENCES promotions (id),
    project_id   INTEGER NOT NULL,
    opened_at    INTEGER NOT NULL,
    closed_at    INTEGER,
    closed_by    TEXT,
    conclusion   TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX emergency_reviews_open ON emergency_reviews (project_id, promotion_id) WHERE closed_at IS NULL;
CREATE INDEX emergency_reviews_by_project ON emergency_reviews (project_id, promotion_id);

-- A gate's no does not count, for a while. repository, digest, environment: NULL is any.
CREATE TABLE gate_exceptions (
    id          INTEGER PRIMARY KEY,
    project_id  INTEGER NOT NULL,
    gate        TEXT NOT NULL,
    repository  TEXT,
    digest      BLOB,
    environment TEXT,
    reason      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    granted_by  TEXT NOT NULL,
    granted_at  INTEGER NOT NULL,
    until_at    INTEGER NOT NULL,
    revoked_at  INTEGER,
    revoked_by  TEXT
) STRICT;
CREATE INDEX gate_exceptions_by_gate ON gate_exceptions (project_id, gate, until_at);
CREATE INDEX gate_exceptions_by_project ON gate_exceptions (project_id, id);

-- The first answers to requests that were sent with a key of the client's. answer is NULL while the first goes on.
CREATE TABLE idempotency_keys (
    caller      TEXT NOT NULL,
    key         TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status      INTEGER,
    location    TEXT,
    answer      TEXT,
    begun_at    INTEGER NOT NULL,
    PRIMARY KEY (caller, key)
) STRICT, WITHOUT ROWID;
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (begun_at);
