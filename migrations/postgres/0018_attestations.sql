-- Owner of every table here: wharf-trust.

-- What manifests say that are attached to something, read from their blobs and verified; documents is a JSON list. keys is
-- what the set of keys is known by that it was verified with: with other keys it is read again.
CREATE TABLE attestations (
    project_id BIGINT NOT NULL,
    subject    BYTEA NOT NULL,
    manifest   BYTEA NOT NULL,
    keys       BYTEA NOT NULL,
    documents  TEXT NOT NULL,
    PRIMARY KEY (project_id, subject, manifest)
);
