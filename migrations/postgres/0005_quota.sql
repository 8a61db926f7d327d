-- Owner of every table here: wharf-registry.
-- What projects use and may use. How it stays exact without a row that every push writes: docs/adr/0005-quotas.md.

-- Limits, NULL where there is none. warned_at: since when a project is above the limit that warns. counted_at: since
-- when the figures are complete; NULL for projects from before there were figures. revision moves with every change of
-- limits and allowances.
CREATE TABLE project_quotas (
    project_id          BIGINT PRIMARY KEY,
    hard_bytes          BIGINT,
    warn_bytes          BIGINT,
    hard_manifests      BIGINT,
    warn_manifests      BIGINT,
    bytes_warned_at     BIGINT,
    manifests_warned_at BIGINT,
    counted_at          BIGINT,
    revision            BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX project_quotas_warned ON project_quotas (project_id) WHERE bytes_warned_at IS NOT NULL OR manifests_warned_at IS NOT NULL;
CREATE INDEX project_quotas_uncounted ON project_quotas (project_id) WHERE counted_at IS NULL;

-- A project's usage is the sum of its shards. A shard may count up to its allowance (NULL: without end) and asks for
-- more where that is used up. Half of a page stays free, so that a new version of a row needs no entry in the index.
CREATE TABLE project_usage (
    project_id          BIGINT NOT NULL,
    shard               BIGINT NOT NULL,
    bytes               BIGINT NOT NULL,
    bytes_allowance     BIGINT,
    manifests           BIGINT NOT NULL,
    manifests_allowance BIGINT,
    PRIMARY KEY (project_id, shard)
) WITH (fillfactor = 50);

-- The blobs that a project is charged for: each once, however many of its repositories link it.
CREATE TABLE project_blobs (
    digest     BYTEA NOT NULL,
    project_id BIGINT NOT NULL,
    size_bytes BIGINT NOT NULL,
    PRIMARY KEY (digest, project_id)
);
CREATE INDEX project_blobs_by_project ON project_blobs (project_id);

-- Projects that have repositories are from before there were figures.
INSERT INTO project_quotas (project_id) SELECT DISTINCT project_id FROM repositories;
