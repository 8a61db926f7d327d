-- Owner of every table here: wharf-registry.
-- What projects use and may use. How it stays exact without a row that every push writes: docs/adr/0005-quotas.md.

-- Limits, NULL where there is none. warned_at: since when a project is above the limit that warns. counted_at: since
-- when the figures are complete; NULL for projects from before there were figures. revision moves with every change of
-- limits and allowances.
CREATE TABLE project_quotas (
    project_id          INTEGER PRIMARY KEY,
    hard_bytes          INTEGER,
    warn_bytes          INTEGER,
    hard_manifests      INTEGER,
    warn_manifests      INTEGER,
    bytes_warned_at     INTEGER,
    manifests_warned_at INTEGER,
    counted_at          INTEGER,
    revision            INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX project_quotas_warned ON project_quotas (project_id) WHERE bytes_warned_at IS NOT NULL OR manifests_warned_at IS NOT NULL;
CREATE INDEX project_quotas_uncounted ON project_quotas (project_id) WHERE counted_at IS NULL;

-- A project's usage is the sum of its shards. A shard may count up to its allowance (NULL: without end) and asks for
-- more where that is used up.
CREATE TABLE project_usage (
    project_id          INTEGER NOT NULL,
    shard               INTEGER NOT NULL,
    bytes               INTEGER NOT NULL,
    bytes_allowance     INTEGER,
    manifests           INTEGER NOT NULL,
    manifests_allowance INTEGER,
    PRIMARY KEY (project_id, shard)
) STRICT, WITHOUT ROWID;

-- The blobs that a project is charged for: each once, however many of its repositories link it.
CREATE TABLE project_blobs (
    digest     BLOB NOT NULL,
    project_id INTEGER NOT NULL,
    size_bytes INTEGER NOT NULL,
    PRIMARY KEY (digest, project_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX project_blobs_by_project ON project_blobs (project_id);

-- Projects that have repositories are from before there were figures.
INSERT INTO project_quotas (project_id) SELECT DISTINCT project_id FROM repositories;
