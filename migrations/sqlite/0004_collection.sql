-- Owner of every table here: wharf-registry.
-- Collection on any number of nodes, and the bin.

-- Since when a blob is `deleting`, and from when on its bytes may go: when every presigned URL has run out, and not
-- while another worker is at it.
ALTER TABLE blobs ADD COLUMN deleting_since INTEGER;
ALTER TABLE blobs ADD COLUMN delete_after INTEGER NOT NULL DEFAULT 0;
CREATE INDEX blobs_to_delete ON blobs (delete_after, id) WHERE state = 1;

-- Until when a worker has the review to itself.
ALTER TABLE blob_reviews ADD COLUMN claimed_until INTEGER NOT NULL DEFAULT 0;

-- Manifests that may have neither a tag nor anything else that needs them, and since when.
CREATE TABLE manifest_reviews (
    repository_id INTEGER NOT NULL REFERENCES repositories (id),
    digest        BLOB NOT NULL,
    since_at      INTEGER NOT NULL,
    PRIMARY KEY (repository_id, digest)
) STRICT, WITHOUT ROWID;
CREATE INDEX manifest_reviews_due ON manifest_reviews (since_at, repository_id, digest);
INSERT INTO manifest_reviews (repository_id, digest, since_at)
SELECT m.repository_id, m.digest, m.pushed_at FROM manifests m WHERE m.deleted_at IS NULL AND NOT EXISTS
    (SELECT 1 FROM tags t WHERE t.repository_id = m.repository_id AND t.digest = m.digest AND t.until_at IS NULL);

-- What lies in the bin, by what it is looked for.
CREATE INDEX manifests_bin ON manifests (repository_id, digest, deleted_at) WHERE deleted_at IS NOT NULL;
CREATE INDEX manifests_bin_by_time ON manifests (repository_id, deleted_at, id) WHERE deleted_at IS NOT NULL;
CREATE INDEX manifests_bin_by_subject ON manifests (repository_id, subject) WHERE subject IS NOT NULL AND deleted_at IS NOT NULL;
CREATE INDEX tags_ended ON tags (repository_id, until_at, id) WHERE until_at IS NOT NULL;
CREATE INDEX tags_ended_by_name ON tags (repository_id, name, until_at) WHERE until_at IS NOT NULL;
CREATE INDEX tags_ended_by_digest ON tags (repository_id, digest, until_at) WHERE until_at IS NOT NULL;

-- An upload in the store is looked for by its key there.
CREATE INDEX uploads_by_key ON uploads (upload_key);

-- What each process has collected in its last pass.
CREATE TABLE collection_workers (
    id         BLOB PRIMARY KEY,
    started_at INTEGER NOT NULL,
    seen_at    INTEGER NOT NULL,
    ended_at   INTEGER,
    uploads    INTEGER NOT NULL,
    manifests  INTEGER NOT NULL,
    untagged   INTEGER NOT NULL,
    reviewed   INTEGER NOT NULL,
    blobs      INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX collection_workers_by_time ON collection_workers (seen_at);
