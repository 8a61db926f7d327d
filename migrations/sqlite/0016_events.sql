-- Owner of every table here: wharf-governance.
-- Times are microseconds since 1970, UTC. Secrets are sealed under a data key of the catalog.

-- Who outside is told of what. events and repositories are JSON lists; an empty one means all. former_secret also signs
-- until former_until, so that a receiver can take the new one without missing anything. credential is what the receiver
-- asks for by itself: the token of a pipeline.
CREATE TABLE webhooks (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id    INTEGER NOT NULL,
    project       TEXT NOT NULL,
    name          TEXT NOT NULL,
    url           TEXT NOT NULL,
    events        TEXT NOT NULL,
    repositories  TEXT NOT NULL,
    template      TEXT NOT NULL,
    git_ref       TEXT,
    secret        BLOB NOT NULL,
    former_secret BLOB,
    former_until  INTEGER,
    credential    BLOB,
    is_disabled   INTEGER NOT NULL DEFAULT 0,
    created_by    TEXT NOT NULL,
    created_at    INTEGER NOT NULL,
    UNIQUE (project_id, name)
) STRICT;

-- One lane for each webhook: whoever holds its token delivers, so that a slow receiver delays nobody else. due_at is when
-- the next delivery is due, NULL when none waits; failures counts those in a row that found no receiver.
CREATE TABLE webhook_lanes (
    webhook_id   INTEGER PRIMARY KEY REFERENCES webhooks (id) ON DELETE CASCADE,
    due_at       INTEGER,
    token        BLOB,
    leased_until INTEGER,
    failures     INTEGER NOT NULL DEFAULT 0,
    dropped      INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX webhook_lanes_due ON webhook_lanes (due_at) WHERE due_at IS NOT NULL;

-- state: 0 waiting, 1 delivered, 2 dead. event is the CloudEvents document, and event_id its id, the same in each attempt
-- and replay. status, answer, failure and duration_ms are the last attempt's.
CREATE TABLE webhook_deliveries (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    webhook_id  INTEGER NOT NULL,
    event_id    TEXT NOT NULL,
    event_type  TEXT NOT NULL,
    subject     TEXT NOT NULL,
    event       TEXT NOT NULL,
    replay_of   INTEGER,
    state       INTEGER NOT NULL DEFAULT 0,
    attempts    INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL,
    due_at      INTEGER NOT NULL,
    ended_at    INTEGER,
    status      INTEGER,
    duration_ms INTEGER,
    answer      TEXT,
    failure     TEXT
) STRICT;
CREATE INDEX webhook_deliveries_by_webhook ON webhook_deliveries (webhook_id, state, id);
CREATE INDEX webhook_deliveries_due ON webhook_deliveries (webhook_id, due_at, id) WHERE state = 0;
CREATE INDEX webhook_deliveries_by_age ON webhook_deliveries (created_at);

-- Who tells us of commits. sender: github, gitlab, signed.
CREATE TABLE hooks (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id INTEGER NOT NULL,
    project    TEXT NOT NULL,
    name       TEXT NOT NULL,
    sender     TEXT NOT NULL,
    secret     BLOB NOT NULL,
    created_by TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    taken_at   INTEGER,
    UNIQUE (project_id, name)
) STRICT;
CREATE INDEX hooks_by_address ON hooks (project, name);

-- Bodies that were taken, so that none is taken twice.
CREATE TABLE hook_receipts (
    hook_id     INTEGER NOT NULL,
    digest      BLOB NOT NULL,
    received_at INTEGER NOT NULL,
    PRIMARY KEY (hook_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX hook_receipts_by_age ON hook_receipts (received_at);

-- What was told of commits; source is the Git repository's one name (host and path).
CREATE TABLE commits (
    id          INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id  INTEGER NOT NULL,
    source      TEXT NOT NULL,
    revision    TEXT NOT NULL,
    git_ref     TEXT NOT NULL,
    author      TEXT NOT NULL,
    title       TEXT NOT NULL,
    made_at     INTEGER,
    received_at INTEGER NOT NULL,
    hook        TEXT NOT NULL,
    UNIQUE (project_id, source, revision, git_ref)
) STRICT;
CREATE INDEX commits_by_project ON commits (project_id, id);
CREATE INDEX commits_by_revision ON commits (project_id, revision);

-- What search knows of an image in a repository: what it shows, and the terms that it is found by (`label:team=pay`).
CREATE TABLE search_images (
    id            INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id    INTEGER NOT NULL,
    repository    TEXT NOT NULL,
    digest        TEXT NOT NULL,
    tags          TEXT NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    platform      TEXT NOT NULL,
    size_bytes    INTEGER NOT NULL,
    revision      TEXT,
    pushed_at     INTEGER NOT NULL,
    pushed_by     TEXT NOT NULL,
    UNIQUE (repository, digest)
) STRICT;
CREATE INDEX search_images_by_push ON search_images (pushed_at, id);

CREATE TABLE search_terms (
    term      TEXT NOT NULL,
    pushed_at INTEGER NOT NULL,
    image_id  INTEGER NOT NULL,
    PRIMARY KEY (term, pushed_at, image_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX search_terms_by_image ON search_terms (image_id, term);

-- How far the index has gone through what was there before it.
CREATE TABLE search_progress (
    id       INTEGER PRIMARY KEY CHECK (id = 1),
    position INTEGER NOT NULL
) STRICT;
