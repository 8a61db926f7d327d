-- Owner of every table here: wharf-governance.
-- Date versions, `YYYYMMDD_NN`. A sequence is a repository's name, or '' for the whole project's. A version that was given
-- out keeps its row for ever: no number is missing without one. Times are microseconds since 1970, UTC; a day is the number
-- YYYYMMDD.

-- The last number of a day.
CREATE TABLE version_sequences (
    project_id  INTEGER NOT NULL,
    sequence    TEXT NOT NULL,
    day         INTEGER NOT NULL,
    last_number INTEGER NOT NULL,
    PRIMARY KEY (project_id, sequence, day)
) STRICT, WITHOUT ROWID;

CREATE TABLE allocated_versions (
    id           INTEGER PRIMARY KEY,
    project_id   INTEGER NOT NULL,
    sequence     TEXT NOT NULL,
    day          INTEGER NOT NULL,
    number       INTEGER NOT NULL,
    allocated_by TEXT NOT NULL,
    purpose      TEXT,
    allocated_at INTEGER NOT NULL,
    expires_at   INTEGER NOT NULL,
    used_at      INTEGER,
    voided_by    TEXT,
    voided_at    INTEGER,
    void_reason  TEXT
) STRICT;
CREATE UNIQUE INDEX allocated_versions_number ON allocated_versions (project_id, sequence, day, number);
CREATE INDEX allocated_versions_listed ON allocated_versions (project_id, id);
CREATE INDEX allocated_versions_of_sequence ON allocated_versions (project_id, sequence, id);

-- Which image of a repository a version stands on.
CREATE TABLE version_uses (
    version_id INTEGER NOT NULL REFERENCES allocated_versions (id),
    repository TEXT NOT NULL,
    digest     BLOB NOT NULL,
    used_by    TEXT NOT NULL,
    used_at    INTEGER NOT NULL,
    PRIMARY KEY (version_id, repository)
) STRICT, WITHOUT ROWID;
