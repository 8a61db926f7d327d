-- Owner of every table here: wharf-archive.
-- Images that left for the cold place. Digests are bytes as in the registry's tables; times are microseconds since 1970,
-- UTC.

-- state: 0 storing, 1 archived, 2 restoring, 3 restored, 4 failed. contents: what it has, as JSON; NULL until it
-- is archived. Of one image, one archive at a time is in a state before 3.
CREATE TABLE archives (
    id           BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    project_id   BIGINT NOT NULL,
    repository   TEXT COLLATE "C" NOT NULL,
    digest       BYTEA NOT NULL,
    state        BIGINT NOT NULL,
    revision     BIGINT NOT NULL DEFAULT 1,
    reason       TEXT COLLATE "C" NOT NULL,
    requested_by TEXT COLLATE "C" NOT NULL,
    requested_at BIGINT NOT NULL,
    place        TEXT COLLATE "C",
    contents     TEXT COLLATE "C",
    manifests    BIGINT NOT NULL DEFAULT 0,
    blobs        BIGINT NOT NULL DEFAULT 0,
    size_bytes   BIGINT NOT NULL DEFAULT 0,
    archived_at  BIGINT,
    restored_by  TEXT COLLATE "C",
    restored_at  BIGINT,
    explanation  TEXT COLLATE "C" NOT NULL DEFAULT ''
);
CREATE INDEX archives_by_project ON archives (project_id, id);
CREATE INDEX archives_by_image ON archives (project_id, repository, digest, id);
CREATE UNIQUE INDEX archives_open ON archives (project_id, repository, digest) WHERE state < 3;

-- The manifests of an archive, and the tags that pointed to them: who asks for one is told where it is.
CREATE TABLE archive_members (
    digest     BYTEA NOT NULL,
    archive_id BIGINT NOT NULL REFERENCES archives (id),
    PRIMARY KEY (digest, archive_id)
);
CREATE TABLE archive_tags (
    tag        TEXT COLLATE "C" NOT NULL,
    archive_id BIGINT NOT NULL REFERENCES archives (id),
    digest     BYTEA NOT NULL,
    PRIMARY KEY (tag, archive_id)
);
