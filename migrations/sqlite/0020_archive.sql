-- Owner of every table here: wharf-archive.
-- Images that left for the cold place. Digests are bytes as in the registry's tables; times are microseconds since 1970,
-- UTC.

-- state: 0 storing, 1 archived, 2 restoring, 3 restored, 4 failed. contents: what it has, as JSON; NULL until it
-- is archived. Of one image, one archive at a time is in a state before 3.
CREATE TABLE archives (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    project_id   INTEGER NOT NULL,
    repository   TEXT NOT NULL,
    digest       BLOB NOT NULL,
    state        INTEGER NOT NULL,
    revision     INTEGER NOT NULL DEFAULT 1,
    reason       TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    requested_at INTEGER NOT NULL,
    place        TEXT,
    contents     TEXT,
    manifests    INTEGER NOT NULL DEFAULT 0,
    blobs        INTEGER NOT NULL DEFAULT 0,
    size_bytes   INTEGER NOT NULL DEFAULT 0,
    archived_at  INTEGER,
    restored_by  TEXT,
    restored_at  INTEGER,
    explanation  TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX archives_by_project ON archives (project_id, id);
CREATE INDEX archives_by_image ON archives (project_id, repository, digest, id);
CREATE UNIQUE INDEX archives_open ON archives (project_id, repository, digest) WHERE state < 3;

-- The manifests of an archive, and the tags that pointed to them: who asks for one is told where it is.
CREATE TABLE archive_members (
    digest     BLOB NOT NULL,
    archive_id INTEGER NOT NULL REFERENCES archives (id),
    PRIMARY KEY (digest, archive_id)
) STRICT, WITHOUT ROWID;
CREATE TABLE archive_tags (
    tag        TEXT NOT NULL,
    archive_id INTEGER NOT NULL REFERENCES archives (id),
    digest     BLOB NOT NULL,
    PRIMARY KEY (tag, archive_id)
) STRICT, WITHOUT ROWID;
