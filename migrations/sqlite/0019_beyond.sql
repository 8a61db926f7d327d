-- Owner of every table here: wharf-governance.
-- Times are microseconds since 1970, UTC. Secrets are sealed under a data key of the catalog.

-- What foreign systems are asked about things that are to be promoted. key is the id of the webhook's event that asks;
-- decision is NULL until there is an answer, and then allow or deny.
CREATE TABLE inquiries (
    key          TEXT PRIMARY KEY,
    promotion_id INTEGER NOT NULL,
    webhook_id   INTEGER NOT NULL,
    repository   TEXT NOT NULL,
    digest       BLOB NOT NULL,
    asked_at     INTEGER NOT NULL,
    decision     TEXT,
    reason       TEXT,
    answered_at  INTEGER,
    UNIQUE (promotion_id, repository, digest)
) STRICT, WITHOUT ROWID;

-- Registries beyond this one that environments are at.
CREATE TABLE remotes (
    project_id INTEGER NOT NULL,
    name       TEXT NOT NULL,
    url        TEXT NOT NULL,
    account    TEXT,
    secret     BLOB,
    changed_by TEXT NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (project_id, name)
) STRICT, WITHOUT ROWID;
