-- Owner of every table here: wharf-governance.
-- A project's policies, each one JSON document; the row without an end is in force, the others are history that decisions
-- refer to. Times are microseconds since 1970, UTC.

CREATE TABLE project_policies (
    project_id INTEGER NOT NULL,
    revision   INTEGER NOT NULL,
    document   TEXT NOT NULL,
    changed_by TEXT NOT NULL,
    since_at   INTEGER NOT NULL,
    until_at   INTEGER,
    PRIMARY KEY (project_id, revision)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX project_policies_current ON project_policies (project_id) WHERE until_at IS NULL;
