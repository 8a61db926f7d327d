-- Owner of every table here: wharf-governance.
-- Times are microseconds since 1970, UTC. Secrets are sealed under a data key of the catalog.

-- What foreign systems are asked about things that are to be promoted. key is the id of the webhook's event that asks;
-- decision is NULL until there is an answer, and then allow or deny.
CREATE TABLE inquiries (
    key          TEXT PRIMARY KEY,
    promotion_id BIGINT NOT NULL,
    webhook_id   BIGINT NOT NULL,
    repository   TEXT NOT NULL,
    digest       BYTEA NOT NULL,
    asked_at     BIGINT NOT NULL,
    decision     TEXT,
    reason       TEXT,
    answered_at  BIGINT,
    UNIQUE (promotion_id, repository, digest)
);

-- Registries beyond this one that environments are at.
CREATE TABLE remotes (
    project_id BIGINT NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    url        TEXT NOT NULL,
    account    TEXT,
    secret     BYTEA,
    changed_by TEXT NOT NULL,
    changed_at BIGINT NOT NULL,
    PRIMARY KEY (project_id, name)
);
