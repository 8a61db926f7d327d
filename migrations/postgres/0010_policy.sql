-- Owner of every table here: wharf-governance.
-- Policies, and what goes by them. Times are microseconds since 1970, UTC; digests are bytes with one algorithm byte in
-- front; people are kept by their accounts' names at that time, because rows outlive accounts.

-- A project's policies, each one JSON document; the row without an end is in force, the others are history that decisions
-- refer to. Until editor_waits_until whoever made the change approves nothing in the project.
CREATE TABLE project_policies (
    project_id         BIGINT NOT NULL,
    revision           BIGINT NOT NULL,
    document           TEXT NOT NULL,
    changed_by         TEXT COLLATE "C" NOT NULL,
    since_at           BIGINT NOT NULL,
    until_at           BIGINT,
    editor_waits_until BIGINT NOT NULL DEFAULT 0,
    PRIMARY KEY (project_id, revision)
);
CREATE UNIQUE INDEX project_policies_current ON project_policies (project_id) WHERE until_at IS NULL;
CREATE INDEX project_policies_editors ON project_policies (project_id, editor_waits_until);

-- What the config of an image says, by the digest of the image's manifest.
CREATE TABLE image_configs (
    digest     BYTEA PRIMARY KEY,
    labels     TEXT NOT NULL,
    created_at BIGINT
);

-- Sets of digests that move together. sealed_at: since when a release cannot be changed.
CREATE TABLE releases (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL,
    version    TEXT COLLATE "C" NOT NULL,
    revision   BIGINT NOT NULL DEFAULT 1,
    note       TEXT NOT NULL,
    created_by TEXT COLLATE "C" NOT NULL,
    created_at BIGINT NOT NULL,
    sealed_by  TEXT,
    sealed_at  BIGINT,
    UNIQUE (project_id, version)
);
CREATE INDEX releases_by_project ON releases (project_id, id);
CREATE TABLE release_items (
    release_id BIGINT NOT NULL REFERENCES releases (id),
    repository TEXT COLLATE "C" NOT NULL,
    digest     BYTEA NOT NULL,
    tags       TEXT NOT NULL,
    PRIMARY KEY (release_id, repository)
);

