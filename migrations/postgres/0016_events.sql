-- Owner of every table here: wharf-governance.
-- Times are microseconds since 1970, UTC. Secrets are sealed under a data key of the catalog.

-- Who outside is told of what. events and repositories are JSON lists; an empty one means all. former_secret also signs
-- until former_until, so that a receiver can take the new one without missing anything. credential is what the receiver
-- asks for by itself: the token of a pipeline.
CREATE TABLE webhooks (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id    BIGINT NOT NULL,
    project       TEXT NOT NULL,
    name          TEXT COLLATE "C" NOT NULL,
    url           TEXT NOT NULL,
    events        TEXT NOT NULL,
    repositories  TEXT NOT NULL,
    template      TEXT NOT NULL,
    git_ref       TEXT COLLATE "C",
    secret        BYTEA NOT NULL,
    former_secret BYTEA,
    former_until  BIGINT,
    credential    BYTEA,
    is_disabled   BIGINT NOT NULL DEFAULT 0,
    created_by    TEXT NOT NULL,
    created_at    BIGINT NOT NULL,
    UNIQUE (project_id, name)
);

-- One lane for each webhook: whoever holds its token delivers, so that a slow receiver delays nobody else. due_at is when
-- the next delivery is due, NULL when none waits; failures counts those in a row that found no receiver.
CREATE TABLE webhook_lanes (
    webhook_id   BIGINT PRIMARY KEY REFERENCES webhooks (id) ON DELETE CASCADE,
    due_at       BIGINT,
    token        BYTEA,
    leased_until BIGINT,
    failures     BIGINT NOT NULL DEFAULT 0,
    dropped      BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX webhook_lanes_due ON webhook_lanes (due_at) WHERE due_at IS NOT NULL;

-- state: 0 waiting, 1 delivered, 2 dead. event is the CloudEvents document, and event_id its id, the same in each attempt
-- and replay. status, answer, failure and duration_ms are the last attempt's.
CREATE TABLE webhook_deliveries (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    webhook_id  BIGINT NOT NULL,
    event_id    TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    subject     TEXT NOT NULL,
    event       TEXT NOT NULL,
    replay_of   BIGINT,
    state       BIGINT NOT NULL DEFAULT 0,
    attempts    BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    due_at      BIGINT NOT NULL,
    ended_at    BIGINT,
    status      BIGINT,
    duration_ms BIGINT,
    answer      TEXT,
    failure     TEXT
);
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, state, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, id) WHERE state = 0;
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- Who tells us of commits. sender: github, gitlab, signed.
CREATE TABLE hooks (
    id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id BIGINT NOT NULL,
    project    TEXT NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    sender     TEXT NOT NULL,
    secret     BYTEA NOT NULL,
    created_by TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    taken_at   BIGINT,
    UNIQUE (project_id, name)
);
CREATE INDEX hooks_by_address ON hooks (project, name);

-- Bodies that were taken, so that none is taken twice.
CREATE TABLE hook_receipts (
    hook_id     BIGINT NOT NULL,
    digest      BYTEA NOT NULL,
    received_at BIGINT NOT NULL,
    PRIMARY KEY (hook_id, digest)
);
CREATE INDEX hook_receipts_by_age ON hook_receipts (received_at);

-- What was told of commits; source is the Git repository's one name (host and path).
CREATE TABLE commits (
    id          BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id  BIGINT NOT NULL,
    source      TEXT COLLATE "C" NOT NULL,
    revision    TEXT COLLATE "C" NOT NULL,
    git_ref     TEXT COLLATE "C" NOT NULL,
    author      TEXT NOT NULL,
    title       TEXT NOT NULL,
    made_at     BIGINT,
    received_at BIGINT NOT NULL,
    hook        TEXT NOT NULL,
    UNIQUE (project_id, source, revision, git_ref)
);
CREATE INDEX commits_by_project ON commits (project_id, id);
CREATE INDEX commits_by_revision ON commits (project_id, revision);

-- What search knows of an image in a repository: what it shows, and the terms that it is found by (`label:team=pay`).
CREATE TABLE search_images (
    id            BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id    BIGINT NOT NULL,
    repository    TEXT COLLATE "C" NOT NULL,
    digest        TEXT COLLATE "C" NOT NULL,
    tags          TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    platform      TEXT NOT NULL,
    size_bytes    BIGINT NOT NULL,
    revision      TEXT COLLATE "C",
    pushed_at     BIGINT NOT NULL,
    pushed_by     TEXT NOT NULL,
    UNIQUE (repository, digest)
);
CREATE INDEX search_images_by_push ON search_images (pushed_at, id);

CREATE TABLE search_terms (
    term      TEXT COLLATE "C" NOT NULL,
    pushed_at BIGINT NOT NULL,
    image_id  BIGINT NOT NULL,
    PRIMARY KEY (term, pushed_at, image_id)
);
CREATE INDEX search_terms_by_image ON search_terms (image_id, term);

-- How far the index has gone through what was there before it.
CREATE TABLE search_progress (
    id       BIGINT PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL
);
