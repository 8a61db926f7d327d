-- Owner of every table here: wharf-registry.
-- Digests are bytes: one algorithm byte (1 sha256, 2 sha512), then the hash. Times are microseconds since 1970, UTC.

CREATE TABLE repositories (
    id         INTEGER PRIMARY KEY,
    project_id INTEGER NOT NULL,
    name       TEXT NOT NULL UNIQUE,
    created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX repositories_by_project ON repositories (project_id, name);

-- Bytes that the store holds. state: 0 present, 1 deleting, 2 lost. Only present rows are unique per digest; stored
-- bytes are never rewritten, a re-push gets a new storage key.
CREATE TABLE blobs (
    id          INTEGER PRIMARY KEY,
    digest      BLOB NOT NULL,
    size_bytes  INTEGER NOT NULL,
    storage_key TEXT NOT NULL UNIQUE,
    state       INTEGER NOT NULL DEFAULT 0,
    created_at  INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX blobs_present ON blobs (digest) WHERE state = 0;
CREATE INDEX blobs_by_digest ON blobs (digest);
CREATE INDEX blobs_deleting ON blobs (id) WHERE state = 1;

-- A blob is readable only through a repository that links it.
CREATE TABLE repository_blobs (
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        BLOB NOT NULL,
    linked_at     INTEGER NOT NULL,
    PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX repository_blobs_by_digest ON repository_blobs (digest);

-- deleted_at is set when a manifest goes to the bin; its row goes when the bin is emptied.
CREATE TABLE manifests (
    id            INTEGER PRIMARY KEY,
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        BLOB NOT NULL,
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    subject       BLOB,
    annotations   TEXT,
    body          BLOB NOT NULL,
    pushed_by     TEXT NOT NULL,
    pushed_at     INTEGER NOT NULL,
    deleted_at    INTEGER
) STRICT;
CREATE UNIQUE INDEX manifests_live ON manifests (repository_id, digest) WHERE deleted_at IS NULL;
CREATE INDEX manifests_by_subject ON manifests (repository_id, subject, id) WHERE subject IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX manifests_binned ON manifests (deleted_at) WHERE deleted_at IS NOT NULL;

-- What a manifest stands on. kind: 0 blob (config or layer), 1 manifest.
CREATE TABLE manifest_references (
    manifest_id   INTEGER NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,
    kind          INTEGER NOT NULL,
    digest        BLOB NOT NULL,
    repository_id INTEGER NOT NULL,
    PRIMARY KEY (manifest_id, kind, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_references_by_digest ON manifest_references (digest, repository_id);

-- A tag's row is what it pointed to from since_at until until_at; the row without an end is the tag.
CREATE TABLE tags (
    id            INTEGER PRIMARY KEY,
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    name          TEXT NOT NULL,
    digest        BLOB NOT NULL,
    changed_by    TEXT NOT NULL,
    since_at      INTEGER NOT NULL,
    until_at      INTEGER
) STRICT;
CREATE UNIQUE INDEX tags_current ON tags (repository_id, name) WHERE until_at IS NULL;
CREATE INDEX tags_by_digest ON tags (repository_id, digest) WHERE until_at IS NULL;

CREATE TABLE uploads (
    id           BLOB PRIMARY KEY,
    project_id   INTEGER NOT NULL,
    repository   TEXT NOT NULL,
    upload_key   TEXT NOT NULL,
    state        BLOB NOT NULL,
    generation   INTEGER NOT NULL DEFAULT 0,
    started_by   TEXT NOT NULL,
    touched_at   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uploads_by_age ON uploads (touched_at);

-- Blobs that somebody may have orphaned, and when to look. A push that relies on a blob moves its row forward.
CREATE TABLE blob_reviews (
    digest       BLOB PRIMARY KEY,
    review_after INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX blob_reviews_due ON blob_reviews (review_after);