-- Asking for something to go on to an environment. kind: promotion, rollback, emergency. subject is the digest over all
-- repositories and digests, digest what an approver echoes. passage and policy_hash are what it was asked for under; gates
-- what they said last. moves_at: when it is executed or, before that, when its time is over.
CREATE TABLE promotions (
    id               BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    key              TEXT COLLATE "C" NOT NULL UNIQUE,
    project_id       BIGINT NOT NULL,
    kind             TEXT NOT NULL,
    from_environment TEXT COLLATE "C" NOT NULL,
    to_environment   TEXT COLLATE "C" NOT NULL,
    release_id       BIGINT REFERENCES releases (id),
    subject          BYTEA NOT NULL,
    digest           BYTEA NOT NULL,
    state            TEXT NOT NULL,
    revision         BIGINT NOT NULL DEFAULT 1,
    requested_by     TEXT COLLATE "C" NOT NULL,
    requested_at     BIGINT NOT NULL,
    reason           TEXT NOT NULL,
    policy_revision  BIGINT NOT NULL,
    policy_hash      TEXT NOT NULL,
    passage          TEXT NOT NULL,
    sealed           BIGINT NOT NULL,
    gates            TEXT NOT NULL,
    expires_at       BIGINT NOT NULL,
    run_at           BIGINT,
    changed_at       BIGINT NOT NULL,
    ended_at         BIGINT,
    ended_by         TEXT,
    explanation      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX promotions_by_project ON promotions (project_id, id);
CREATE INDEX promotions_by_state ON promotions (project_id, state, id);
CREATE UNIQUE INDEX promotions_open ON promotions (project_id, to_environment, subject) WHERE ended_at IS NULL;

-- What a promotion is about. repository is the name in development; reference the tag that was named, empty where it was a
-- digest.
CREATE TABLE promotion_items (
    promotion_id BIGINT NOT NULL REFERENCES promotions (id),
    repository   TEXT COLLATE "C" NOT NULL,
    project_id   BIGINT NOT NULL,
    digest       BYTEA NOT NULL,
    reference    TEXT NOT NULL,
    tags         TEXT NOT NULL,
    before_id    BIGINT,
    PRIMARY KEY (promotion_id, repository)
);
CREATE INDEX promotion_items_by_digest ON promotion_items (project_id, digest, promotion_id);

-- One decision of one person. decision: approve, reject.
CREATE TABLE approvals (
    promotion_id BIGINT NOT NULL REFERENCES promotions (id),
    person       TEXT COLLATE "C" NOT NULL,
    account      TEXT COLLATE "C" NOT NULL,
    decision     TEXT NOT NULL,
    digest       BYTEA NOT NULL,
    comment      TEXT NOT NULL,
    decided_at   BIGINT NOT NULL,
    PRIMARY KEY (promotion_id, person)
);

-- What stood where from when until when; the row without an end is what stands there. ended_as: superseded, rolled_back.
CREATE TABLE placements (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   BIGINT NOT NULL,
    environment  TEXT COLLATE "C" NOT NULL,
    repository   TEXT COLLATE "C" NOT NULL,
    digest       BYTEA NOT NULL,
    tags         TEXT NOT NULL,
    release_id   BIGINT,
    promotion_id BIGINT NOT NULL REFERENCES promotions (id),
    before_id    BIGINT,
    since_at     BIGINT NOT NULL,
    until_at     BIGINT,
    ended_as     TEXT,
    ended_by     BIGINT
);
CREATE UNIQUE INDEX placements_current ON placements (project_id, environment, repository) WHERE until_at IS NULL;
CREATE INDEX placements_by_time ON placements (project_id, environment, repository, since_at);
CREATE INDEX placements_by_digest ON placements (project_id, digest, id);

-- A use of the emergency passage that somebody else has to look at.
CREATE TABLE emergency_reviews (
    promotion_id BIGINT PRIMARY KEY REFERENCES promotions (id),
    project_id   BIGINT NOT NULL,
    opened_at    BIGINT NOT NULL,
    closed_at    BIGINT,
    closed_by    TEXT,
    conclusion   TEXT NOT NULL DEFAULT ''
);
CREATE INDEX emergency_reviews_open ON emergency_reviews (project_id, promotion_id) WHERE closed_at IS NULL;
CREATE INDEX emergency_reviews_by_project ON emergency_reviews (project_id, promotion_id);

-- A gate's no does not count, for a while. repository, digest, environment: NULL is any.
CREATE TABLE gate_exceptions (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  BIGINT NOT NULL,
    gate        TEXT COLLATE "C" NOT NULL,
    repository  TEXT COLLATE "C",
    digest      BYTEA,
    environment TEXT COLLATE "C",
    reason      TEXT NOT NULL,
    owner       TEXT NOT NULL,
    granted_by  TEXT NOT NULL,
    granted_at  BIGINT NOT NULL,
    until_at    BIGINT NOT NULL,
    revoked_at  BIGINT,
    revoked_by  TEXT
);
CREATE INDEX gate_exceptions_by_gate ON gate_exceptions (project_id, gate, until_at);
CREATE INDEX gate_exceptions_by_project ON gate_exceptions (project_id, id);

-- The first answers to requests that were sent with a key of the client's. answer is NULL while the first goes on.
CREATE TABLE idempotency_keys (
    caller      TEXT COLLATE "C" NOT NULL,
    key         TEXT COLLATE "C" NOT NULL,
    fingerprint BYTEA NOT NULL,
    status      BIGINT,
    location    TEXT,
    answer      TEXT,
    begun_at    BIGINT NOT NULL,
    PRIMARY KEY (caller, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (begun_at);
